"""An endpoint that answers nothing but errors: the messages about its silence, and when a run stops."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from http import HTTPStatus

from dryrun.models.body import home_of
from dryrun.models.faults import (
    BROKEN,
    LOADING,
    NATIVE,
    NO_CHOICES,
    NO_QUOTA,
    NO_ROOM,
    NOT_JSON,
    NOT_TRUSTED,
    PAGE,
    PRIVATE,
    Fault,
    FaultKind,
    status_name,
)
from dryrun.models.server_words import (
    DATA_POLICY,
    HTTPS_WANTED,
    NO_ACCESS,
    NO_PROVIDER,
    OFFLINE,
    REGION,
    WRONG_KEY,
    WRONG_MODEL,
)

PATIENCE = 600.0
"""Seconds of throttled calls, or of loading, with no answer between them, after which the run stops."""

SAY_AFTER, SAY_EVERY = 30.0, 30.0
"""Seconds of throttled calls before the first message, and between two of any kind."""
SAY_SOON = 3.0
"""The same for other faults: a server that only throttles is often silent for a while."""

BUSY = frozenset({429, 500, 502, 503, 504, 529, None})
"""Statuses of faults that may pass; None: the connection gave no answer."""


Matches = Callable[[Fault], bool]


WAITING = "Waiting:"
"""Beginning of what is said while nothing is answered."""


class Silence:
    """The time since the first fault after which nothing was answered."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._last_news: float | None = None

    def news(self, fault: Fault) -> str:
        """Note a fault; the message for now, or an empty text."""
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        silent, last = now - self._since, self._last_news
        patient = SAY_AFTER if fault.status == HTTPStatus.TOO_MANY_REQUESTS else SAY_SOON
        due = silent >= patient and (last is None or now - last >= SAY_EVERY)
        gone = fault.kind is FaultKind.UNREACHABLE
        if fault.status not in BUSY or not (due or (fault.code == LOADING and last is None)):
            return ""
        self._last_news = now
        if gone:
            away = f"the endpoint has been out of reach for {silent:.0f} seconds ({fault.message})"
            return f"{WAITING} {away}. It is tried again."
        answered = f"{status_name(fault.status)}: {fault.message}" if fault.status else fault.message
        if fault.code == LOADING:
            return f"{WAITING} the endpoint is loading the model ({answered})."
        errors = f"the endpoint has answered nothing but errors for {silent:.0f} s ({answered})"
        return f"{WAITING} {errors}. It is asked again."

    def broken(self) -> str:
        """The endpoint has answered; the message for now, or an empty text."""
        words = "" if self._last_news is None else "The endpoint answers again. Generating and grading."
        self._since = self._last_news = None
        return words

    def too_long(self) -> bool:
        """Whether it is time to give up."""
        return self._since is not None and asyncio.get_running_loop().time() - self._since > PATIENCE


def silence_sentence(fault: Fault, base_url: str) -> str:
    """The sentence for a run that stops because nothing has been answered for a long time."""
    return (
        f"{base_url} has answered no call for {PATIENCE / 60:.0f} minutes "
        f"({status_name(fault.status or 0)}: {fault.message}): resume when it answers again"
    )


def _try(base_url: str) -> str:
    return f" (try {base_url})" if base_url else ""


def fatal_sentence(fault: Fault, base_url: str, model: str) -> str:
    """The sentence for a run that stops: what is wrong, where, and what to do."""
    often = "" if base_url.endswith("/v1") else f" (most end in /v1: try {base_url}/v1)"
    often = _try(home_of(base_url)) or often
    if base_url.endswith("/v1/v1"):
        often = f" (/v1 stands there twice: try {base_url.removesuffix('/v1')})"
    return next(sentence for matches, sentence in SENTENCES if matches(fault)).format(
        url=base_url,
        model=model,
        message=fault.message,
        words=f"({fault.status}: {fault.message})" if fault.status else f"({fault.message})",
        often=often,
        home=_try(home_of(base_url, fault.param)),
        https=base_url.replace("http:", "https:", 1),
        http=base_url.replace("https", "http", 1),
    )


def _code(*codes: str) -> Matches:
    return lambda fault: fault.code in codes


def _status(*codes: int) -> Matches:
    return lambda fault: fault.status in codes


def _says(*patterns: re.Pattern[str]) -> Matches:
    return lambda fault: any(pattern.search(fault.message) for pattern in patterns)


def _away(text: str = "") -> Matches:
    """No answer came, and the message holds `text`."""
    return lambda fault: (
        text in fault.message
        and (
            fault.kind is FaultKind.UNREACHABLE or fault.status is None or bool(OFFLINE.search(fault.message))
        )
    )


def _wrong_key(fault: Fault) -> bool:
    return fault.status == HTTPStatus.UNAUTHORIZED or bool(WRONG_KEY.search(fault.detail))


def _wrong_model(fault: Fault) -> bool:
    return fault.code in WRONG_MODEL or "model" in fault.message.lower()


WRONG_URL = "{url} is not a chat endpoint {words}: check the base URL{often} and the model's name {model!r}"
DENIED = "The API key may not use {model!r} at {url} {words}: ask for access or change the model"
NO_CREDIT = (
    "The account behind the API key has no quota left at {url} {words}: add credit, "
    "raise the limit there or wait until it begins anew, then resume"
)
SENTENCES: Sequence[tuple[Matches, str]] = (
    (_code(PRIVATE), "{message}"),
    (
        _code(NATIVE),
        "{url} has no chat completions {words}: give the base URL of its OpenAI-compatible API{home}, "
        "which ends before /chat/completions",
    ),
    (_code(NOT_JSON), WRONG_URL),
    (
        _code(NO_CHOICES),
        "{url} is there but no model answers ({message}): check the base URL{often}, the model's name "
        "{model!r} and the server behind it, then resume",
    ),
    (
        _code(BROKEN),
        "{url} is there but its answers cannot be read {words}: check the server and any proxy in front of "
        "it, then resume",
    ),
    (_code(NO_ROOM), "{url} has no memory for {model!r} {words}: free some there, or pick a smaller model"),
    (
        _code(PAGE),
        "Something in front of {url} turns this machine away {words}: check the base URL, the network and "
        "any VPN, and whether the service is open to this address",
    ),
    (_says(REGION), "{url} does not serve the place that this machine is in {words}: use another endpoint"),
    (
        _code(NOT_TRUSTED),
        "{url} cannot be reached {words}: if a company's proxy or authority signs it, set SSL_CERT_FILE to a "
        "file with that authority's certificate",
    ),
    (_says(HTTPS_WANTED), "{url} speaks https {words}: try {https}"),
    (
        _away("through the proxy"),
        "{url} cannot be reached {words}: check the proxy, or leave this host out with NO_PROXY",
    ),
    (
        _away("WRONG_VERSION_NUMBER"),
        "{url} cannot be reached {words}: the server there seems to speak http, not https: try {http}",
    ),
    (_away(), "{url} cannot be reached {words}: start the server there or correct the base URL"),
    (
        _status(HTTPStatus.PROXY_AUTHENTICATION_REQUIRED),
        "The proxy wants a user name and password {words}: put them into its URL, http://user:password@host",
    ),
    (_code(NO_QUOTA), NO_CREDIT),
    (_status(HTTPStatus.PAYMENT_REQUIRED), NO_CREDIT),
    (_says(NO_ACCESS), DENIED),
    (_wrong_key, "{url} does not accept the API key {words}: check the key and that it is for this endpoint"),
    (_status(HTTPStatus.FORBIDDEN), DENIED),
    (
        _status(*range(300, 400)),
        "{url} is not the endpoint's address {words}: put the new address as base URL",
    ),
    (_says(DATA_POLICY), "{url} does not serve {model!r} to this account {words}: change its settings there"),
    (
        _says(NO_PROVIDER),
        "Nobody at {url} serves {model!r} with such requests {words}: change the model, or leave out what it "
        "does not take",
    ),
    (_wrong_model, "{url} has no model {model!r} {words}: pick one that the endpoint lists"),
    (lambda _: True, WRONG_URL),
)
"""Why a run stops, the first that matches, and its sentence. `home`, `http`, `https`: addresses to try."""
