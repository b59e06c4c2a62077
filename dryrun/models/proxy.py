"""The proxy that the environment names for an endpoint, or a sentence that says what is wrong with it."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.helpers import basicauth_from_netrc, netrc_from_env
from yarl import URL

from dryrun.core.errors import ModelError


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy in use.

    Attributes
    ----------
    url : yarl.URL
        Without user name and password.
    auth : aiohttp.BasicAuth or None
    name : str
        For people: its address, and the variable that names it.
    """

    url: URL
    auth: aiohttp.BasicAuth | None
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


def _of_netrc(host: str) -> aiohttp.BasicAuth | None:
    with contextlib.suppress(LookupError):
        return basicauth_from_netrc(netrc_from_env(), host)
    return None


def _checked(value: str, variable: str) -> Proxy:
    try:
        url = URL(value)
        host, scheme, _ = url.host, url.scheme, url.port
    except ValueError:
        url, host, scheme = URL(), None, ""
    remedy = "give one like http://127.0.0.1:3128, or leave this host out with NO_PROXY"
    if "://" not in value or not host:
        raise ModelError(f"The proxy that {variable} names is not a URL: {remedy}")
    shown = str(url.with_user(None))
    if scheme != "http":
        raise ModelError(
            f"The proxy {shown} ({variable}) is not an http proxy, the only kind supported: {remedy}"
        )
    auth = aiohttp.BasicAuth(url.user, url.password or "") if url.user else _of_netrc(host)
    return Proxy(url.with_user(None), auth, f"{shown.rstrip('/')} of {variable}")
