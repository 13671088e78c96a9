"""Who is spoken to, and who is let in: TLS, tokens, names of plans."""

import hashlib
import ssl

import pytest

import popcorn


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """An authority with a certificate for a server and one for a client, as files."""
    trustme = pytest.importorskip("trustme")
    folder = tmp_path_factory.mktemp("certificates")
    ours = trustme.CA()
    ours.cert_pem.write_to_path(folder / "ca.crt")
    for name, certificate in [("server", ours.issue_cert("localhost", "127.0.0.1")), ("client", ours.issue_cert("alice"))]:
        certificate.private_key_pem.write_to_path(folder / f"{name}.key")
        folder.joinpath(f"{name}.crt").write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    return folder


def identity(authority, name):
    return authority / f"{name}.crt", authority / f"{name}.key"


def test_a_server_is_known_by_its_authority_or_its_certificate(plan, key, digits, authority):
    pem = (authority / "server.crt").read_text()
    pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[: pem.index("-----END") + 26])).hexdigest()
    with popcorn.serve(plan, tls=identity(authority, "server")) as server:
        for trust in [{"tls": authority / "ca.crt"}, {"pin": pin}]:
            with popcorn.connect(server.address, key=key, **trust) as client:
                assert client.infer(digits[0][2]).label == 2
        for wrong in [{"tls": True}, {"pin": "0" * 64}, {"tls": authority / "client.crt"}]:
            with pytest.raises(popcorn.PeerError):
                popcorn.connect(server.address, key=key, **wrong)
        with pytest.raises(popcorn.PopcornError):
            popcorn.connect(server.address, key=key)  # without TLS
    with pytest.raises(popcorn.InvalidInput):
        popcorn.connect(server.address, tls=authority / "ca.crt", pin=pin)


def test_a_server_may_ask_for_certificates(plan, key, digits, authority):
    trust = {"key": key, "tls": authority / "ca.crt"}
    ours = identity(authority, "server")
    with popcorn.serve(plan, tls=ours, client_ca=authority / "ca.crt") as server:
        with popcorn.connect(server.address, identity=identity(authority, "client"), **trust) as client:
            assert client.infer(digits[0][1]).label == 1
        with pytest.raises(popcorn.PopcornError):
            popcorn.connect(server.address, **trust)
    with pytest.raises(popcorn.InvalidInput):
        popcorn.serve(plan, client_ca=authority / "ca.crt")


def test_clients_are_known_by_tokens(plan, key, tmp_path):
    token, digest = popcorn.new_token()
    (tmp_path / "tokens.txt").write_text(f"# ours\nalice {digest}\n")
    for tokens in [{"alice": digest}, tmp_path / "tokens.txt"]:
        with popcorn.serve(plan, tokens=tokens) as server:
            with popcorn.connect(server.address, key=key, token=token) as client:
                assert client.plan_id == plan.id
            for other in [None, popcorn.new_token()[0]]:
                with pytest.raises(popcorn.Refused):
                    popcorn.connect(server.address, key=key, token=other)
    for wrong in [{"alice": "12"}, {"": digest}]:
        with pytest.raises(popcorn.InvalidInput):
            popcorn.serve(plan, tokens=wrong)
    with pytest.raises(popcorn.SystemFailure):
        popcorn.serve(plan, tokens=tmp_path / "nowhere.txt")
    with pytest.raises(popcorn.InvalidInput):
        popcorn.connect("127.0.0.1:1", token="short")


def test_plans_are_asked_for_by_name(plan, key):
    other = popcorn.compile("testdata/mnist-mlp.onnx", suite="blinded", input_scale=1 / 255)
    with popcorn.serve({"shared": plan, "paper": other}) as server:
        for name, wanted in [("shared", plan), ("paper", other), (other, other), (plan.id, plan)]:
            with popcorn.connect(server.address, key=key, plan=name) as client:
                assert client.plan_id == wanted.id
        with pytest.raises(popcorn.Refused):
            popcorn.connect(server.address, key=key, plan="third")
    for wrong in [{}, {"a name with blanks": plan}]:
        with pytest.raises(popcorn.InvalidInput):
            popcorn.serve(wrong)
