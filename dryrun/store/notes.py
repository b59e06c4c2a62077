"""A run's name, its note, and whether it is put away, as people set them. Kept in a file of its own."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import orjson
from pydantic import TypeAdapter, ValidationError

from dryrun.core.errors import DryRunError
from dryrun.core.text import one_line
from dryrun.store.partition import write_aside
from dryrun.store.runs import Run

FILE = "note.json"
LONGEST_NAME, LONGEST_NOTE = 80, 2000
"""Characters."""


@dataclass(frozen=True, slots=True)
class RunNote:
    """Name and note of a run.

    Attributes
    ----------
    name : str
        One line of at most `LONGEST_NAME` characters; ``""`` for none.
    note : str
        At most `LONGEST_NOTE` characters.
    archived : bool
        Lists leave it out unless they are asked for it.
    """

    name: str = ""
    note: str = ""
    archived: bool = False


_NOTE = TypeAdapter(RunNote)


def note_of(run: Run) -> RunNote:
    """What was kept; an empty one where nothing was, or where it cannot be read."""
    try:
        kept = _NOTE.validate_json((run.folder / FILE).read_bytes())
    except (OSError, ValidationError):
        return RunNote()
    return RunNote(one_line(kept.name, LONGEST_NAME), kept.note[:LONGEST_NOTE], kept.archived)


def keep_note(run: Run, note: RunNote) -> None:
    """Keep this instead of what was kept before.

    Raises
    ------
    DryRunError
        Name or note is too long, or the run is no longer there.
    StoreError
        The disk is full or read-only.
    """
    name = " ".join(note.name.split())
    for what, text, most in (("name", name, LONGEST_NAME), ("note", note.note, LONGEST_NOTE)):
        if len(text) > most:
            raise DryRunError(f"The {what} has {len(text):,} characters; {most:,} are the most. Shorten it.")
    Run.open(run.store, run.id)  # a file in a folder that was deleted would bring half a run back
    kept = asdict(RunNote(name, note.note.strip(), note.archived))
    write_aside(run.folder / FILE, orjson.dumps(kept, option=orjson.OPT_INDENT_2))
