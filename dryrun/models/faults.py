"""Why a call failed, and what that means: try again, give up on this sample, or stop the run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import orjson

from dryrun.core.text import one_line
from dryrun.models.body import MalformedReplyError, read_document, read_json, vendor_of
from dryrun.models.pace import LONGEST_ASKED, asked_wait, seconds_in
from dryrun.models.reply import NoChoicesError, Reply, UnfinishedReplyError, read_reply
from dryrun.models.server_words import (
    CHAT_TEMPLATE,
    CUT_OFF,
    DAILY,
    FILTERED,
    FIREWALL,
    HTTPS_WANTED,
    JUDGED,
    LOADS,
    MESSAGES,
    MODEL_FAILED,
    MODEL_LEFT,
    NO_ACCESS,
    NO_MEMORY,
    NO_PICTURES,
    NO_SUCH_MODEL,
    NO_SUCH_PATH,
    QUOTA_ID,
    REGION,
    RETRY_DELAY,
    SOON,
    SPENT,
    THROTTLED,
    TOO_LARGE,
    UNSUPPORTED_FORMAT,
    UNSUPPORTED_PARAMETER,
    URL_LACKS,
    WAIT,
    WRONG_KEY,
    WRONG_MODEL,
)

SHOWN = 300
"""Characters of a server's own message that are passed on."""

DETAIL = 20_000
"""Bytes of an error's body in which words are looked for."""

RETRIED = frozenset({408, 409, 424, 425, 429, 498, 499})
"""Statuses below 500 after which a later call may succeed."""

NO_QUOTA = "insufficient_quota"
"""OpenAI's code of a 429 that no waiting cures; ours for all that say so in other words."""

LOADING = "loading"
"""Our own code: the server is still loading the model."""

PRIVATE = "private_address"
"""Our own code: a hosted app does not call this host."""

NOT_JSON = "not_json"
"""Our own code: an answer with status 200 that is a page, or nothing."""

NOT_TRUSTED = "not_trusted"
"""Our own code: a certificate that no known authority has signed."""

UNFINISHED = "unfinished"
"""Our own code: a chat completion that ended in an error or holds no answer."""

NO_CHOICES = "no_choices"
"""Our own code: JSON with status 200 that has no choices and no error."""

AT_CAP = "at_cap"
"""Our own code: the answer was cut off at the token cap, said as a refusal."""

BROKEN = "broken"
"""Our own code: an answer that broke off, or whose bytes cannot be unpacked."""

NATIVE = "native"
"""Our own code: an answer in a vendor's own format, which is no chat completion."""

NO_ROOM = "no_memory"
"""Our own code: the model does not fit into the server's memory."""

PAGE = "page"
"""Our own code: a page, and no answer of an API, turns the request away."""

CROWDED = "crowded"
"""Our own code: the server that this app runs on reads too many long answers at one time."""


class FaultKind(StrEnum):
    """What a failed call means for the ones after it."""

    TRANSIENT = "transient"
    """Trying again may help."""
    UNREACHABLE = "unreachable"
    """No connection. Trying again may help, unless nothing was ever there."""
    REJECTED = "rejected"
    """This request will never be accepted."""
    FILTERED = "filtered"
    """A content filter withheld the response to this prompt."""
    FATAL = "fatal"
    """No request will be accepted: wrong key, wrong model, wrong address, no quota."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One failed call.

    Attributes
    ----------
    kind : FaultKind
    message : str
        The server's own words on one line, or what went wrong on the way to it.
    status : int or None
        HTTP status, None if there was no answer.
    code, param : str
        As in OpenAI's error object; ``""`` if absent.
    detail : str
        The whole error body, in which a refused parameter's name is looked for.
    retry_after : float or None
        Seconds the server asks to wait.
    usage : (int or None, int or None)
        Prompt and completion tokens that were used all the same.
    """

    kind: FaultKind
    message: str
    status: int | None = None
    code: str = ""
    param: str = ""
    detail: str = ""
    retry_after: float | None = None
    usage: tuple[int | None, int | None] = (None, None)

    @property
    def curable(self) -> bool:
        """Whether trying again may help."""
        return self.kind in (FaultKind.TRANSIENT, FaultKind.UNREACHABLE)

    @property
    def waits(self) -> bool:
        """Whether the server asks for patience, not for another try: it throttles, or loads the model."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS or self.code == LOADING

    def sentence(self) -> str:
        """The sentence for a sample that failed: what happened."""
        if self.status is None:
            return self.message
        return f"The endpoint answered {status_name(self.status)}: {self.message}"


def status_name(status: int) -> str:
    """``"429 Too Many Requests"``."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def fault_of_answer(status: int, headers: Mapping[str, str], content: bytes) -> Fault:
    """The fault in an HTTP answer with an error status."""
    error = _error_object(content)
    message = one_line(error.get("message") or "", SHOWN) or "no reason given"
    fault = Fault(
        kind=FaultKind.REJECTED,
        message=message,
        status=status,
        code=str(error.get("code") or error.get("type") or ""),
        param=_none_as_blank(error.get("param")),
        detail=content[:DETAIL].decode("utf-8", "replace"),
        retry_after=asked_wait(headers),
    )
    if status == HTTPStatus.TOO_MANY_REQUESTS and fault.retry_after is None:
        fault = replace(fault, retry_after=_wait_in_words(fault))
    if 300 <= status < 400:
        fault = replace(fault, message=f"it redirects to {headers.get('location', 'another address')}")
    words = _own_words(error)
    if status in MONEY and _spent(fault, words):
        fault = replace(fault, code=NO_QUOTA)
    elif status in (400, 404, 422) and fault.param in ("", "model") and NO_SUCH_MODEL.search(message):
        fault = replace(fault, code="model_not_found")
    elif status == HTTPStatus.BAD_REQUEST and CUT_OFF.search(message):
        fault = replace(fault, code=AT_CAP)
    elif status >= 500 and NO_MEMORY.search(words):
        fault = replace(fault, code=NO_ROOM)
    elif status >= 500 and LOADS.search(words):
        fault = replace(fault, code=LOADING)
    elif status == HTTPStatus.FORBIDDEN and FIREWALL.search(message):
        fault = replace(fault, code=PAGE)
    return replace(fault, kind=_kind(fault, error))


def _wait_in_words(fault: Fault) -> float | None:
    """Seconds that the server's words ask for, where no header does: ``Please try again in 6m0s``."""
    asked = WAIT.search(fault.message) or RETRY_DELAY.search(fault.detail)
    if asked is None:
        return None
    words = re.sub("(millisecond|second|minute|hour)s?", lambda unit: SHORT_UNITS[unit[1]], asked[1].lower())
    return seconds_in(words.replace(" ", ""))


SHORT_UNITS = {"millisecond": "ms", "second": "s", "minute": "m", "hour": "h"}


def _none_as_blank(value: Any) -> str:
    """LiteLLM writes the word None."""
    return "" if value in (None, "None", "null") else str(value)


MONEY = frozenset({400, 402, 403, 412, 429, 503})
"""Statuses with which an account without money or allowance is turned away."""


def _own_words(error: Mapping[str, Any]) -> str:
    """The server's own words, without the request that some send back with the error."""
    return one_line(" ".join(str(error.get(name) or "") for name in OWN), SHOWN)


OWN = ("code", "type", "__type", "status", "message", "innererror")


def _spent(fault: Fault, words: str) -> bool:
    if named := {per.lower() for per in QUOTA_ID.findall(fault.detail)}:
        return "day" in named
    soon = SOON.search(words) or (fault.retry_after is not None and fault.retry_after <= LONGEST_ASKED)
    used_up = SPENT.search(words) or (fault.status == HTTPStatus.TOO_MANY_REQUESTS and DAILY.search(words))
    return fault.code == NO_QUOTA or bool(used_up and not soon)


def reply_or_fault(content: bytes, cap: int | None) -> Reply | Fault:
    """What the body of an answer with status 200 says; `cap` as `read_reply` has it."""
    try:
        document = read_document(content)
    except MalformedReplyError as error:
        # A proxy's page, or nothing: it came from something on the way.
        return Fault(FaultKind.TRANSIENT, str(error), code=NOT_JSON)
    if (vendor := vendor_of(document)) is not None:
        words = f"it answers in the format of {vendor.api}"
        return Fault(FaultKind.FATAL, words, code=NATIVE, param=vendor.base_url)
    try:
        return fault_in_document(document, content) or read_reply(document, cap)
    except MalformedReplyError as error:
        return Fault(FaultKind.REJECTED, str(error))
    except UnfinishedReplyError as error:
        kind = FaultKind.TRANSIENT if error.curable else FaultKind.REJECTED
        code = NO_CHOICES if isinstance(error, NoChoicesError) else UNFINISHED
        return Fault(kind, str(error), code=code, usage=error.usage)


STATUS_FIELDS = ("status", "status_code", "statusCode", "http_status", "code", "error_code", "errorCode")
"""Fields in which the body of an answer with status 200 carries a status of its own."""


def fault_in_document(document: Any, content: bytes) -> Fault | None:
    """The fault in an answer with status 200, as some routers send it; None if there is none.

    An error may stand at the top or inside the first choice, beside part of a text; or the body has an error
    status in a field of its own and holds no choices.
    """
    if not isinstance(document, dict):
        return None
    choices = document.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    error = document.get("error") or choice.get("error")
    if not error and isinstance(message := choice.get("message"), dict):
        error = message.get("error")
    if choice and isinstance(error, dict) and not any(error.values()):
        error = None  # filled in by gateways that have nothing to say
    own = document.get("base_resp")
    if not error and not choice and isinstance(own, dict) and own.get("status_code"):
        error = own
    places = [part for part in (error, document, document.get("base_resp"), document.get("detail")) if part]
    status = next((number for part in places if (number := _error_status(part)) is not None), None)
    if not error and not choice and FILTERED.search(content[:DETAIL].decode("utf-8", "replace")):
        return Fault(FaultKind.FILTERED, "A content filter withheld the response")
    if not error and (status is None or choice):
        return None
    inner = orjson.dumps({"error": error}) if error else content
    words = inner[:DETAIL].decode("utf-8", "replace")
    meant = (
        (NO_SUCH_PATH, HTTPStatus.NOT_FOUND),
        (WRONG_KEY, HTTPStatus.UNAUTHORIZED),
        (SPENT, HTTPStatus.PAYMENT_REQUIRED),
    )
    otherwise = next((code for sign, code in meant if sign.search(words)), HTTPStatus.INTERNAL_SERVER_ERROR)
    return fault_of_answer(status or int(otherwise), {}, inner)


def _error_status(part: Any) -> int | None:
    values = [part.get(name) for name in STATUS_FIELDS] if isinstance(part, dict) else []
    numbers = [int(value) for value in values if isinstance(value, int | str) and str(value).isdigit()]
    return next((number for number in numbers if 400 <= number < 600), None)


def _kind(fault: Fault, error: Mapping[str, Any]) -> FaultKind:
    status = fault.status or 0
    words = _own_words(error)
    if _filtered(fault, error):
        return FaultKind.FILTERED
    if status == HTTPStatus.TOO_MANY_REQUESTS and TOO_LARGE.search(words):
        return FaultKind.REJECTED
    if fault.code != NO_QUOTA and status in (400, 403, 422) and THROTTLED.search(words):
        return FaultKind.TRANSIENT
    if (
        fault.code in (NO_QUOTA, NO_ROOM)
        or fault.code in WRONG_MODEL
        or status in (401, 402, 403, 404, 405, 407)
        or 300 <= status < 400
    ):
        return FaultKind.FATAL
    if status == HTTPStatus.NOT_IMPLEMENTED:
        return FaultKind.REJECTED
    if status >= 500 and any(kind.search(words) for kind in NEVER):
        return FaultKind.REJECTED
    if status in RETRIED or status >= 500 or MODEL_FAILED.search(fault.detail) or MODEL_LEFT.search(words):
        return FaultKind.TRANSIENT
    always = WRONG_KEY.search(fault.detail) or any(kind.search(words) for kind in ALWAYS)
    return FaultKind.FATAL if always else FaultKind.REJECTED


ALWAYS = (REGION, HTTPS_WANTED, NO_ACCESS, URL_LACKS)
"""Words of refusals that every request would meet."""


def _filtered(fault: Fault, error: Mapping[str, Any]) -> bool:
    """Azure's 400 with code ``content_filter``, also wrapped by a gateway; a router's 403 with reasons."""
    metadata = error.get("metadata")
    if fault.status == 403 and isinstance(metadata, dict) and metadata.get("reasons"):
        return True
    # A firewall's page speaks of blocked requests too.
    words = _own_words(error)
    words = fault.code if fault.status == HTTPStatus.FORBIDDEN and not JUDGED.search(words) else words
    return fault.status not in NEVER_FILTERED and bool(FILTERED.search(words))


NEVER = (CHAT_TEMPLATE, UNSUPPORTED_FORMAT, UNSUPPORTED_PARAMETER, NO_PICTURES)
"""Words of servers that give a refusal the status of a fault of their own."""

NEVER_FILTERED = frozenset({401, 402, 404, 405, 408, 413, 429})


def _error_object(content: bytes) -> Mapping[str, Any]:
    """The error object of the shapes in use: OpenAI's, in a list, flat, FastAPI's, plain text."""
    try:
        document = read_json(content)
    except MalformedReplyError:
        return {"message": _text_of(content)}
    if isinstance(document, list) and document:
        document = document[0]
    if not isinstance(document, dict):
        return {"message": str(document)}
    error = document.get("error") or document.get("base_resp") or document
    if not isinstance(error, dict):
        return {"message": str(error)}
    words = str(next((error[name] for name in MESSAGES if error.get(name)), error))
    # A router says that a provider failed, and passes on what that one said.
    passed_on = raw.get("raw") if isinstance(raw := error.get("metadata"), dict) else None
    if isinstance(passed_on, str) and passed_on:
        words += f" ({_error_object(passed_on.encode())['message']})"
    return {**error, "message": words}


def _text_of(content: bytes) -> str:
    """A page's words without its markup."""
    return re.sub(
        r"<(script|style).*?</\1>|<[^>]*>", " ", content[:20_000].decode("utf-8", "replace"), flags=re.S
    )
