"""What one pass over a dataset collects: a few numbers for each row, or every problem.

Also its warnings: what is legal in a dataset but looks like a mistake.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dryrun.core.arrays import Ints
from dryrun.core.errors import DatasetError, Problem
from dryrun.core.fingerprint import canonical_json
from dryrun.core.text import plural
from dryrun.dataset.columns import ColumnMap, shaped, usual_prompt
from dryrun.dataset.dataset import Dataset, RowStore, Spool
from dryrun.dataset.fields import TopicFieldFinder, topic_of, value_at
from dryrun.dataset.formats import BadRow, RawRow
from dryrun.dataset.limits import Limits, limits
from dryrun.dataset.parse import KeyScreen, parse_row
from dryrun.dataset.rows import (
    EXACT_WHOLE,
    RESERVED_KEYS,
    ProblemKinds,
    Role,
    check_row,
    hides_a_part,
    is_usual,
)


@dataclass(frozen=True, slots=True)
class FilePart:
    """What a pass over a part of a file found, when nothing was wrong.

    Attributes
    ----------
    lines : int
        Lines of the part, blank ones included.
    topics : list of str
        In order of first appearance.
    advice : dict
        See `Advice.counted`.
    numbers : buffer of int64
        Four a row: line, offset, length, topic code.
    digests : bytes
        16 a row.
    """

    lines: int
    topics: list[str]
    advice: dict[str, list[int]]
    numbers: Any
    digests: bytes


class Pass:
    """What one pass over a dataset collects: a few numbers a row.

    Parameters
    ----------
    name : str
    columns : ColumnMap
    unit : str
        What rows are counted in: ``"line"`` or ``"row"``.
    store : RowStore
    partial : bool
        Whether this reads one part of a file. The caller has looked for topic fields already, and reads the
        whole file again if anything is wrong.
    """

    def __init__(
        self, name: str, columns: ColumnMap, unit: str, store: RowStore, partial: bool = False
    ) -> None:
        self._screen = KeyScreen() if partial else None
        self._name = name
        self._columns = columns
        self._unit = unit
        self._store = store
        self._problems = ProblemKinds(unit)
        self._numbers = array("q")
        self._digests = bytearray()
        self._topics: dict[str, int] = {}
        self._finder = TopicFieldFinder()
        self._advice = Advice(unit, columns.reference_field)
        self._limits, self._cells = limits(), 0

    def read(self, feed: Iterator[RawRow | BadRow]) -> Dataset:
        """Go through all rows.

        Raises
        ------
        DatasetError
            Any row has a problem, or there is none.
        """
        self.take_all(feed)
        return self.finish()

    def take_all(self, feed: Iterable[RawRow | BadRow]) -> None:
        """Go through rows."""
        take = self._take
        for entry in feed:
            if self._limits is not None:
                self._check_limits(self._limits, entry)
            if isinstance(entry, BadRow):
                self._problems.add(entry.line, entry.problems)
            else:
                take(entry)

    @property
    def rows(self) -> int:
        """Sound rows so far."""
        return len(self._numbers) // 4

    def part(self, lines: int) -> FilePart | None:
        """What was collected from a part of a file that has `lines` lines; None if anything was wrong."""
        if self._problems.count or not (self._screen is None or self._screen.clean()):
            return None
        return FilePart(
            lines=lines,
            topics=list(self._topics),
            advice=self._advice.counted(),
            numbers=self._numbers,
            digests=bytes(self._digests),
        )

    def absorb(self, part: FilePart, lines_before: int, offset: int = 0) -> None:
        """Add the next part of the file.

        Parameters
        ----------
        part : Part
        lines_before : int
            Lines of the file before it.
        offset : int
            Where the text that its offsets count in begins.
        """
        numbers = np.frombuffer(part.numbers, dtype=np.int64).reshape(-1, 4).copy()
        names = [self._topics.setdefault(topic, len(self._topics)) for topic in part.topics]
        numbers[:, 0] += lines_before
        numbers[:, 1] += offset
        numbers[:, 3] = np.array(names, dtype=np.int64)[numbers[:, 3]]
        self._numbers.frombytes(numbers.tobytes())
        self._digests += part.digests
        self._advice.absorb(part.advice, lines_before)

    def note_fields(self, row: Mapping[str, Any]) -> None:
        """Look for fields that could serve as topic, without taking the row."""
        self._finder.add(row)

    def _take(self, entry: RawRow) -> None:
        parsed = parse_row(entry.raw, self._screen)
        row = parsed if isinstance(parsed, Problem) else shaped(parsed[0], self._columns)
        if isinstance(row, Problem) or isinstance(parsed, Problem):
            self._problems.add(entry.line, (row,))
            return
        if self._limits is not None:
            self._count(self._limits, entry.line, len(row))
        usual = is_usual(row)
        if not usual and (problems := check_row(row, self._prompt_name(parsed[0]))):
            self._problems.add(entry.line, problems)
            return
        canonical = parsed[1] if row is parsed[0] else canonical_json(row)
        topic = topic_of(row, self._columns.topic_field)
        if self._screen is None:
            self._finder.add(row)
        self._advice.add(row, entry.line, topic, usual)
        if self._problems.count:  # no row will be loaded: go on only to find what else is wrong
            return
        offset = self._place(entry) if entry.offset is None else entry.offset
        code = self._topics.setdefault(topic, len(self._topics))
        self._numbers.extend((entry.line, offset, len(entry.raw), code))
        self._digests += sha256(canonical).digest()[:16]

    def _prompt_name(self, row: object) -> str:
        """What the user calls the messages of a row."""
        usual = usual_prompt(row) if isinstance(row, dict) else None
        return self._columns.prompt_field or usual or "messages"

    def _check_limits(self, limits: Limits, entry: RawRow | BadRow) -> None:
        if self._problems.bad_rows >= limits.bad_rows:
            raise self._problems.refusal(self._name, "loaded or read further")
        if isinstance(entry, RawRow):
            limits.check(self._name, f"{self._unit} {entry.line}", row=len(entry.raw))
        self._count(limits, entry.line, 1)

    def _count(self, limits: Limits, line: int, columns: int) -> None:
        self._cells += columns
        where = f"{self._unit} {line}"
        limits.check(self._name, where, columns=columns, cells=self._cells)

    def _place(self, entry: RawRow) -> int:
        if not isinstance(self._store, Spool):
            return 0
        if self._limits is not None:
            size = self._store.length + len(entry.raw)
            self._limits.check(self._name, f"{self._unit} {entry.line}", unpacked=size)
        if self._store.length + len(entry.raw) > self._store.most:
            what = f"the rows unpack to more than {self._store.most >> 30} GiB of JSON."
            problem = Problem(f"{self._unit} {entry.line}", what, "Use JSONL, which is read in place.")
            raise DatasetError(f"{self._name} is too large to unpack.", [problem])
        return self._store.append(entry.raw)

    def finish(self) -> Dataset:
        """The dataset. Raises as `read` does."""
        from dryrun.core.config import DatasetRef  # a tenth of a second that the readers of parts do without

        if self._problems.count:
            raise self._problems.refusal(self._name)
        if not self._numbers:
            problem = Problem("file", "there is no row in it.", "Give at least one row with messages.")
            raise DatasetError(f"{self._name} is empty.", [problem])
        self._check_fields()
        digests = np.frombuffer(bytes(self._digests), dtype=">u8").astype(np.uint64).reshape(-1, 2)
        numbers = np.array(self._numbers, dtype=np.int64).reshape(-1, 4)
        lines = numbers[:, 0].copy()
        return Dataset(
            ref=DatasetRef(
                name=self._name,
                fingerprint=sha256(self._digests).hexdigest()[:32],
                rows=len(lines),
                **asdict(self._columns),
            ),
            columns=self._columns,
            store=self._store,
            spans=numbers[:, 1:3].copy(),
            row_digests=digests,
            topic_codes=numbers[:, 3].copy(),
            topic_names=tuple(self._topics),
            topic_fields=self._finder.candidates(),
            lines=lines,
            warnings=tuple(self._advice.sentences(digests, lines)),
        )

    def _check_fields(self) -> None:
        """Refuse a field for the topic or the reference answer that no row has."""
        if self._columns.topic_field is not None and set(self._topics) == {""}:
            offered = ", ".join(self._finder.candidates()[:10])
            fix = f"Fields that could serve: {offered}." if offered else "Leave the field empty."
            raise self._empty_field("topics", self._columns.topic_field, fix)
        if self._columns.reference_field is not None and self._advice.count("unreferenced") == self.rows:
            fix = "Check its name; write a path with dots, as in reward_model.ground_truth."
            raise self._empty_field("reference answers", self._columns.reference_field, fix)

    def _empty_field(self, what: str, field: str, fix: str) -> DatasetError:
        problem = Problem(field, "no row has a value in this field.", fix)
        return DatasetError(f"{self._name} has no {what} in the field picked.", [problem])


_SYSTEM, _USER = Role.SYSTEM.value, Role.USER.value  # plain text compares faster
_SHOWN_LINES = 5
_WORDS = {
    "bare": "with no key beside messages and tools: a grader has no reference",
    "last": "whose last message is not from the user: the model sees it, so it must not be the answer; "
    "some platforms refuse that",
    "system": "with a system message; OpenAI and Azure want developer instead",
    "hidden": "with choices, a context or a system prompt that the prompt does not show: put them there",
    "large": "with a number too long for 64 bits, rounded here: write it as text",
    "unreferenced": "without a value in the field picked for reference answers",
    "without": "without a topic",
}


class Advice:
    """Counts what deserves a warning, row by row.

    Parameters
    ----------
    unit : str
        What rows are counted in: ``"line"`` or ``"row"``.
    reference_field : str, optional
        The field that was picked for reference answers.
    """

    def __init__(self, unit: str, reference_field: str | None = None) -> None:
        self._unit = unit
        self._reference_field = reference_field
        self._rows = 0
        self._topics = 0
        self._noted: dict[str, list[int]] = {}

    def add(self, row: Mapping[str, Any], line: int, topic: str, usual: bool = False) -> None:
        """Look at one sound row; `usual` where `is_usual` has found that there is nothing to see."""
        self._rows += 1
        if topic:
            self._topics += 1
        else:
            self._note("without", line)
        if self._reference_field is not None and value_at(row, self._reference_field) is None:
            self._note("unreferenced", line)
        if not usual:
            self._look_at(row, line)

    def _look_at(self, row: Mapping[str, Any], line: int) -> None:
        messages = row["messages"]
        if messages[-1]["role"] != _USER:
            self._note("last", line)
        for message in messages:
            if message["role"] == _SYSTEM:
                self._note("system", line)
                break
        if len(row) <= len(RESERVED_KEYS) and row.keys() <= RESERVED_KEYS:
            self._note("bare", line)
        if hides_a_part(row):
            self._note("hidden", line)
        for value in row.values():
            if type(value) is float and abs(value) >= EXACT_WHOLE:
                self._note("large", line)
                break

    def _note(self, what: str, line: int) -> None:
        # Count first, then the first lines: flat memory however many rows share the fault.
        noted = self._noted.setdefault(what, [0])
        noted[0] += 1
        if len(noted) <= _SHOWN_LINES:
            noted.append(line)

    def count(self, what: str) -> int:
        """Rows with this trait so far."""
        return self._noted.get(what, [0])[0]

    def counted(self) -> dict[str, list[int]]:
        """What was found, as plain numbers for `absorb`: by kind, how often and the first lines."""
        return {"rows": [self._rows], "topics": [self._topics], **self._noted}

    def absorb(self, counted: Mapping[str, list[int]], lines_before: int) -> None:
        """Add what was found in the next part of the file, which begins after `lines_before` lines."""
        self._rows += counted["rows"][0]
        self._topics += counted["topics"][0]
        for what, (count, *first) in counted.items():
            if what in ("rows", "topics"):
                continue
            noted = self._noted.setdefault(what, [0])
            noted[0] += count
            noted += [lines_before + line for line in first][: _SHOWN_LINES + 1 - len(noted)]

    def sentences(self, digests: NDArray[np.uint64], lines: Ints) -> Iterator[str]:
        """The warnings.

        Parameters
        ----------
        digests : uint64 array, shape (n_rows, 2)
            Row fingerprints, for exact duplicates.
        lines : int64 array, shape (n_rows,)
            Where each row stands in the file.
        """
        yield from self._duplicates(digests, lines)
        for what, words in _WORDS.items():
            if what in self._noted and (what != "without" or self._topics):
                count, *first = self._noted[what]
                yield f"{plural(count, 'row')} {words} ({self._places(first, count)})."

    def _duplicates(self, digests: NDArray[np.uint64], lines: Ints) -> Iterator[str]:
        ordered = np.sort(digests[:, 0])  # one column tells nearly always, and is cheap to sort
        if not (ordered[1:] == ordered[:-1]).any():
            return
        order = np.lexsort((digests[:, 1], digests[:, 0]))
        repeats = order[1:][(digests[order[1:]] == digests[order[:-1]]).all(axis=1)]
        if len(repeats):
            first = np.sort(lines[repeats])[:_SHOWN_LINES].tolist()
            where = self._places(first, len(repeats))
            yield f"{plural(len(repeats), 'row')} repeating an earlier row exactly ({where})."

    def _places(self, first: list[int], count: int) -> str:
        unit = self._unit if count == 1 else f"{self._unit}s"
        more = ", ..." if count > len(first) else ""
        return f"{unit} {', '.join(map(str, first))}{more}"
