"""An S3 server on loopback (moto) that can be slow, fail, and count."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

BUCKET = "bucket"
ACCOUNT, PARTITION = "123456789012", "aws"
Answer = tuple[str, bytes]
Trouble = Callable[[str, str], Answer | None]

FAILS: Answer = (
    "500 Internal Server Error",
    b"<Error><Code>InternalError</Code><Message>No.</Message></Error>",
)
REFUSED: Answer = ("403 Forbidden", b"<Error><Code>AccessDenied</Code><Message>No.</Message></Error>")


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: Any, **__: Any) -> None:
        """Say nothing."""


class ObjectStore:
    """A bucket behind a real S3 API.

    Attributes
    ----------
    requests : list of (str, str)
        Method and path, with ``?list`` for a listing.
    trouble : callable or None
        Called with method and path of each request; what it returns is answered instead. It may wait.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.trouble: Trouble | None = None
        # Imported here: it takes a second, and most test processes never need it.
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from moto.s3.models import s3_backends

        self._inner = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._backend: Any = s3_backends[ACCOUNT][PARTITION]

    @property
    def url(self) -> str:
        """Of the server."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs to know."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def __enter__(self) -> ObjectStore:
        self._backend.reset()
        self._backend.create_bucket(BUCKET, "us-east-1")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.trouble = None
        self._server.shutdown()
        self._server.server_close()

    def keep(self, name: str, content: bytes) -> None:
        """Put an object without a request."""
        self._backend.put_object(BUCKET, name, content)

    def names(self, prefix: str = "") -> set[str]:
        """The objects there are; the marks that stand for empty folders are left out."""
        keys = list(self._backend.buckets[BUCKET].keys)
        return {name for name in keys if name.startswith(prefix) and not name.endswith("/")}

    def content(self, name: str) -> bytes:
        """Of an object."""
        content: bytes = self._backend.get_object(BUCKET, name).value
        return content

    def drop(self, name: str) -> bool:
        """Remove an object without a request. Always False, for use before an ``or``."""
        self._backend.delete_object(BUCKET, name)
        return False

    def date(self, name: str, moment: datetime.datetime) -> None:
        """Let an object have been put at this moment."""
        self._backend.buckets[BUCKET].keys[name].last_modified = moment

    def count(self, method: str, ending: str = "") -> int:
        """Requests with this method whose path ends so."""
        return sum(one == method and path.endswith(ending) for one, path in self.requests)

    def _answer(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        listing = "?list" if "list-type" in environ["QUERY_STRING"] else ""
        self.requests.append((method, path + listing))
        instead = None if self.trouble is None else self.trouble(method, path)
        if instead is None:
            answer: Iterable[bytes] = self._inner(environ, start)
            return answer
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        status, body = instead
        start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [b"" if method == "HEAD" else body]


def puts(answer: Answer | None = FAILS, wait: float = 0.0, ending: str = "") -> Trouble:
    """Trouble for every put whose path ends so: it takes so long, and is answered so."""

    def trouble(method: str, path: str) -> Answer | None:
        if method != "PUT" or not path.endswith(ending):
            return None
        time.sleep(wait)
        return answer

    return trouble
