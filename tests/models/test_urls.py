"""Base URLs: one spelling per endpoint, and no way into a private network from a hosted app."""

from __future__ import annotations

import asyncio
import socket

import pytest

from dryrun.core.errors import ModelError
from dryrun.core.records import SampleOutcome
from dryrun.models.client import Client
from dryrun.models.faults import Fault
from dryrun.models.model_list import list_models
from dryrun.models.urls import PublicResolver, check_public, is_openai, is_public, normalise_base_url
from tests.helpers.asking import KEY, ask, make_model, make_prompt
from tests.helpers.fake_endpoint import FakeEndpoint, Reply


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        (" https://API.OpenAI.com:443/v1/ ", "https://api.openai.com/v1"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:11434/v1//", "http://localhost:11434/v1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("HTTPS://x.example/Deep/V1/", "https://x.example/Deep/V1"),
    ],
)
def test_one_spelling_per_endpoint(given: str, url: str) -> None:
    assert normalise_base_url(given) == url


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "is not an http(s) URL"),
        ("api.openai.com/v1", "has no http:// or https:// in front: try https://api.openai.com/v1"),
        ("ftp://x.example", "is not an http(s) URL"),
        ("file:///etc/passwd", "is not an http(s) URL"),
        ("https://", "is not an http(s) URL"),
        ("https://x.example/a b", "is not an http(s) URL"),
        ("https://x.example:99999/v1", "is not a URL"),
        ("https://[::1/v1", "is not a URL"),
        ("https://x.example/v1?key=1", "'?' or '#' part: leave it out, as in https://x.example/v1"),
        ("https://x.example/v1#top", "'?' or '#' part: leave it out, as in https://x.example/v1"),
        ("https://x.example/v1/chat/completions", "use https://x.example/v1"),
        ("https://x.example/v1/models/", "use https://x.example/v1"),
        ("https://x.example/v1/messages", "use https://x.example/v1"),
        ("http://x.example:11434/api/chat", "use http://x.example:11434/v1"),
        ("http://x.example/ollama/api/generate", "use http://x.example/ollama/v1"),
    ],
)
def test_what_is_no_base_url_is_refused_with_what_to_do(given: str, words: str) -> None:
    with pytest.raises(ModelError) as error:
        normalise_base_url(given)
    assert words in str(error.value)


@pytest.mark.parametrize("given", ["https://me:s3cret@x.example/v1", "https://s3cret@x.example/v1"])
def test_a_password_in_the_url_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(ModelError, match="leave it out and give an API key") as error:
        normalise_base_url(given)
    assert "s3cret" not in str(error.value)


def test_a_trailing_slash_changes_nothing(endpoint: FakeEndpoint) -> None:
    assert ask(endpoint.base_url + "/").outcome is SampleOutcome.ANSWERED


def test_a_missing_v1_is_named(endpoint: FakeEndpoint) -> None:
    with pytest.raises(ModelError) as error:
        ask(endpoint.base_url.removesuffix("/v1"))
    assert "is not a chat endpoint (404: 404: Not Found)" in str(error.value)
    assert f"(most end in /v1: try {endpoint.base_url})" in str(error.value)


def test_only_openai_itself_is_openai() -> None:
    assert is_openai("https://api.openai.com/v1")
    assert is_openai("https://eu.api.openai.com/v1")
    assert not is_openai("https://api.openai.com.evil.example/v1")
    assert not is_openai("https://my-api.openai.com/v1")


PRIVATE = [
    "127.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "::1",
    "::",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "64:ff9b:1::808:808",
    "fec0::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "2606:4700::5efe:7f00:1",
    "2606:4700::200:5efe:a00:1",
    "2001:0:808:808::1",
    "2002:808:808::1",
    "2001:db8::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "168.63.129.16",
    "192.0.0.192",
    "192.0.0.9",
    "192.88.99.1",
    "198.18.0.1",
    "255.255.255.255",
    "localhost",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_address_is_public(address: str) -> None:
    assert not is_public(address)


PUBLIC = ["8.8.8.8", "1.1.1.1", "168.63.129.17", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "169.254.169.254",
        "0.0.0.0",
        "2130706433",
        "0x7f.1",
        "127.1",
        "[::]",
    ],
)
def test_a_hosted_app_calls_no_private_host(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    with pytest.raises(ModelError, match="not on the public internet"):
        ask(f"http://{host}:9/v1")
    with pytest.raises(ModelError, match="not on the public internet"):
        asyncio.run(list_models(f"http://{host}:9/v1"))


def test_a_hosted_app_makes_no_call_to_a_private_host(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    with pytest.raises(ModelError):
        ask(endpoint.base_url)
    assert endpoint.calls == 0


def test_a_name_that_does_not_resolve_is_named() -> None:
    with pytest.raises(ModelError, match=r"No server is called 'no-such-host\.invalid'"):
        asyncio.run(check_public("https://no-such-host.invalid/v1"))


def test_addresses_are_checked_again_when_a_connection_is_made(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a name that was public when the run began and is private at the next look."""
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    real = socket.getaddrinfo
    answers = iter(["8.8.8.8"])  # the world's DNS: public once, then whatever the attacker likes

    def rebinding(host: str, port: int, *rest: int, **named: int) -> object:
        return real(next(answers, "127.0.0.1") if host == "rebind.example" else host, port, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with pytest.raises(ModelError, match="not on the public internet"):
        ask(f"http://rebind.example:{endpoint.port}/v1")
    assert next(answers, None) is None
    assert endpoint.calls == 0


def test_the_guarded_resolver_gives_no_private_address() -> None:
    async def resolve() -> None:
        await PublicResolver().resolve("localhost", 80)

    with pytest.raises(OSError, match="not on the public internet"):
        asyncio.run(resolve())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(endpoint: FakeEndpoint, status: int) -> None:
    with FakeEndpoint() as inside:
        target = inside.base_url + "/chat/completions"
        endpoint.script(Reply(status=status, raw=b"", headers={"Location": target}))
        with pytest.raises(ModelError, match="it redirects to"):
            ask(endpoint.base_url)
        endpoint.models_reply = Reply(
            status=status, raw=b"", headers={"Location": inside.base_url + "/models"}
        )
        with pytest.raises(ModelError, match="it redirects to"):
            asyncio.run(list_models(endpoint.base_url))
        assert (inside.calls, inside.headers) == (0, [])


def test_the_embedded_server_is_trusted_in_a_hosted_app(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")

    async def ask_trusted() -> object:
        client = Client(endpoint.base_url, KEY, trusted=True)
        await client.open()
        try:
            return await client.ask("/models", None, 5.0)
        finally:
            await client.close()

    assert not isinstance(asyncio.run(ask_trusted()), Fault)


def test_no_proxy_stands_between_us_and_this_machine(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert ask(endpoint.base_url).outcome is SampleOutcome.ANSWERED


def test_the_proxy_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, endpoint: FakeEndpoint
) -> None:
    """A proxy is asked for the whole URL; this one answers itself."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{endpoint.port}")
    assert ask("http://model.example/v1").outcome is SampleOutcome.ANSWERED
    assert endpoint.headers[0]["Host"] == "model.example"


def test_an_open_client_is_needed() -> None:
    async def ask_closed() -> None:
        await make_model("http://127.0.0.1:9/v1").generate(make_prompt(), 0)

    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(ask_closed())
