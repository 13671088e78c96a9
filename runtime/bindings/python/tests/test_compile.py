"""From models to plans."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import popcorn

MODEL = Path("testdata/mnist-mlp.onnx")
OPTIONS = {"calibration": "testdata/digits/all.npz", "input_scale": 1 / 255}


@pytest.fixture(scope="module")
def compiled():
    return popcorn.compile(MODEL, **OPTIONS)


def test_a_model_is_a_path_bytes_or_a_proto(compiled):
    onnx = pytest.importorskip("onnx")
    for model in [MODEL.read_bytes(), onnx.load(MODEL)]:
        plan = popcorn.compile(model, **OPTIONS)
        assert plan.input_shape == compiled.input_shape == (1, 28, 28)
        assert plan.cost() == compiled.cost()


def test_calibration_is_an_array_a_file_or_a_folder(compiled, digits):
    images, labels = digits
    expected = popcorn.compile(MODEL, reproducible=True, **OPTIONS)
    for calibration in [images, (images, labels)]:
        plan = popcorn.compile(MODEL, calibration=calibration, input_scale=1 / 255, reproducible=True)
        assert plan.id == expected.id != compiled.id
    of_pictures = popcorn.compile(MODEL, calibration="testdata/digits", input_scale=1 / 255)
    assert of_pictures.suite == "shared"


def test_options_reach_the_compiler(digits):
    plan = popcorn.compile(MODEL, suite="blinded", labels=list("abcdefghij"), weight_bits=7, key_bits=2048, **OPTIONS)
    assert (plan.suite, plan.key_bits, plan.classes) == ("blinded", 2048, list("abcdefghij"))
    assert plan.predict(digits[0][3]).name == "d"
    label = popcorn.compile(MODEL, reveal="label", **OPTIONS)
    prediction = label.predict(digits[0][3])
    assert (prediction.label, prediction.scores, prediction.probabilities) == (3, None, None)


def test_an_accuracy_budget_gives_a_cheaper_plan(compiled, digits):
    plan = popcorn.compile(MODEL, max_accuracy_drop=10, evaluation=digits, **OPTIONS)
    assert plan.cost().bytes < compiled.cost().bytes
    assert plan.evaluate(*digits).accuracy >= compiled.evaluate(*digits).accuracy - 0.1


def test_doubts_are_warnings():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plan = popcorn.compile(MODEL, calibration="testdata/digits/all.npz", accept_error=True, weight_bits=1)
    assert [str(warning.message) for warning in caught] == plan.warnings


@pytest.mark.parametrize(
    "options",
    [
        {"suite": "other"},
        {"weight_bits": 9},
        {"weight_bits": "many"},
        {"key_bits": 1000},
        {"max_accuracy_drop": 1.0},
        {"labels": ["one"]},
        {"calibration": "nowhere.npz"},
    ],
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises((popcorn.InvalidInput, popcorn.SystemFailure)):
        popcorn.compile(MODEL, **{**OPTIONS, **options})


def test_things_that_are_no_model_are_refused():
    for model in [3, b"no model"]:
        with pytest.raises(popcorn.PopcornError):
            popcorn.compile(model)


def test_every_operator_that_is_not_supported_is_named():
    onnx = pytest.importorskip("onnx")
    value = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 1, 4, 4]) for name in "xy"]
    nodes = [
        onnx.helper.make_node("Det", ["x"], ["a"], name="first"),
        onnx.helper.make_node("NonZero", ["x"], ["y"], name="second"),
    ]
    graph = onnx.helper.make_graph(nodes, "odd", value[:1], value[1:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    with pytest.raises(popcorn.Unsupported) as caught:
        popcorn.compile(model, model_output="y")
    assert "NonZero" in [found.op for found in caught.value.diagnostics]


def test_modules_of_torch_are_exported():
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    torch.manual_seed(1)
    module = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(2 * 36, 4)
    )
    plan = popcorn.compile(module, example=torch.zeros(1, 1, 8, 8), input_scale=1 / 255)
    assert plan.input_shape == (1, 8, 8) and module.training
    image = np.random.default_rng(1).integers(0, 256, (1, 8, 8))
    expected = module.eval()(torch.tensor(image[None] / 255, dtype=torch.float32)).detach().numpy()[0]
    assert np.allclose(plan.predict(image).scores, expected, atol=0.1)
