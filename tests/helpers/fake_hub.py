"""A small Hugging Face Hub on loopback: datasets of files, their cards and branches, and what was fetched.

In a test::

    with FakeHub() as hub:
        hub.put("me/sums", {"data/train-00000-of-00001.parquet": content})
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

MAIN = "main"
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


@dataclass
class HubBranch:
    """The files of one branch of a dataset.

    Attributes
    ----------
    repo, name : str
    files : dict of str to bytes
    card : dict
        The front matter of its README.
    """

    repo: str
    name: str
    files: dict[str, bytes]
    card: dict[str, Any] = field(default_factory=dict)

    @property
    def sha(self) -> str:
        """A commit of its own."""
        return hashlib.sha1(f"{self.repo}@{self.name}".encode()).hexdigest()


class FakeHub:
    """The server; runs while its context is open.

    Attributes
    ----------
    sent : dict of str to int
        Bytes of each file that were sent.
    requests : list of (str, str)
        Path and authorization of each request.
    gated : set of str
        Datasets that nobody may read.
    """

    def __init__(self) -> None:
        self._branches: dict[tuple[str, str], HubBranch] = {}
        self.sent: dict[str, int] = {}
        self.requests: list[tuple[str, str]] = []
        self.gated: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        """Its address, for ``HF_ENDPOINT``."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def put(
        self, repo: str, files: dict[str, bytes], card: dict[str, Any] | None = None, branch: str = MAIN
    ) -> HubBranch:
        """Make a branch of a dataset."""
        made = HubBranch(repo, branch, files, card or {})
        for name in (branch, made.sha):
            self._branches[repo, name] = made
        return made

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub.requests.append((self.path, self.headers.get("Authorization", "")))
                status, headers, body = hub.answer(self.path, self.headers.get("Range"))
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def answer(self, target: str, wanted: str | None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for a path and the range that is asked for."""
        path = urlsplit(target).path
        if match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/revision/([^/]+))?", path):
            return self._info(match[1], unquote(match[2] or MAIN))
        if match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/tree/([^/]+)(?:/(.*))?", path):
            return self._tree(self._branches[match[1], unquote(match[2])], unquote(match[3] or ""))
        if match := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self._file(self._branches[match[1], unquote(match[2])], unquote(match[3]), wanted)
        return 404, {}, b""

    def _info(self, repo: str, name: str) -> tuple[int, dict[str, str], bytes]:
        if repo in self.gated:
            return 403, {"X-Error-Code": "GatedRepo"}, b"{}"
        branch = self._branches.get((repo, name))
        if branch is None:
            known = any(known == repo for known, _ in self._branches)
            return 404, {"X-Error-Code": "RevisionNotFound" if known else "RepoNotFound"}, b"{}"
        siblings = [{"rfilename": path} for path in branch.files]
        about = {"id": repo, "sha": branch.sha, "siblings": siblings, "cardData": branch.card}
        return 200, {"Content-Type": "application/json"}, json.dumps(about).encode()

    def _tree(self, branch: HubBranch, folder: str) -> tuple[int, dict[str, str], bytes]:
        entries = [
            {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
            for path, content in branch.files.items()
            if path.rpartition("/")[0] == folder
        ]
        return 200, {"Content-Type": "application/json"}, json.dumps(entries).encode()

    def _file(self, branch: HubBranch, path: str, wanted: str | None) -> tuple[int, dict[str, str], bytes]:
        content = branch.files[path]
        match = _RANGE.fullmatch(wanted or "")
        part = content if match is None else content[int(match[1]) : int(match[2]) + 1]
        self.sent[path] = self.sent.get(path, 0) + len(part)
        about = {} if match is None else {"Content-Range": f"bytes {match[1]}-{match[2]}/{len(content)}"}
        return (200 if match is None else 206), about, part
