"""What goes through a worker's pipes, and what its replies are read as.

What comes back is data of unknown origin: it must be of exactly the agreed shape, anything else is an error.
"""

from __future__ import annotations

import json
import marshal
import math
import struct
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

MAX_FRAME = 64 * 1024
"""Longest frame accepted from a worker, in bytes; an honest one has under 1 KB."""

NUMBER = struct.Struct(">IcQd")
"""The frame of a reply that is nothing but a number: the length of the rest, the kind, the job's tag, the
reward."""

_BODY = struct.Struct(">cQd")
NUMBER_SIZE = _BODY.size

PLAIN, LAST = b"v", b"r"
"""Its kinds: the worker goes on, or it has to be replaced."""

MAX_TEXT = 600
"""Longest text taken from a frame, in characters."""

MAX_PARTS = 16
"""Most further numbers taken from a frame."""


class WorkerFault(StrEnum):
    """Why a worker had to be given up."""

    TIMEOUT = "timeout"
    """No answer in time."""
    LIMIT = "limit"
    """It used more than it may."""
    DIED = "died"
    """The process ended by itself."""
    ENDED = "ended"
    """Two fresh processes ended at the same job: the job ends them."""
    FORGED = "forged"
    """It sent something that no honest worker sends."""
    NOT_STARTED = "not started"
    """It never came up."""
    NOT_LOADED = "not loaded"
    """The grader's source raised while it was loaded."""
    NEEDS_MORE = "needs more"
    """It wanted, while it was loaded, what this sandbox has not."""


FINAL = (WorkerFault.TIMEOUT, WorkerFault.LIMIT)
"""What is certainly the job's own doing."""


class WorkerError(Exception):
    """A worker that can no longer be used.

    Attributes
    ----------
    fault : WorkerFault
    """

    def __init__(self, fault: WorkerFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault


_NOTHING: Mapping[str, float] = {}


class WorkerReply(NamedTuple):
    """A worker's reply to one job.

    Attributes
    ----------
    value : float or None
        The finite number ``grade`` returned.
    note : str
        What is odd about the value, or ``""``.
    error : str
        Why there is no value, or ``""``.
    absent : str
        Why the function gave no reward on purpose, or ``""``.
    parts : mapping of str to float
        The numbers that it gave beside the reward.
    unstable : str
        How a second grading of the same input came out otherwise, or ``""``.
    recycle : bool
        The job left something running: the worker should not be used again.
    needs : str
        What the grade wanted that this sandbox has not, or ``""``: ``"starts processes"``.
    """

    value: float | None
    note: str = ""
    error: str = ""
    absent: str = ""
    parts: Mapping[str, float] = _NOTHING
    unstable: str = ""
    recycle: bool = False
    needs: str = ""


def reply_with(value: float) -> WorkerReply:
    """A reply that is nothing but a number, made as the tuple it is: quicker."""
    return tuple.__new__(WorkerReply, (value, "", "", "", _NOTHING, "", False, ""))


def encoded(value: Any) -> bytes:
    """A frame for the worker, in marshal's format: this Python writes it, the same Python reads it.

    Version 2 of the format, which keeps no references: two jobs never share an object in there.

    Raises
    ------
    ValueError
        It holds something that is not a plain value, or is nested too deeply.
    """
    body = marshal.dumps(value, 2)
    return len(body).to_bytes(4, "big") + body


def sendable(value: Any) -> Any:
    """The value itself where it can be sent, else as it comes back from JSON.

    Raises
    ------
    TypeError, ValueError, RecursionError
        It cannot be written as JSON either, or is nested too deeply.
    """
    try:
        marshal.dumps(value, 2)
    except ValueError:
        value = json.loads(json.dumps(value, default=str))
        marshal.dumps(value, 2)  # some Pythons write as JSON what is nested deeper than marshal goes
    return value


def size_of(header: bytes) -> int:
    """The length of a reply, from the four bytes before it.

    Raises
    ------
    WorkerError
        `FORGED`: longer than any honest reply.
    """
    size = int.from_bytes(header, "big")
    if size > MAX_FRAME:
        raise WorkerError(WorkerFault.FORGED, f"the sandbox sent a reply of {size:,} bytes")
    return size


def json_reply(body: bytes) -> Any:
    """The value of a reply in JSON.

    Raises
    ------
    WorkerError
        `FORGED`: it is not JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise WorkerError(WorkerFault.FORGED, "the sandbox sent a reply that is not JSON") from None


def reply_of(body: bytes, tag: int) -> WorkerReply:
    """A reply of the agreed shape to the job with this tag.

    Raises
    ------
    WorkerError
        `FORGED`: it is anything else.
    """
    forged = WorkerError(WorkerFault.FORGED, "the sandbox sent something that is not a grade")
    if len(body) == NUMBER_SIZE:
        kind, sent_tag, reward = _BODY.unpack(body)
        if sent_tag != tag or not math.isfinite(reward) or kind not in (PLAIN, LAST):
            raise forged
        return WorkerReply(reward, recycle=kind == LAST)
    frame = json_reply(body)
    if not isinstance(frame, dict) or frame.get("id") != tag or isinstance(frame["id"], bool):
        raise forged
    recycle = frame.get("recycle")
    if not isinstance(recycle, bool):
        raise forged
    match frame:
        case {"error": str(error)} if len(frame) == 3:
            return WorkerReply(None, error=error[:MAX_TEXT] or "unknown error", recycle=recycle)
        case {"needs": str(what)} if len(frame) == 3 and what:
            return WorkerReply(None, needs=what[:MAX_TEXT], recycle=recycle)
        case {"absent": str(absent), "parts": parts} if len(frame) == 4 and absent and _are_numbers(parts):
            return WorkerReply(None, absent=absent[:MAX_TEXT], parts=parts, recycle=recycle)
        case {"value": float(value), "note": str(note), "parts": parts} if (
            len(frame) == 5 and math.isfinite(value) and _are_numbers(parts)
        ):
            return WorkerReply(value, note[:MAX_TEXT], parts=parts, recycle=recycle)
    raise forged


def _are_numbers(parts: Any) -> bool:
    """Whether it is a small object of finite numbers."""
    return (
        isinstance(parts, dict)
        and len(parts) <= MAX_PARTS
        and all(isinstance(value, float) and math.isfinite(value) for value in parts.values())
        and all(len(name) <= MAX_TEXT for name in parts)
    )
