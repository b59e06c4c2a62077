"""What a run has submitted to a Batch API, on disk before it could be lost.

``runs/<run id>/batches/<number>.json`` is a part: the requests of one input file. It is written when the
file is at the endpoint and before a batch is made from it. So a kill at any instant leaves either no batch,
or a part that knows its batch or the file and the token by which the batch is found again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import orjson
from pydantic import TypeAdapter

from dryrun.core.errors import StoreError
from dryrun.core.fingerprint import fingerprint
from dryrun.store.partition import write_aside
from dryrun.store.runs import Run


class PartState(StrEnum):
    """How far a part has come."""

    UPLOADED = "uploaded"
    """Its file is at the endpoint. Whether there is a batch yet is not known."""
    SUBMITTED = "submitted"
    """Its batch is known by id."""
    COLLECTED = "collected"
    """All that the batch gave is stored."""
    REFUSED = "refused"
    """The endpoint made no batch, or worked on none of the rows."""


FOLDER = "batches"
OPEN = frozenset({PartState.UPLOADED, PartState.SUBMITTED})


@dataclass(frozen=True, slots=True)
class BatchPart:
    """The requests of one input file, and its batch.

    Attributes
    ----------
    number : int
        From 0, within the run.
    state : PartState
    window : str
        How long the endpoint may take: ``"24h"``.
    input_file : str
        Id of the file at the endpoint.
    keys : tuple of str
        The samples that are asked for: the rows' custom ids.
    left_out : tuple of str
        Parameters that were not sent.
    batch : str
        Id of the batch; ``""`` while it is not known.
    """

    number: int
    state: PartState
    window: str
    input_file: str
    keys: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    batch: str = ""


PART = TypeAdapter(BatchPart)


@dataclass(frozen=True, slots=True)
class Parts:
    """All parts of one run."""

    run: Run

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self.run.folder / FOLDER

    def read(self) -> list[BatchPart]:
        """Every part, in order.

        Raises
        ------
        StoreError
            One of them cannot be read: going on without it could pay for its batch twice.
        """
        return [_read(path) for path in sorted(self.folder.glob("[0-9]*.json"))]

    def save(self, part: BatchPart) -> BatchPart:
        """Keep the part as it now is.

        Raises
        ------
        StoreError
            The disk is full or the directory cannot be written.
        """
        write_aside(self.folder / f"{part.number:06d}.json", orjson.dumps(asdict(part)))
        return part

    def token(self, number: int) -> str:
        """What marks the batch of a part at the endpoint: the same each time, and no key to the run."""
        return fingerprint({"run": self.run.id, "part": number})


def _read(path: Path) -> BatchPart:
    try:
        return PART.validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path} cannot be read: it names a batch that was submitted and perhaps paid for. Restore it, "
            "or delete it to ask for its responses again."
        ) from error


def open_parts(parts: Iterable[BatchPart]) -> list[BatchPart]:
    """The parts whose responses are, or may be, at the endpoint."""
    return [part for part in parts if part.state in OPEN]


def others_open(run: Run) -> list[BatchPart]:
    """The parts that other runs in this data directory have at the endpoint; unreadable ones are left out."""
    parts = []
    for folder in sorted(run.store.runs.glob("*/batches")):
        if folder.parent.name != run.id:
            with contextlib.suppress(StoreError):
                parts += Parts(Run(run.store, folder.parent.name)).read()
    return [part for part in parts if part.state is PartState.SUBMITTED]


def under_way(run: Run) -> int:
    """The number of a run's requests that are at the endpoint in batches not collected yet."""
    return sum(len(part.keys) for part in open_parts(Parts(run).read()))
