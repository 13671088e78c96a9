"""Writes NAME.expected, what onnxruntime makes of NAME.onnx and NAME.image, for every model of a folder.

usage: onnxruntime_runs.py FOLDER   needs: onnxruntime (exit code 77 without it)

Images are of one batch, in the model's own order of axes; open axes are a batch of one. Where a model has a fixed batch, it is
filled with equal images, and the result of the first is written. Files hold little-endian f32.
"""

import pathlib
import sys

try:
    import numpy as np
    import onnxruntime
except ImportError as missing:
    print(missing)
    sys.exit(77)

quiet = onnxruntime.SessionOptions()
quiet.log_severity_level = 4
quiet.intra_op_num_threads = 1
# As written: its own rewriting of graphs is not asked for.
quiet.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL

for model in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    try:
        session = onnxruntime.InferenceSession(model, quiet, providers=["CPUExecutionProvider"])
        image = session.get_inputs()[0]
        dims = [size if isinstance(size, int) and size > 0 else 1 for size in image.shape]
        pixels = np.fromfile(model.with_suffix(".image"), "<f4").reshape(1, *dims[1:])
        result = session.run([session.get_outputs()[0].name], {image.name: np.repeat(pixels, dims[0], 0)})[0]
        result = np.asarray(result, "<f4").reshape(-1)
        model.with_suffix(".expected").write_bytes(result[: len(result) // dims[0]].tobytes())
    except Exception as error:
        model.with_suffix(".failed").write_text(str(error).splitlines()[0])
