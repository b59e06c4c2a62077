"""A loopback server that speaks OpenAI's Batch API beside chat completions: files, batches, every mishap.

In a test::

    with FakeBatches(looks=3) as endpoint:       # a batch ends at the third look
        ...                                      # talk to endpoint.base_url
        assert endpoint.rows_by_key[key] == 1    # what was asked for through batches, counted
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.helpers.fake_endpoint import Body, FakeEndpoint, Reply, completion, raw_response

STAGES = ("validating", "in_progress", "finalizing")
Row = dict[str, Any]
Lines = Callable[[list[Row]], list[Row | bytes]]


@dataclass
class FakeBatch:
    """One batch at the server.

    Attributes
    ----------
    looks : int
        How often it was asked after.
    rows : list of dict
        The requests of its input file.
    """

    id: str
    input_file: str
    window: str
    metadata: dict[str, str]
    rows: list[Row]
    created: int = field(default_factory=lambda: int(time.time()))
    looks: int = 0
    cancelled: bool = False
    output_file: str | None = None
    error_file: str | None = None


class FakeBatches(FakeEndpoint):
    """The server.

    Parameters
    ----------
    looks : int
        A batch ends at so many looks; before, it goes through the stages.
    end : str
        The status it ends in.
    answered : int, optional
        Only so many rows are worked on; the others get a ``batch_expired`` row in the error file.
    silent : bool
        Those others get no row at all.
    errors : list of dict, optional
        Reasons why the next batch fails validation; taken once.
    output, error : callable, optional
        (rows) -> lines of the result files: to double, drop and damage them.

    Attributes
    ----------
    files : dict of str to bytes
    batches : dict of str to FakeBatch
    rows_by_key : Counter of str
        Custom ids of all batches that were made.
    uploads, creates, lists : int
        Calls, those that failed included.
    cut_downloads : int
        So many downloads break off.
    slow_downloads : float
        Seconds after each line of a result file.
    sent_lines : int
        Lines of result files sent so far.
    stream : callable, optional
        Gives the chunks of every result file instead.
    stage : str, optional
        While set, no batch gets beyond this status.
    gate_before, gate_after : bool
        While set, a call that makes a batch is never answered: before the batch exists, or after.
    """

    def __init__(self, *, looks: int = 3, end: str = "completed", **options: Any) -> None:
        self.answered: int | None = options.pop("answered", None)
        self.silent: bool = options.pop("silent", False)
        self.errors: list[Row] | None = options.pop("errors", None)
        self.output: Lines = options.pop("output", lambda rows: [*rows])
        self.error: Lines = options.pop("error", lambda rows: [*rows])
        super().__init__(**options)
        self.looks, self.end = looks, end
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, FakeBatch] = {}
        self.rows_by_key: Counter[str] = Counter()
        self.uploads = self.creates = self.lists = 0
        self.gate_before = self.gate_after = False
        self.stage: str | None = None
        self.cut_downloads = self.sent_lines = 0
        self.slow_downloads = 0.0
        self.fault: dict[str, list[Reply]] = {}
        self.stream: Callable[[], AsyncIterator[bytes]] | None = None

    def add_routes(self, router: web.UrlDispatcher) -> None:
        super().add_routes(router)
        router.add_post("/v1/files", self._upload)
        router.add_get("/v1/files/{id}/content", self._content)
        router.add_post("/v1/batches", self._create)
        router.add_get("/v1/batches", self._page)
        router.add_get("/v1/batches/{id}", self._look)

    def refuse(self, what: str, *replies: Reply) -> None:
        """The next calls of a kind (upload, create, look, content, page) get these replies."""
        self.fault.setdefault(what, []).extend(replies)

    def _refusal(self, request: web.Request, what: str) -> web.Response | None:
        if not self._allowed(request):
            return raw_response(Reply.error(401, "Incorrect API key provided", "invalid_api_key"))
        waiting = self.fault.get(what)
        return raw_response(waiting.pop(0)) if waiting else None

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        self.uploads += 1
        form = await request.post()
        if (refusal := self._refusal(request, "upload")) is not None:
            return refusal
        part = form["file"]
        assert isinstance(part, web.FileField)
        assert form["purpose"] == "batch"
        name = f"file-{len(self.files)}"
        self.files[name] = part.file.read()
        return web.json_response({"id": name, "object": "file", "created_at": 1, "filename": part.filename})

    async def _create(self, request: web.Request) -> web.StreamResponse:
        self.creates += 1
        body = json.loads(await request.read())
        if (refusal := self._refusal(request, "create")) is not None:
            return refusal
        if self.gate_before:
            await asyncio.Event().wait()
        if body["endpoint"] != "/v1/chat/completions" or body["input_file_id"] not in self.files:
            return raw_response(Reply.error(400, "no such endpoint or file"))
        rows = [json.loads(line) for line in self.files[body["input_file_id"]].splitlines()]
        batch = FakeBatch(
            f"batch_{len(self.batches)}",
            body["input_file_id"],
            body["completion_window"],
            body["metadata"],
            rows,
        )
        self.batches[batch.id] = batch
        self.rows_by_key.update(row["custom_id"] for row in rows)
        if self.gate_after:
            await asyncio.Event().wait()
        return web.json_response(self._described(batch))

    async def _page(self, request: web.Request) -> web.StreamResponse:
        self.lists += 1
        if (refusal := self._refusal(request, "page")) is not None:
            return refusal
        newest = list(self.batches.values())[::-1]
        ids = [batch.id for batch in newest]
        start = ids.index(request.query["after"]) + 1 if "after" in request.query else 0
        shown = newest[start : start + 2]
        more = start + 2 < len(newest)
        return web.json_response({"data": [self._described(batch) for batch in shown], "has_more": more})

    async def _look(self, request: web.Request) -> web.StreamResponse:
        if (refusal := self._refusal(request, "look")) is not None:
            return refusal
        batch = self.batches.get(request.match_info["id"])
        if batch is None:
            return raw_response(Reply.error(404, "No batch found with that id"))
        batch.looks += 1
        return web.json_response(self._described(batch))

    def _described(self, batch: FakeBatch) -> dict[str, Any]:
        ended = batch.looks >= self.looks and self.stage is None
        passed = STAGES[min(max(batch.looks - 1, 0) * len(STAGES) // self.looks, len(STAGES) - 1)]
        status = self.end if ended else self.stage or passed
        described: dict[str, Any] = {
            "id": batch.id,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "input_file_id": batch.input_file,
            "completion_window": batch.window,
            "created_at": batch.created,
            "status": status,
            "metadata": batch.metadata,
            "request_counts": {"total": len(batch.rows), "completed": 0, "failed": 0},
        }
        if ended and self.errors is not None:
            errors, self.errors = self.errors, None
            return {**described, "status": "failed", "errors": {"object": "list", "data": errors}}
        if ended:
            self._finish(batch)
            described |= {"output_file_id": batch.output_file, "error_file_id": batch.error_file}
            described["request_counts"]["completed"] = len(batch.rows)
        return described

    def _finish(self, batch: FakeBatch) -> None:
        """Answer every row once, in an order of the server's own."""
        if batch.output_file is not None:
            return
        good: list[Row] = []
        bad: list[Row] = []
        worked_on = batch.rows if self.answered is None else batch.rows[: self.answered]
        for row in worked_on:
            answer = self.answer(row["body"])
            reply = Reply(text=answer) if isinstance(answer, str) else answer
            body = completion(row["body"], reply) if reply.raw is None else reply.raw
            response = {"status_code": reply.status, "request_id": "r", "body": body}
            (good if reply.status == 200 else bad).append(_row(row, response, None))
        if not self.silent:
            expired = {"code": "batch_expired", "message": "This request could not be executed in time."}
            bad += [_row(row, None, expired) for row in batch.rows[len(worked_on) :]]
        random.Random(0).shuffle(good)
        batch.output_file, batch.error_file = f"{batch.id}-output", f"{batch.id}-errors" if bad else None
        self.files[batch.output_file] = _jsonl(self.output(good))
        if batch.error_file:
            self.files[batch.error_file] = _jsonl(self.error(bad))

    async def _content(self, request: web.Request) -> web.StreamResponse:
        if (refusal := self._refusal(request, "content")) is not None:
            return refusal
        if request.match_info["id"] not in self.files:
            return raw_response(Reply.error(404, "No such File object"))
        response = web.StreamResponse()
        await response.prepare(request)
        if self.stream is not None:
            async for chunk in self.stream():
                await response.write(chunk)
            return response
        content = self.files[request.match_info["id"]]
        if self.cut_downloads:
            self.cut_downloads -= 1
            await response.write(content[: len(content) * 2 // 3])
            assert request.transport is not None
            request.transport.close()
            return response
        for line in content.splitlines(keepends=True):
            await response.write(line)
            self.sent_lines += 1
            await asyncio.sleep(self.slow_downloads)
        return response


def _row(request: Row, response: Row | None, error: Row | None) -> Row:
    return {"id": "x", "custom_id": request["custom_id"], "response": response, "error": error}


def _jsonl(lines: list[Row | bytes]) -> bytes:
    return b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    )


def bodies(endpoint: FakeBatches) -> list[Body]:
    """The bodies of all requests of all batches."""
    return [row["body"] for batch in endpoint.batches.values() for row in batch.rows]
