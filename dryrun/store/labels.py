"""People's labels of responses, kept with the run: who called which response good, bad or unsure.

A label belongs to a response and its row, not to a grader: it holds under every grader. Labels lie in
``runs/<run id>/labels/`` as small files that are written once and never edited, so two people who label
at once lose nothing. Each line is a `Label` as JSON. What counts is the newest label of each person.
"""

from __future__ import annotations

import csv
import io
import secrets
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, ValidationError

from dryrun.analysis.figures.agreement import Labelled, poststratified
from dryrun.analysis.figures.statistics import is_valid
from dryrun.analysis.observations import Observations
from dryrun.core.arrays import Ints
from dryrun.core.errors import DryRunError, Problem, ProblemsError
from dryrun.core.paths import data_dir, hosted, sample_data_dir
from dryrun.core.thresholds import Frozen
from dryrun.store.partition import write_aside
from dryrun.store.results import Results
from dryrun.store.runs import Run
from dryrun.store.shared import registry

FOLDER = "labels"
PREFIX = "label-"
ANONYMOUS = "anonymous"
LONGEST_NAME = 80
MOST_LABELS = 20_000
"""Labels a run keeps: on a hosted server anybody with the run's link may label."""
SHEET_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Identity = tuple[str, str]
"""A response and its row: the sample's key and the item's."""


class Mark(StrEnum):
    """A person's judgement of a response."""

    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"


class Label(Frozen):
    """One person's word on one response.

    Attributes
    ----------
    sample, item : str
        Keys of the response and of its row, 32 hex digits each.
    label : Mark
    by : str
        The name that was typed, or ``"anonymous"``.
    at : float
        Seconds since the epoch.
    """

    sample: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    item: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    label: Mark
    by: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)] = ANONYMOUS
    at: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.0

    @classmethod
    def of(cls, identity: Identity, mark: Mark, by: str) -> Label:
        """A label made now."""
        return cls(sample=identity[0], item=identity[1], label=mark, by=named(by), at=time.time())

    @property
    def identity(self) -> Identity:
        """Which response it is about."""
        return self.sample, self.item


@dataclass(frozen=True, slots=True)
class LabelBook:
    """The labels of one run.

    Attributes
    ----------
    folder : Path
        Made on the first label.
    """

    folder: Path

    def names(self) -> tuple[str, ...]:
        """The files there are; who keeps `labels` reads again when this changes."""
        return tuple(sorted(path.name for path in self.folder.glob(f"{PREFIX}*.jsonl")))

    def labels(self) -> list[Label]:
        """Every label, oldest first; what cannot be read (a foreign file) is passed over."""
        labels = []
        for name in self.names():
            try:
                lines = (self.folder / name).read_bytes().splitlines()
                labels += [Label.model_validate_json(line) for line in lines]
            except (OSError, ValidationError):
                continue
        return sorted(labels, key=lambda label: label.at)

    def add(self, labels: Sequence[Label]) -> None:
        """Keep these, in a file of their own.

        Raises
        ------
        DryRunError
            The run has as many labels as it may.
        StoreError
            The disk is full or cannot be written.
        """
        if not labels:
            return
        if len(self.labels()) + len(labels) > MOST_LABELS:
            raise DryRunError(f"This run has {MOST_LABELS:,} labels already; no more are kept.")
        name = f"{PREFIX}{time.time_ns():020d}-{secrets.token_hex(6)}.jsonl"
        content = b"".join(
            orjson.dumps(label.model_dump(mode="json"), option=orjson.OPT_APPEND_NEWLINE) for label in labels
        )
        write_aside(self.folder / name, content)


def book_of(run: Run) -> LabelBook:
    """Where the run's labels are. The recorded example is read-only: its labels are in the user's data."""
    if run.store.root.resolve().is_relative_to(sample_data_dir()):
        registry.pull(data_dir() / FOLDER)
        return LabelBook(data_dir() / FOLDER / run.id)
    return LabelBook(run.folder / FOLDER)


def refusal(run: Run) -> str:
    """Why nobody may label this run; ``""`` if anybody who can see it may."""
    shared = hosted() and run.store.root.resolve().is_relative_to(sample_data_dir())
    return "The recorded example cannot be labelled here; label a run of your own." if shared else ""


def carry(source: Run, target: Run) -> None:
    """Take over the labels of the run whose responses `target` grades anew; twice does no harm."""
    old, new = book_of(source), book_of(target)
    for name in set(old.names()) - set(new.names()):
        write_aside(new.folder / name, (old.folder / name).read_bytes())


def named(text: str) -> str:
    """A name as it is kept: one line of printable text, or ``"anonymous"``."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.split())[:LONGEST_NAME].strip() or ANONYMOUS


def newest(labels: Iterable[Label]) -> dict[Identity, dict[str, Label]]:
    """The newest label for each response and person."""
    by_person: dict[Identity, dict[str, Label]] = defaultdict(dict)
    for label in sorted(labels, key=lambda label: label.at):
        by_person[label.identity][label.by] = label
    return dict(by_person)


def majority(by_person: Mapping[str, Label]) -> Mark | None:
    """The majority's word, the unsure left out; `UNSURE` if all are, None if as many say good as bad."""
    marks = [label.label for label in by_person.values()]
    good, bad = marks.count(Mark.GOOD), marks.count(Mark.BAD)
    if not good and not bad:
        return Mark.UNSURE
    return None if good == bad else Mark.GOOD if good > bad else Mark.BAD


def identities(results: Results, rows: Ints | None = None) -> list[Identity]:
    """Which response each row of the results is, or each of these rows."""
    held = results.rollouts.select(["sample_key", "prompt"])
    held = held if rows is None else held.take(pa.array(rows))
    pairs = zip(*(column.to_pylist() for column in held.columns), strict=True)
    return [(sample, results.keys[prompt]) for sample, prompt in pairs]


def rows_of(results: Results, wanted: Collection[Identity]) -> dict[Identity, int]:
    """Rows of these responses in the results, in sample order; the first row where one occurs twice."""
    if not wanted:
        return {}
    held = pc.is_in(results.rollouts["sample_key"], value_set=pa.array(sorted({key for key, _ in wanted})))
    rows = np.flatnonzero(held.to_numpy())
    rows_by_response: dict[Identity, int] = {}
    for row, identity in zip(rows.tolist(), identities(results, rows), strict=True):
        if identity in wanted:
            rows_by_response.setdefault(identity, row)
    return rows_by_response


def labelled(
    results: Results, labels: Iterable[Label], observed: Observations | None = None
) -> Labelled | None:
    """The labels as the analysis takes them; None where no response of the results has one.

    `observed` are the results' observations, for callers that have them already.
    """
    by_response = newest(labels)
    where = rows_of(results, by_response.keys())
    if not where:
        return None
    known = {identity: by_response[identity] for identity in where}
    observed = observed or results.observations()
    words = {identity: majority(marks) for identity, marks in known.items()}
    rows, good = [], []
    for identity, word in words.items():
        if word in (Mark.GOOD, Mark.BAD) and is_valid(observed.score[[where[identity]]]).all():
            rows.append(where[identity])
            good.append(int(word is Mark.GOOD))
    at = np.array(rows, dtype=np.int64)
    opinions = [{label.label for label in marks.values()} - {Mark.UNSURE} for marks in known.values()]
    sure = [sum(label.label is not Mark.UNSURE for label in marks.values()) for marks in known.values()]
    return Labelled(
        score=observed.score[at],
        good=np.array(good, dtype=np.int64),
        prompt=observed.prompt[at],
        weight=poststratified(observed.score, observed.score[at]),
        people=len({name for marks in known.values() for name in marks}),
        unsure=sum(word is Mark.UNSURE for word in words.values()),
        disputed=sum(word is None for word in words.values()),
        differing=sum(len(opinion) > 1 for opinion in opinions),
        several=sum(count > 1 for count in sure),
    )


def export_rows(results: Results, labels: Iterable[Label]) -> list[dict[str, Any]]:
    """Each person's newest label of each response, with what it is about, in sample order.

    ``row`` and ``response`` count from 1, as on the screen.
    """
    known = newest(labels)
    rows = rows_of(results, known.keys())
    scores = results.observations().score
    shown = zip(rows.items(), results.inspect(list(rows.values())), strict=True)
    return [
        {
            "run": results.run.id,
            "row": seen.prompt.row + 1,
            "response": seen.sample.rollout + 1,
            "topic": seen.prompt.topic,
            "label": label.label.value,
            "by": label.by,
            "at": label.at,
            "score": float(scores[row]) if np.isfinite(scores[row]) else None,
            "prompt": [dict(message) for message in seen.prompt.messages],
            "text": seen.sample.text,
            "sample": label.sample,
            "item": label.item,
        }
        for (identity, row), seen in shown
        for label in known[identity].values()
    ]


def to_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The exported rows as CSV, UTF-8. Text that a spreadsheet would run as a formula gets a ' before it."""
    if not rows:
        return b""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        value = orjson.dumps(value).decode()
    return f"'{value}" if isinstance(value, str) and value.startswith(SHEET_FORMULA) else value


def parse_labels(content: bytes, results: Results, by: str = "") -> list[Label]:
    """Labels from a JSONL file: what `export_rows` gives, or rows with ``row``, ``response`` and ``label``.

    Parameters
    ----------
    content : bytes
        One JSON object per line; other fields are passed over.
    results : Results
        The run the labels are for.
    by : str
        The name for lines without one.

    Raises
    ------
    ProblemsError
        Lines that are no label, or of a response that is not in the run, each with its number.
    """
    by_place = {(row + 1, rollout + 1): identity for (row, rollout), identity in _places(results).items()}
    known = set(by_place.values())
    labels: list[Label] = []
    problems = []
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            label = _parsed(line, by_place, known, by)
            if isinstance(label, Label):
                labels.append(label)
            else:
                problems.append(Problem(f"line {number}", label))
    if problems:
        raise ProblemsError("These are no labels for this run; nothing was taken over:", problems)
    return labels


def _places(results: Results) -> dict[tuple[int, int], Identity]:
    """Which response stands at which row of the dataset and rollout, both from 0."""
    rows = results.run.prompt_columns(["row"])["row"].to_pylist()
    prompts, rollouts = (results.rollouts[name].to_pylist() for name in ("prompt", "rollout"))
    places = [(rows[prompt], rollout) for prompt, rollout in zip(prompts, rollouts, strict=True)]
    return dict(zip(places, identities(results), strict=True))


def _parsed(
    line: bytes, by_place: Mapping[tuple[int, int], Identity], known: set[Identity], by: str
) -> Label | str:
    """The label in a line, or what is wrong with it."""
    try:
        fields = orjson.loads(line)
    except ValueError:
        return "is not JSON."
    if not isinstance(fields, dict):
        return "is not a JSON object."
    mark = str(fields.get("label", "")).strip().lower()
    if mark not in tuple(Mark):
        return f"label is {mark[:40]!r}; write good, bad or unsure."
    identity = _identity(fields, by_place)
    if identity not in known:
        return "names no response of this run; give row and response as the app counts them, from 1."
    at = fields.get("at")
    return Label(
        sample=identity[0],
        item=identity[1],
        label=Mark(mark),
        by=named(str(fields.get("by") or by)),
        at=at if isinstance(at, int | float) and 0 <= at < 1e11 else time.time(),
    )


def _identity(fields: Mapping[str, Any], by_place: Mapping[tuple[int, int], Identity]) -> Identity:
    if "sample" in fields and "item" in fields:
        return str(fields["sample"]), str(fields["item"])
    row, response = fields.get("row"), fields.get("response", 1)
    if isinstance(row, int) and isinstance(response, int):
        return by_place.get((row, response), ("", ""))
    return "", ""
