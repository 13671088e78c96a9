"""Private inference for trained convolutional networks.

A company compiles its network and serves it; a customer asks about images that it shows to nobody:

>>> import numpy, popcorn
>>> plan = popcorn.compile("testdata/mnist-mlp.onnx", calibration="testdata/digits/all.npz", input_scale=1 / 255)
>>> with popcorn.serve(plan, "127.0.0.1:0") as server:
...     with popcorn.connect(server.address, plan=plan) as client:
...         prediction = client.infer(numpy.zeros((1, 28, 28)))
>>> prediction.scores.shape
(10,)

The server sees neither image nor prediction, the client no weights; SECURITY.md of the project says what leaks and on what
assumptions the rest is safe.
"""

from ._client import Client, connect
from ._compile import compile
from ._key import Key
from ._plan import Cost, Evaluation, Plan
from ._prediction import Output, Prediction
from ._server import Server, new_token, serve
from .errors import (
    Cancelled,
    Inaccurate,
    InternalError,
    InvalidInput,
    PeerError,
    PopcornError,
    Refused,
    SessionOver,
    SystemFailure,
    Unsupported,
)

__all__ = [
    "Cancelled",
    "Client",
    "Cost",
    "Evaluation",
    "Inaccurate",
    "InternalError",
    "InvalidInput",
    "Key",
    "Output",
    "PeerError",
    "Plan",
    "PopcornError",
    "Prediction",
    "Refused",
    "Server",
    "SessionOver",
    "SystemFailure",
    "Unsupported",
    "compile",
    "connect",
    "new_token",
    "serve",
]
