"""The notebook does what it says."""

from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parent.parent / "examples" / "first.ipynb"


def test_the_notebook_runs(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    for needed in ["ipykernel", "matplotlib", "onnx"]:
        pytest.importorskip(needed)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs for cell in code), "clear its outputs before it is committed"
    folder = {"metadata": {"path": str(NOTEBOOK.parent)}}
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", resources=folder).execute()
    printed = "".join(output.get("text", "") for cell in code for output in cell.outputs)
    accuracy = float(printed.split("accuracy ")[1].split()[0])
    assert accuracy > 0.9 and "class" in printed
    assert any("image/png" in output.get("data", {}) for output in code[-1].outputs)
