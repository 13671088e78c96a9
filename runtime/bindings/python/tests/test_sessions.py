"""Servers and clients."""

import os
import signal
import socket
import threading

import pytest

import popcorn


def test_predictions_are_those_of_the_plan(client, plan, digits):
    images, _ = digits
    assert client.prepare(1) == client.prepared == 1
    assert (client.infer(images[4]).scores == plan.predict(images[4]).scores).all()
    assert client.prepared == 0
    together = client.infer_all(images[:3])
    assert [prediction.label for prediction in together] == [plan.predict(image).label for image in images[:3]]
    assert client.infer_all([]) == []
    assert client.spending()["online"]["bytes_sent"] > 0
    assert (client.plan_id, client.input_shape) == (plan.id, plan.input_shape)


def test_answers_before_a_failure_are_not_lost(client, plan, digits, monkeypatch):
    images, _ = digits
    native = client._native

    class Budget:
        def infer_all(self, raw, count):
            answers, _ = native.infer_all(raw[: len(raw) // count], 1)
            return answers, popcorn.Refused("the budget of inferences is spent")

    monkeypatch.setattr(client, "_native", Budget())
    with pytest.raises(popcorn.Refused) as failure:
        client.infer_all(images[:3])
    assert [answer.label for answer in failure.value.answers] == [plan.predict(images[0]).label]
    assert popcorn.PopcornError("other").answers == ()


def test_a_batch_is_answered_together(client, plan, digits):
    images, labels = digits
    for batch in [images[:2], list(images[:2])]:
        assert [prediction.label for prediction in client.infer(batch)] == list(labels[:2])
    with pytest.raises(popcorn.InvalidInput):
        client.infer([images[0], images[1][..., 1:]])
    assert client.infer(images[2]).label == labels[2]


def test_an_image_that_does_not_fit_leaves_the_session_usable(client, digits):
    images, _ = digits
    for wrong in [images[0][..., 1:], images[0] + 300.0]:
        with pytest.raises(popcorn.InvalidInput):
            client.infer(wrong)
    assert client.infer(images[1]).label in range(10)


def test_steps_are_told(server, key, digits):
    told = []
    with popcorn.connect(server.address, key=key, progress=lambda *step: told.append(step)) as client:
        client.infer(digits[0][0])
    assert told and all(0 <= done <= total for done, total, _ in told)
    assert any(step for _, _, step in told)


def test_a_bar_of_progress_does_no_harm(server, key, digits):
    with popcorn.connect(server.address, key=key, progress=True) as client:
        assert client.infer(digits[0][0]).label in range(10)


def test_keys_come_from_files(server, key, tmp_path):
    key.save(tmp_path / "me.key")
    with popcorn.connect(server.address, key=tmp_path / "me.key") as client:
        assert client.prepared == 0
    with pytest.raises(popcorn.SystemFailure):
        key.save(tmp_path / "me.key")
    with pytest.raises(popcorn.InvalidInput):
        popcorn.connect(server.address, key=popcorn.Key.generate(2048))


def test_a_server_with_another_plan_is_left(server):
    with pytest.raises((popcorn.Refused, popcorn.PeerError)):
        popcorn.connect(server.address, plan="0" * 64)
    with pytest.raises(popcorn.InvalidInput):
        popcorn.connect(server.address, plan="no digest")


def test_closed_ends_are_said(plan, key):
    server = popcorn.serve(plan)
    client = popcorn.connect(server.address, key=key, plan=plan)
    client.close()
    with pytest.raises(popcorn.SessionOver):
        client.prepare(1)
    server.close()
    with pytest.raises(popcorn.SystemFailure):
        popcorn.connect(server.address, key=key)


def test_other_machines_take_tls(plan):
    for refused in [lambda: popcorn.serve(plan, "0.0.0.0:0"), lambda: popcorn.connect("192.0.2.1:7000")]:
        with pytest.raises(popcorn.InvalidInput, match="plaintext"):
            refused()
    with popcorn.serve(plan, "0.0.0.0:0", plaintext=True) as server:
        assert server.address.startswith("0.0.0.0:")


def test_peers_that_speak_something_else_are_to_blame():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def answer():
            stream, _ = listener.accept()
            stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n" * 10)
            stream.close()

        thread = threading.Thread(target=answer)
        thread.start()
        # The other thread runs Python while this one waits.
        with pytest.raises((popcorn.PeerError, popcorn.SystemFailure)):
            popcorn.connect("127.0.0.1:%d" % listener.getsockname()[1])
        thread.join()


@pytest.fixture
def control_c():
    """Ctrl-C is heard, also where whoever started the tests ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_control_c_ends_a_call(control_c):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            popcorn.connect("127.0.0.1:%d" % silent.getsockname()[1])
        timer.join()


def test_another_thread_ends_a_session(client):
    client.cancel()
    with pytest.raises(popcorn.Cancelled):
        client.prepare(1)
