"""Writes the node tests of the onnx package as models with one image: NAME.onnx, NAME.image and NAME.expected.

usage: node_tests.py FOLDER OPERATOR...   needs: onnx (exit code 77 without it)

A test applies where one of its operators is among those named, its first result is of floating-point numbers (or a label),
and one of these forms gives, by onnx's own reference evaluation, what the test expects:

- one input of floats is the image, the others are constants;
- inputs of floats that have one shape stand side by side in the image, which the model splits (NAME.beside).

The image has a batch of one: that of the test, or the first of its images, or the whole input with an axis before it. Files
hold little-endian f32. NAMES of tests that do not apply go to left_out.txt, with the reason.
"""

import pathlib
import sys
import warnings

try:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from onnx.backend.test.case.node import collect_testcases
    from onnx.reference import ReferenceEvaluator
except ImportError as missing:
    print(missing)
    sys.exit(77)

FLOATS = (np.float32, np.float64, np.float16)
NEAR = {"rtol": 1e-2, "atol": 1e-3}


def main(folder, operators):
    warnings.simplefilter("ignore")
    left_out = []
    for test in collect_testcases(None):
        if not operators & {node.op_type for node in test.model.graph.node}:
            continue
        try:
            reason = write(folder, test)
        except Exception as error:  # the reference evaluator raises whatever it likes
            reason = f"onnx cannot evaluate it so ({type(error).__name__})"
        if reason:
            left_out.append(f"{test.name}\t{reason}")
    (folder / "left_out.txt").write_text("".join(line + "\n" for line in left_out))


def write(folder, test):
    """Writes what applies of a test; else says why it does not."""
    if not test.data_sets:
        return "it has no data"
    graph, (inputs, outputs) = test.model.graph, test.data_sets[0]
    if len(inputs) != len(graph.input):
        return "it has optional inputs"
    values = {}
    for declared, value in zip(graph.input, inputs):
        if not isinstance(value, (np.ndarray, np.generic)):
            return "an input is a sequence or an optional"
        values[declared.name] = np.asarray(value)
    expected = np.asarray(outputs[0])
    if expected.dtype not in (*FLOATS, np.int64):
        return "its result is of another type"
    if expected.size == 0 or not np.isfinite(expected).all():
        return "its result is empty or not finite"
    floats = [name for name, value in values.items() if value.dtype in FLOATS and value.size > 1]
    floats = [name for name in floats if values[name].ndim <= 4]
    if not floats:
        return "no input is of floats and an image"
    found = alone(folder, test, values, floats, expected)
    if len(floats) > 1 and len({(values[name].shape, values[name].dtype) for name in floats}) == 1:
        found = beside(folder, test, values, floats, expected) or found
    return None if found else "its result is not one of single images"


def alone(folder, test, values, floats, expected):
    """The first input of floats is the image."""
    name = floats[0]
    for batched, wanted in batches({name: values[name]}, values, expected):
        if save(folder / test.name, test.model, batched, {name: [name]}, wanted):
            return True
    return False


def beside(folder, test, values, floats, expected):
    """All inputs of floats are the image."""
    images = {name: values[name] for name in floats}
    for batched, wanted in batches(images, values, expected):
        if batched[floats[0]].ndim > 1 and save(
            folder / f"{test.name}.beside", test.model, batched, {"side by side": floats}, wanted
        ):
            return True
    return False


def batches(images, values, expected):
    """The inputs and the result for one image, in the forms that may be meant."""
    first = next(iter(images.values()))
    alike = lambda value: value.ndim == first.ndim and value.shape[0] == first.shape[0]
    if first.ndim > 1 and first.shape[0] == 1:
        yield values, expected
    if first.ndim > 1 and expected.ndim > 0 and expected.shape[0] == first.shape[0] > 1:
        yield {name: value[:1] if name in images else value for name, value in values.items()}, expected[:1]
        yield {name: value[:1] if alike(value) else value for name, value in values.items()}, expected[:1]
    if first.ndim < 4:
        yield {
            name: value[None] if name in images else value for name, value in values.items()
        }, expected[None]


def save(path, model, values, images, wanted):
    """Writes the model and its image if it gives what is wanted."""
    [(image, names)] = images.items()
    array = np.concatenate([values[name] for name in names], axis=1)
    new = onnx.ModelProto()
    new.CopyFrom(model)
    graph = new.graph
    graph.name = path.name
    del graph.input[:], graph.output[1:], graph.value_info[:]
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    graph.input.append(helper.make_tensor_value_info(image, kind, array.shape))
    for name, value in values.items():
        if name not in names:
            graph.initializer.append(numpy_helper.from_array(value, name))
    output = graph.output[0].name
    kind = helper.np_dtype_to_tensor_dtype(wanted.dtype)
    graph.output[0].CopyFrom(helper.make_tensor_value_info(output, kind, wanted.shape))
    if len(names) > 1:
        split(graph, image, names, values, version(new))
    try:
        onnx.checker.check_model(new, full_check=True)
        got = ReferenceEvaluator(new).run(None, {image: array})[0]
    except Exception:
        return False
    if got.shape != wanted.shape or not np.allclose(got, wanted, **NEAR):
        return False
    path.with_name(path.name + ".onnx").write_bytes(new.SerializeToString())
    for suffix, values in [(".image", array), (".expected", wanted)]:
        path.with_name(path.name + suffix).write_bytes(values.astype("<f4").tobytes())
    return True


def version(model):
    return next(imported.version for imported in model.opset_import if imported.domain in ("", "ai.onnx"))


def split(graph, image, names, values, opset):
    """Puts a Split of the image before all else."""
    sizes = np.array([values[name].shape[1] for name in names], np.int64)
    node = helper.make_node("Split", [image], names, axis=1)
    if opset >= 13:
        graph.initializer.append(numpy_helper.from_array(sizes, "widths"))
        node.input.append("widths")
    else:
        node.attribute.append(helper.make_attribute("split", sizes))
    graph.node.insert(0, node)


main(pathlib.Path(sys.argv[1]), set(sys.argv[2:]))
