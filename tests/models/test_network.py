"""The way to an endpoint: certificates, proxies, and Azure's older addresses."""

from __future__ import annotations

import asyncio
import http.server
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dryrun.core.errors import ModelError
from dryrun.core.records import SampleOutcome
from dryrun.models.client import CallFaultError, Client
from dryrun.models.urls import in_no_proxy, normalise_base_url, proxy_for
from tests.helpers.asking import ask
from tests.helpers.fake_endpoint import FakeEndpoint

OUTSIDE = "http://model.test/v1"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)


class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = b'{"choices": [{"message": {"content": "2"}, "finish_reason": "stop"}]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def certified(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server whose certificate nobody knows, and that certificate."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    names += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_address[1]}/v1", certificate
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_a_certificate_that_nobody_knows_is_named_with_its_remedy(
    certified: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, certificate = certified
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(ModelError) as error:
        ask(url)
    for words in ("Its certificate is not trusted: self-signed certificate", "set SSL_CERT_FILE", url):
        assert words in str(error.value)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert ask(url).outcome is SampleOutcome.ANSWERED


def test_certificates_that_cannot_be_read_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at/all.pem")
    with pytest.raises(ModelError, match=r"SSL_CERT_FILE .* cannot be read"):
        ask("https://model.test/v1")


def test_a_proxy_in_use_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("HTTP_PROXY", f"http://ann:secret@127.0.0.1:{port}")
    with pytest.raises(ModelError) as error:
        ask(OUTSIDE)
    assert f"through the proxy http://127.0.0.1:{port} of HTTP_PROXY)" in str(error.value)
    assert "check the proxy" in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.filterwarnings("error::DeprecationWarning")
@pytest.mark.parametrize("login", ["", "ann:secret@"])
def test_no_proxy_is_shown_the_key(login: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It carries what goes to https in a tunnel, and needs to know no more than where to."""
    asked: list[str] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def play() -> None:
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        monkeypatch.setenv("HTTPS_PROXY", f"http://{login}127.0.0.1:{server.sockets[0].getsockname()[1]}")
        client = Client("https://model.test/v1", "the-key")
        await client.open()
        await client.ask("/chat/completions", {}, 5.0)
        with pytest.raises(CallFaultError):
            await anext(client.download("/files/1/content", 5.0))
        await client.close()
        server.close()

    asyncio.run(play())
    assert [request.split()[:2] for request in asked] == [["CONNECT", "model.test:443"]] * 2
    for request in asked:
        assert "the-key" not in request
        assert ("Proxy-Authorization: Basic " in request) == bool(login)


@pytest.mark.filterwarnings("error::DeprecationWarning")
@pytest.mark.parametrize("login", ["", "ann:se%40cret@"])
def test_a_proxy_that_works_is_used(
    login: str, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{login}127.0.0.1:{endpoint.port}")
    assert ask(OUTSIDE).outcome is SampleOutcome.ANSWERED
    wanted = "Basic YW5uOnNlQGNyZXQ=" if login else None
    assert endpoint.headers[-1].get("Proxy-Authorization") == wanted


def test_a_login_that_netrc_holds_is_shown_to_the_proxy(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{endpoint.port}")
    assert ask(OUTSIDE).outcome is SampleOutcome.ANSWERED
    assert endpoint.headers[-1]["Proxy-Authorization"] == "Basic YW5uOnNlY3JldA=="


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("socks5://ann:secret@127.0.0.1:9", "The proxy socks5://127.0.0.1:9 ({}) is not an http proxy"),
        ("socks5h://127.0.0.1:9", "socks5h://127.0.0.1:9 ({}) is not an http proxy"),
        ("https://127.0.0.1:9", "is not an http proxy"),
        ("127.0.0.1:9", "The proxy that {} names is not a URL"),
        ("localhost:9", "The proxy that {} names is not a URL"),
        ("http://127.0.0.1:nine", "The proxy that {} names is not a URL"),
        ("http://", "The proxy that {} names is not a URL"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_by_name(
    variable: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ModelError) as error:
        ask(OUTSIDE)
    assert words.format(variable) in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("excluded", "host", "direct"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("a.example, 192.168.0.0/16", "192.168.7.7", True),
        ("fd00::/8", "fd12::1", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "model.test", False),
        ("not/a/network", "10.1.2.3", False),
    ],
)
def test_networks_in_no_proxy(
    excluded: str, host: str, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", excluded)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert in_no_proxy(host) is direct
    url = f"http://[{host}]/v1" if ":" in host else f"http://{host}/v1"
    assert (proxy_for(url) is None) is direct


@pytest.mark.parametrize("excluded", ["model.test", ".test", "*", "model.test:80"])
def test_names_in_no_proxy(excluded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", excluded)
    monkeypatch.setenv("HTTP_PROXY", "socks5://127.0.0.1:9")
    assert proxy_for("http://model.test:80/v1") is None


@pytest.mark.parametrize(
    ("url", "use"),
    [
        (
            "https://Ours.openai.azure.com/openai/deployments/gpt-x/chat/completions?api-version=2024-06-01",
            "use https://ours.openai.azure.com/openai/v1 and the deployment's name 'gpt-x' as model",
        ),
        ("https://ours.openai.azure.com/openai/deployments/gpt-x", "the deployment's name 'gpt-x' as model"),
        ("https://ours.openai.azure.com", "use https://ours.openai.azure.com/openai/v1"),
        ("https://ours.openai.azure.com/openai/", "use https://ours.openai.azure.com/openai/v1"),
        ("https://gate.example/x/openai/deployments/m", "use https://gate.example/x/openai/v1"),
    ],
)
def test_azures_older_addresses_lead_to_the_new_one(url: str, use: str) -> None:
    with pytest.raises(ModelError) as error:
        normalise_base_url(url)
    assert use in str(error.value)


def test_azures_new_address_is_taken_as_it_is() -> None:
    url = "https://ours.openai.azure.com/openai/v1"
    assert normalise_base_url(url) == url
