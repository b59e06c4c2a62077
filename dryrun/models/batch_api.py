"""The Batch API of an OpenAI-compatible endpoint: files up, batches made and looked at, results down.

What comes back is the endpoint's word, not the truth: what is not a batch is a fault, never an exception.
A batch is rows: one request a line on the way up, one answer a line on the way down.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import quote

from dryrun.models.body import MalformedReplyError, read_json
from dryrun.models.client import LARGEST_ANSWER, CallFaultError, Client, HttpAnswer, json_bytes, patiently
from dryrun.models.faults import Fault, FaultKind, fault_of_answer
from dryrun.models.pace import RetryPolicy

REQUEST_URL = "/v1/chat/completions"
"""What every row of a batch asks, and the only method these batches use."""

TOKEN = "dryrun_part"
"""The metadata by which a batch is recognised whose id was lost."""

QUEUE_FULL = "token_limit_exceeded"
"""Code of a batch that was refused only because others of the account are still under way."""

PAGE, MOST_PAGES = 100, 50
CALL_SECONDS = 60.0
UPLOAD_SECONDS = 1800.0
SILENCE_SECONDS = 120.0
"""Longest wait for the next bytes of a download."""
SHOWN_ERRORS = 3


class BatchStatus(StrEnum):
    """The endpoint's own words for where a batch stands."""

    VALIDATING = "validating"
    FAILED = "failed"
    """Refused as a whole: no row was worked on."""
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    EXPIRED = "expired"
    """The window passed; what was done by then is there."""
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


ENDED = frozenset({BatchStatus.FAILED, BatchStatus.COMPLETED, BatchStatus.EXPIRED, BatchStatus.CANCELLED})

KNOWN: Mapping[str, BatchStatus] = {status.value: status for status in BatchStatus}


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch as the endpoint describes it.

    Attributes
    ----------
    id : str
    status : BatchStatus
        ``in_progress`` for a word that is not known.
    input_file, output_file, error_file : str
        File ids; ``""`` where there is none.
    token : str
        What it was marked with when it was made.
    done : int
        Rows that have come to an end; 0 while the endpoint does not say.
    problem, code : str
        Why it failed, in the endpoint's words, and the first code.
    """

    id: str
    status: BatchStatus
    input_file: str = ""
    output_file: str = ""
    error_file: str = ""
    token: str = ""
    done: int = 0
    problem: str = ""
    code: str = ""

    @property
    def ended(self) -> bool:
        """Whether no more answers will come."""
        return self.status in ENDED


def read_batch(document: Any) -> Batch:
    """Read a batch object.

    Raises
    ------
    MalformedReplyError
        It is not one.
    """
    if not isinstance(document, dict) or not _text(document.get("id")) or not _text(document.get("status")):
        raise MalformedReplyError("The answer is not a batch: it has no id or no status")
    counts = document.get("request_counts")
    counts = counts if isinstance(counts, dict) else {}
    metadata = document.get("metadata")
    problem, code = _problem(document.get("errors"))
    return Batch(
        id=_text(document["id"]),
        status=KNOWN.get(_text(document["status"]).lower(), BatchStatus.IN_PROGRESS),
        input_file=_text(document.get("input_file_id")),
        output_file=_text(document.get("output_file_id")),
        error_file=_text(document.get("error_file_id")),
        token=_text(metadata.get(TOKEN)) if isinstance(metadata, dict) else "",
        done=int(_number(counts.get("completed")) + _number(counts.get("failed"))),
        problem=problem,
        code=code,
    )


def _problem(errors: Any) -> tuple[str, str]:
    """The first reasons why a batch was refused, with their lines, and the first code."""
    listed = errors.get("data") if isinstance(errors, dict) else errors
    if not isinstance(listed, list):
        return (_text(listed), "")
    errors = [error for error in listed if isinstance(error, dict)]
    words = [_reason(error) for error in errors[:SHOWN_ERRORS]]
    if more := len(errors) - len(words):
        words.append(f"and {more:,} more")
    return "; ".join(words), _text(errors[0].get("code")) if errors else ""


def _reason(error: Mapping[str, Any]) -> str:
    line = error.get("line")
    where = f" (line {line})" if isinstance(line, int) else ""
    return f"{_text(error.get('message'))[:300] or 'no reason given'}{where}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float:
    counted = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**53
    return float(value) if counted else 0.0


class BatchApi:
    """Calls to one endpoint's files and batches.

    Parameters
    ----------
    client : Client
        Open.
    policy : RetryPolicy
        When a call that failed is made again.
    """

    def __init__(self, client: Client, policy: RetryPolicy) -> None:
        self._client, self._policy = client, policy

    async def upload(self, name: str, file: BinaryIO) -> str:
        """Put a file of requests at the endpoint; its id.

        Raises
        ------
        CallFaultError
        """
        once = partial(self._client.upload, "/files", name, file, UPLOAD_SECONDS)
        document = await self._document(once)
        if not _text(document.get("id")):
            raise CallFaultError(Fault(FaultKind.REJECTED, "The answer to the upload names no file"))
        return _text(document["id"])

    async def create(self, input_file: str, window: str, token: str) -> Batch | Fault:
        """Make a batch of an uploaded file. Made once: the caller looks for it before it tries again."""
        body = {
            "input_file_id": input_file,
            "endpoint": REQUEST_URL,
            "completion_window": window,
            "metadata": {TOKEN: token},
        }
        return await self._batch("/batches", body)

    async def find(self, input_file: str, token: str) -> Batch | None:
        """The batch made of this file or marked with this token; None if there is none.

        Raises
        ------
        CallFaultError
        """
        after = ""
        for _ in range(MOST_PAGES):
            path = f"/batches?limit={PAGE}" + (f"&after={after}" if after else "")
            page = await self._document(partial(self._client.ask, path, None, CALL_SECONDS))
            entries = page.get("data")
            batches = [batch for entry in entries or () if (batch := _batch_or_none(entry)) is not None]
            for batch in batches:
                if batch.input_file == input_file or batch.token == token:
                    return batch
            if not batches or not page.get("has_more"):
                return None
            after = quote(batches[-1].id, safe="")
        return None

    async def look(self, batch_id: str) -> Batch:
        """How a batch stands.

        Raises
        ------
        CallFaultError
            Also for a fault that time may cure, after one try: a caller that polls comes again anyway.
        """
        batch = await self._batch(f"/batches/{quote(batch_id, safe='')}", None)
        if isinstance(batch, Fault):
            raise CallFaultError(batch)
        return batch

    async def lines(self, file_id: str) -> AsyncIterator[bytes]:
        """The lines of a file as they come in: neither the file nor more than a line is ever in memory.

        Raises
        ------
        CallFaultError
            The download was refused or broke off. Made again, it begins at the first line.
        """
        pieces = self._client.download(f"/files/{quote(file_id, safe='')}/content", SILENCE_SECONDS)
        async for line in split_lines(pieces):
            yield line

    async def pause_after(self, fault: Fault, failures: int) -> None:
        """Wait before the next try.

        Raises
        ------
        CallFaultError
            The fault is not one that time cures, or there were tries enough.
        """
        pause = self._policy.pause(failures, fault.retry_after) if fault.curable else None
        if pause is None:
            raise CallFaultError(fault)
        await asyncio.sleep(pause)

    async def _batch(self, path: str, body: Mapping[str, Any] | None) -> Batch | Fault:
        answer = await self._client.ask(path, body, CALL_SECONDS)
        if isinstance(answer, Fault):
            return answer
        try:
            return read_batch(read_json(answer.content))
        except MalformedReplyError as error:
            return Fault(FaultKind.TRANSIENT, str(error))

    async def _document(self, once: Callable[[], Awaitable[HttpAnswer | Fault]]) -> Mapping[str, Any]:
        """The JSON object that a call gives, made again where that may help; empty for other JSON."""
        answer = await patiently(once, self._policy)
        if isinstance(answer, Fault):
            raise CallFaultError(answer)
        try:
            document = read_json(answer.content)
        except MalformedReplyError as error:
            raise CallFaultError(Fault(FaultKind.REJECTED, str(error))) from error
        return document if isinstance(document, dict) else {}


def _batch_or_none(entry: Any) -> Batch | None:
    try:
        return read_batch(entry)
    except MalformedReplyError:
        return None


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
