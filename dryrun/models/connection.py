"""The fault behind an exception of the HTTP client: no connection, or one that broke."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import aiohttp

from dryrun.core.text import one_line
from dryrun.models.faults import BROKEN, NOT_TRUSTED, PRIVATE, SHOWN, Fault, FaultKind, status_name
from dryrun.models.urls import PrivateAddressError


def fault_of_exception(error: BaseException, timeout: float) -> Fault:
    """The fault behind an exception of the client.

    Parameters
    ----------
    error : BaseException
        What the call raised.
    timeout : float
        The deadline it ran under, in seconds.
    """
    chain = list(_causes(error))
    private = next((cause for cause in chain if isinstance(cause, PrivateAddressError)), None)
    if private is not None:
        return Fault(FaultKind.FATAL, str(private), code=PRIVATE)
    certificate = [cause for cause in chain if isinstance(cause, ssl.SSLCertVerificationError)]
    if certificate:
        words = getattr(certificate[-1], "verify_message", "") or one_line(certificate[-1], SHOWN)
        return Fault(FaultKind.FATAL, f"Its certificate is not trusted: {words}", code=NOT_TRUSTED)
    refusal = next((cause for cause in chain if isinstance(cause, aiohttp.ClientHttpProxyError)), None)
    if refusal is not None:
        return Fault(FaultKind.UNREACHABLE, f"The proxy answers {status_name(refusal.status)}")
    if any(
        isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError) for cause in chain
    ):
        return Fault(FaultKind.UNREACHABLE, _connection_message(chain))
    if any(isinstance(cause, aiohttp.ServerDisconnectedError | ConnectionError) for cause in chain):
        return Fault(FaultKind.TRANSIENT, "The endpoint closed the connection without an answer")
    if any(isinstance(cause, TimeoutError) for cause in chain):
        return Fault(FaultKind.TRANSIENT, f"The endpoint did not answer within {timeout:g} seconds")
    if any(isinstance(cause, aiohttp.ClientError) for cause in chain):
        words = f"The answer broke off or could not be read: {_innermost(chain)}"
        broken = any(isinstance(cause, aiohttp.ClientPayloadError) for cause in chain)
        broken = broken or "content-encoding" in words
        return Fault(FaultKind.TRANSIENT, words, code=BROKEN if broken else "")
    return Fault(FaultKind.REJECTED, f"The request could not be sent: {_innermost(chain)}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


NO_CONNECTION: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "No server of that name can be found"),
    (aiohttp.ClientConnectorDNSError, "No server of that name can be found"),
    (ConnectionRefusedError, "Nothing listens at that address"),
    (aiohttp.ConnectionTimeoutError, "The server does not take the connection"),
)


def _connection_message(chain: list[BaseException]) -> str:
    known = (words for cause in chain for kind, words in NO_CONNECTION if isinstance(cause, kind))
    secure = "secure " * any(isinstance(cause, aiohttp.ClientSSLError) for cause in chain)
    return next(known, f"No {secure}connection can be made: {_innermost(chain)}")


def _innermost(chain: list[BaseException]) -> str:
    # asyncio's "no running event loop" stands behind many errors and causes none.
    words = (one_line(cause, SHOWN) for cause in reversed(chain) if not isinstance(cause, RuntimeError))
    return next((text for text in words if text), type(chain[-1]).__name__)
