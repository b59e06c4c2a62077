"""The rows of a batch: one request a line on the way up, one answer a line on the way down."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from dryrun.models.answers.body import MalformedReplyError, read_json
from dryrun.models.client import LARGEST_ANSWER, HttpAnswer, json_bytes
from dryrun.models.faults import Fault, FaultKind, fault_of_answer

RAN_OUT = frozenset({"batch_expired", "batch_cancelled", "request_timeout"})
"""Codes of a row that was never worked on, or not to its end: a second request may succeed."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much one input file may hold. The defaults are OpenAI's (guide "Batch API", November 2026)."""

    requests: int = 50_000
    bytes: int = 200_000_000


def request_line(custom_id: str, url: str, body: Mapping[str, Any]) -> bytes:
    """One request of an input file, line break included."""
    return json_bytes({"custom_id": custom_id, "method": "POST", "url": url, "body": body}) + b"\n"


def fill(file: BinaryIO, lines: Iterable[bytes], limits: BatchLimits) -> int:
    """Write as many lines as one input file may hold, at least one; returns their number."""
    count = size = 0
    for line in lines:
        size += len(line)
        if count and (count >= limits.requests or size > limits.bytes):
            break
        file.write(line)
        count += 1
    return count


def read_row(line: bytes) -> tuple[str, HttpAnswer | Fault] | None:
    """The request that a line of an output or error file answers, and the answer.

    Parameters
    ----------
    line : bytes
        As it came: nothing about it is believed.

    Returns
    -------
    (str, HttpAnswer or Fault) or None
        The custom id and what a call of its own would have given; None for a line that names no request.
    """
    try:
        row = read_json(line)
    except MalformedReplyError:
        return None
    custom_id = row.get("custom_id") if isinstance(row, dict) else None
    return (custom_id, _outcome(row)) if isinstance(custom_id, str) else None


def _outcome(row: Mapping[str, Any]) -> HttpAnswer | Fault:
    response = row.get("response")
    if isinstance(response, dict) and isinstance(response.get("status_code"), int):
        status, body = response["status_code"], json_bytes(response.get("body"))
        return HttpAnswer(body, {}) if 200 <= status < 300 else fault_of_answer(status, {}, body)
    error = row.get("error")
    if not isinstance(error, dict):
        return Fault(FaultKind.REJECTED, "The batch's row holds neither a response nor an error")
    code, message = str(error.get("code") or ""), " ".join(str(error.get("message") or "").split())[:300]
    kind = FaultKind.TRANSIENT if code in RAN_OUT else FaultKind.REJECTED
    sentence = f"The batch gave no answer ({code or 'no code'}): {message or 'no reason given'}"
    return Fault(kind, sentence, code=code)


async def split_lines(chunks: AsyncIterable[bytes], longest: int = LARGEST_ANSWER) -> AsyncIterator[bytes]:
    """The lines of a stream, without their breaks and without blank ones.

    A line of more than `longest` bytes is dropped, so that memory stays bounded whatever is sent.
    """
    rest, dropping = bytearray(), False
    async for chunk in chunks:
        *whole, last = chunk.split(b"\n")
        for piece in whole:
            if rest:
                piece = bytes(rest) + piece
                rest.clear()
            if not dropping and piece.strip():
                yield piece
            dropping = False
        rest += last
        if len(rest) > longest:
            rest.clear()
            dropping = True
    if rest.strip() and not dropping:
        yield bytes(rest)
