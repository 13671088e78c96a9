"""What the tests share. They run at the root of the project, where testdata is."""

import numpy as np
import pytest

import popcorn


@pytest.fixture(scope="session")
def plan():
    return popcorn.Plan.load("testdata/mnist-mlp.plan")


@pytest.fixture(scope="session")
def digits():
    """Ten drawn digits, and what they are."""
    with np.load("testdata/digits/all.npz") as data:
        return data["images"], np.arange(10)


@pytest.fixture(scope="session")
def key():
    return popcorn.Key.generate()


@pytest.fixture(scope="session")
def server(plan):
    with popcorn.serve(plan) as server:
        yield server


@pytest.fixture
def client(server, key):
    with popcorn.connect(server.address, key=key) as client:
        yield client
