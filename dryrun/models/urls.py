"""Base URLs: one spelling per endpoint, and none into the private network of a hosted app.

And the proxy that the environment names for one, or a sentence that says what is wrong with it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from aiohttp import encode_basic_auth
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.helpers import netrc_from_env
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from dryrun.core.errors import ModelError

METHODS = ("/chat/completions", "/completions", "/responses", "/messages", "/models", "/embeddings")
OLLAMAS = ("/api/chat", "/api/generate", "/api/tags")
"""Methods of an API of its own, beside which that server has the usual one under ``/v1``."""
PORTS = {"http": 80, "https": 443}
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: an IPv4 address in the last 32 bits, which a translator connects to."""


_SPECIAL_IPV4 = """
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3 168.63.129.16/32
"""
SPECIAL_IPV4 = tuple(map(ipaddress.IPv4Network, _SPECIAL_IPV4.split()))
"""IANA's registry of special addresses, and clouds' own: 192.0.0.0/24 holds Oracle Cloud's metadata too, and
the last is Azure's own services, on every machine there. Kept here: `ipaddress` changes its mind with patch
releases of Python."""

GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
"""All that IANA has given out for the public internet."""

_SPECIAL_IPV6 = "2001::/23 2001:db8::/32 2002::/16 3fff::/20"
SPECIAL_IPV6 = tuple(map(ipaddress.IPv6Network, _SPECIAL_IPV6.split()))
"""Of these: protocols' own (Teredo among them), documentation, and 6to4, which holds an IPv4 address."""

ISATAP = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")
"""RFC 5214: with these in the middle the last 32 bits are an IPv4 address that a router may tunnel to."""


class PrivateAddressError(OSError):
    """A hosted app was about to connect to an address that is not public. The message is a sentence."""


def normalise_base_url(url: str) -> str:
    """One spelling per endpoint: scheme and host in lower case, no default port, no needless slashes.

    Raises
    ------
    ModelError
        It is not an http(s) URL, carries a user name or password or a query, or names a method of
        the API (``.../chat/completions``) instead of its base.
    """
    _lead_to_azure(url.strip())
    parts = _split(url.strip())
    path = re.sub("/{2,}", "/", parts.path).rstrip("/")
    for method in (*METHODS, *OLLAMAS):
        if path.endswith(method):
            before = path.removesuffix(method) + "/v1" * (method in OLLAMAS)
            base = urlunsplit((parts.scheme, _host(parts), before, "", ""))
            raise ModelError(f"The base URL ends before {method}: use {base}")
    return urlunsplit((parts.scheme, _host(parts), path, "", ""))


AZURE = (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com")


def _lead_to_azure(url: str) -> None:
    """Refuse Azure's older URLs, which want a version in a query and a key in a header of their own."""
    try:
        parts = urlsplit(url)
    except ValueError:  # said elsewhere
        return
    if parts.scheme not in PORTS or not parts.hostname or "@" in parts.netloc:
        return
    before, classic, rest = parts.path.rstrip("/").partition("/openai/deployments/")
    bare = parts.hostname.endswith(AZURE) and parts.path.rstrip("/") in ("", "/openai")
    if classic or bare:
        name = rest.split("/")[0]
        use = f"{parts.scheme}://{parts.netloc.lower()}{before.removesuffix('/openai').rstrip('/')}/openai/v1"
        model = f" and the deployment's name {name!r} as model" if name else ""
        raise ModelError(f"This is not the base URL of Azure's v1 API: use {use}{model}")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise ModelError("The base URL is not a URL: give one like https://api.openai.com/v1") from None
    # The URL is repeated back only once it is known to hold no password.
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise ModelError("The base URL holds a user name or password: leave it out and give an API key")
    spaced = any(sign.isspace() for sign in url)
    if not spaced and (place := _PLACE.match(url)) is not None:
        raise ModelError(f"{url!r} has no http:// or https:// in front: try {_scheme(place[1])}://{url}")
    if parts.scheme not in PORTS or not host or spaced:
        raise ModelError(f"{url!r} is not an http(s) URL: give one like https://api.openai.com/v1")
    if parts.query or parts.fragment:
        plain = urlunsplit((parts.scheme, _host(parts), parts.path, "", ""))
        raise ModelError(f"The base URL holds a '?' or '#' part: leave it out, as in {plain}")
    return parts


_PLACE = re.compile(r"(localhost|\d+(?:\.\d+){3}|[\w-]+(?:\.[\w-]+)+|[\w-]+(?=:\d))(:\d+)?(/.*)?$", re.A)
"""A host without a scheme."""


def _scheme(host: str) -> str:
    """What a server of this name speaks most likely: one of this network, or named by its address, has no
    certificate."""
    return "http" if "." not in host or host.rpartition(".")[2].isdigit() else "https"


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, PORTS[parts.scheme]) else f"{host}:{parts.port}"


def host_of(url: str) -> str:
    """The host of a URL, in lower case, without its port."""
    return (urlsplit(url).hostname or "").lower()


def is_openai(url: str) -> bool:
    """Whether OpenAI itself serves this URL. Some fields are for it alone: others may refuse them."""
    host = host_of(url)
    return host == "api.openai.com" or host.endswith(".api.openai.com")


def known_for_batches(url: str) -> bool:
    """Whether the host is one whose Batch API is documented: OpenAI, Azure. Others may have one too."""
    return is_openai(url) or host_of(url).endswith(AZURE)


def is_loopback(url: str) -> bool:
    """Whether the URL names this machine by ``localhost`` or a loopback address."""
    host = host_of(url)
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet."""
    try:
        parsed = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in block for block in SPECIAL_IPV4)
    if parsed.ipv4_mapped is not None or parsed in NAT64:
        return is_public(str(ipaddress.IPv4Address(parsed.packed[-4:])))
    return (
        parsed in GLOBAL_IPV6
        and not any(parsed in block for block in SPECIAL_IPV6)
        and parsed.packed[8:12] not in ISATAP
    )


async def check_public(url: str) -> None:
    """Refuse a URL whose host resolves to anything but public addresses.

    Raises
    ------
    ModelError
        An address is private, loopback or link-local, or the name does not resolve.
    """
    host = host_of(url)
    loop = asyncio.get_running_loop()
    try:
        addresses = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        raise ModelError(f"No server is called {host!r}: check the base URL") from None
    if not all(is_public(str(entry[4][0])) for entry in addresses):
        raise ModelError(private_sentence(host))


def private_sentence(host: str) -> str:
    """Why a hosted app does not call this host."""
    return (
        f"{host!r} is not on the public internet, and a hosted Dry Run calls public endpoints only: "
        "run Dry Run on your own machine to use it"
    )


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only, at the moment of connecting.

    `check_public` alone could be fooled by a name that answers differently the second time.
    """

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Addresses of `host`; `PrivateAddressError` if any of them is not public."""
        addresses = await self._resolver.resolve(host, port, family)
        if not all(is_public(entry["host"]) for entry in addresses):
            raise PrivateAddressError(private_sentence(host))
        return addresses

    async def close(self) -> None:
        """Nothing to close."""
        await self._resolver.close()


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy in use.

    Attributes
    ----------
    url : yarl.URL
        Without user name and password.
    login : str
        The value of ``Proxy-Authorization``; ``""`` for none.
    name : str
        For people: its address, and the variable that names it.
    """

    url: URL
    login: str
    name: str


def proxy_for(base_url: str) -> Proxy | None:
    """The proxy for this endpoint; None where it is called directly.

    Raises
    ------
    ModelError
        It is not an http proxy, or not a URL.
    """
    parts = urlsplit(base_url)
    scheme = "https" if parts.scheme == "https" else "http"
    named = getproxies()
    kind = scheme if named.get(scheme) else "all"
    value, host = named.get(kind, ""), parts.hostname or ""
    if not value or proxy_bypass(f"{host}:{parts.port}" if parts.port else host) or in_no_proxy(host):
        return None
    return _checked(value, _variable(kind))


def in_no_proxy(host: str) -> bool:
    """Whether ``NO_PROXY`` holds a network, such as ``10.0.0.0/8``, that this address is in."""
    entries = os.environ.get("no_proxy", os.environ.get("NO_PROXY", "")).split(",")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for entry in entries if (network := _network(entry)) is not None)


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(entry.strip().strip("[]"), strict=False)
    except ValueError:
        return None


def _variable(kind: str) -> str:
    """The variable as it is written here; systems without one have a setting."""
    names = (f"{kind}_proxy", f"{kind.upper()}_PROXY")
    return next((name for name in names if os.environ.get(name)), "the system's settings")


def _login(url: URL, host: str) -> str:
    """As the URL has it, else as ``.netrc`` has it."""
    if url.user:
        return encode_basic_auth(url.user, url.password or "")
    file = netrc_from_env()
    known = file.authenticators(host) if file is not None else None
    return encode_basic_auth(known[0] or known[1] or "", known[2] or "") if known else ""


def _checked(value: str, variable: str) -> Proxy:
    try:
        url = URL(value)
        host, scheme, _ = url.host, url.scheme, url.port
        login = _login(url, host) if host else ""
    except ValueError:
        url, host, scheme, login = URL(), None, "", ""
    remedy = "give one like http://127.0.0.1:3128, or leave this host out with NO_PROXY"
    if "://" not in value or not host:
        raise ModelError(f"The proxy that {variable} names is not a URL: {remedy}")
    shown = str(url.with_user(None))
    if scheme != "http":
        raise ModelError(
            f"The proxy {shown} ({variable}) is not an http proxy, the only kind supported: {remedy}"
        )
    return Proxy(url.with_user(None), login, f"{shown.rstrip('/')} of {variable}")
