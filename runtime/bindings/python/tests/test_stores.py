"""Prepared inferences in folders, and clients that come again."""

import threading
import time

import pytest

import popcorn


def test_what_is_stocked_serves_later_sessions_once(plan, key, digits, tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    with popcorn.serve(plan, store=theirs) as server:
        with popcorn.connect(server.address, key=key, store=ours) as client:
            assert client.stock(2) == client.stored == 2
    # Another server process, as it were, with the same folder.
    with popcorn.serve(plan, store=theirs) as server:
        with popcorn.connect(server.address, key=key, store=ours) as client:
            assert client.stored == 2
            assert client.infer(digits[0][3]).label == 3
            assert client.stored == 1
        with popcorn.connect(server.address, key=key) as client:
            assert client.stored == 0


def test_a_key_of_a_store_may_lie_elsewhere(plan, key, tmp_path):
    with popcorn.serve(plan, store=tmp_path / "theirs", store_key=tmp_path / "server.key") as server:
        with popcorn.connect(server.address, key=key, store=tmp_path / "ours", store_key=tmp_path / "client.key") as client:
            assert client.stock(1) == 1
        with pytest.raises(popcorn.PopcornError):
            popcorn.connect(server.address, key=key, store=tmp_path / "ours", store_key=tmp_path / "other.key")
    assert (tmp_path / "server.key").stat().st_size == (tmp_path / "client.key").stat().st_size == 32


def test_stores_that_make_no_sense_are_refused(server, plan, tmp_path):
    with pytest.raises(popcorn.InvalidInput, match="key="):
        popcorn.connect(server.address, store=tmp_path)
    for wrong in [
        lambda: popcorn.connect(server.address, store_key=tmp_path / "some.key"),
        lambda: popcorn.serve(plan, store_key=tmp_path / "some.key"),
    ]:
        with pytest.raises(popcorn.InvalidInput, match="store="):
            wrong()


def test_a_client_waits_for_a_server_that_comes_late(plan, key, digits):
    with popcorn.serve(plan) as first:
        address = first.address
    with pytest.raises(popcorn.SystemFailure):
        popcorn.connect(address, key=key)
    started = []

    def start():
        time.sleep(0.3)
        started.append(popcorn.serve(plan, address))

    thread = threading.Thread(target=start)
    thread.start()
    with popcorn.connect(address, key=key, retry=60) as client:
        assert client.infer(digits[0][5]).label == 5
    thread.join()
    started[0].close()
    with pytest.raises(popcorn.InvalidInput):
        popcorn.connect(address, key=key, retry=-1)
