"""The profile as a table: Parquet, CSV, and back from Parquet."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from dryrun.analysis.training.pass_rates import PassRates
from dryrun.analysis.training.profile import (
    CLASSES,
    FLAG_NAMES,
    DatasetProfile,
    OutcomeClass,
    PromptCounts,
    flag_words,
)
from dryrun.core.errors import DryRunError
from dryrun.core.text import plural, writable
from dryrun.store.shared import registry

RATES = {
    "pass_rate": "rate",
    "pass_low": "low",
    "pass_high": "high",
    "learnability": "learnability",
    "never_probability": "never",
    "always_probability": "always",
    "mixed_group": "mixed",
}
"""Columns of what is estimated of a prompt, and what `PassRates` calls each."""


def _topics(counts: PromptCounts) -> Any:
    names = np.array([writable(name) for name in counts.topics], dtype=object)
    return names[counts.topic] if names.size else []


def _flags(counts: PromptCounts) -> list[str]:
    words = {bits: "; ".join(flag_words(bits)) for bits in np.unique(counts.flags).tolist()}
    return [words[bits] for bits in counts.flags.tolist()]


def _estimate(column: str) -> tuple[pa.DataType, Callable[[DatasetProfile], Any]]:
    return pa.float64(), lambda profile: getattr(profile.rates, RATES[column])


COLUMNS: dict[str, tuple[pa.DataType, Callable[[DatasetProfile], Any]]] = {
    "key": (pa.string(), lambda profile: [key.decode() for key in profile.counts.key.tolist()]),
    "row": (pa.int64(), lambda profile: profile.counts.row + 1),
    "topic": (pa.string(), lambda profile: _topics(profile.counts)),
    "n": (pa.int64(), lambda profile: profile.counts.tried),
    "right": (pa.int64(), lambda profile: profile.counts.right),
    "mean": (pa.float64(), lambda profile: profile.mean),
    "spread": (pa.float64(), lambda profile: profile.spread),
    **{name: _estimate(name) for name in ("pass_rate", "pass_low", "pass_high", "learnability")},
    "outcome_class": (pa.string(), lambda profile: [CLASSES[kind].value for kind in profile.kind.tolist()]),
    "class_probability": (pa.float64(), lambda profile: profile.sure),
    **{name: _estimate(name) for name in ("never_probability", "always_probability", "mixed_group")},
    "group": (pa.int64(), lambda profile: np.full(len(profile), profile.rates.group)),
    "prompt_tokens": (pa.float64(), lambda profile: profile.counts.prompt_tokens),
    "completion_tokens": (pa.float64(), lambda profile: profile.counts.completion_tokens),
    "reference_score": (pa.float64(), lambda profile: profile.counts.reference),
    "alike": (pa.int64(), lambda profile: profile.counts.alike + 1),
    "flags": (pa.string(), lambda profile: _flags(profile.counts)),
}
"""Type and values of each column. ``row`` and ``alike`` count from 1; ``flags`` have ``; `` between them."""
PROFILE = pa.schema([(name, kind) for name, (kind, _) in COLUMNS.items()])
"""A row a prompt."""
BLOCK = 50_000
"""Rows that are turned into a table at once."""
FORMULA = r"^[=+\-@\t\r]"


def profile_table(profile: DatasetProfile) -> pa.Table:
    """The profile as a table of schema `PROFILE`."""
    arrays = [
        pa.array(values(profile), kind, from_pandas=True)  # NaN becomes null
        for kind, values in COLUMNS.values()
    ]
    return pa.table(arrays, schema=PROFILE)


def write_profile(profile: DatasetProfile, path: Path) -> None:
    """Write the file, a part of the rows at a time: ``.parquet`` or ``.csv`` by the name's ending.

    Raises
    ------
    DryRunError
        It cannot be written.
    """
    try:
        with path.open("wb") as file:
            _write(profile, file, path.suffix.lower())
    except OSError as error:
        raise DryRunError(
            f"{path} cannot be written ({error.strerror or error}). Choose another path."
        ) from error


def keep_profile(profile: DatasetProfile, path: Path) -> None:
    """Write a Parquet file in one step into a data directory.

    Raises
    ------
    DryRunError
        It cannot be written.
    """
    aside = path.with_name(f".{path.name}")
    write_profile(profile, aside)
    aside.replace(path)
    registry.wrote(path)


def profile_bytes(profile: DatasetProfile, ending: str) -> bytes:
    """The content of that file; `ending` is ``".parquet"`` or ``".csv"``."""
    sink = io.BytesIO()
    _write(profile, sink, ending)
    return sink.getvalue()


def _write(profile: DatasetProfile, file: IO[bytes], ending: str) -> None:
    tables = _tables(profile)
    if ending == ".csv":
        with pyarrow.csv.CSVWriter(file, PROFILE) as writer:
            for table in tables:
                writer.write_table(_no_formulas(table))
        return
    with pq.ParquetWriter(file, PROFILE, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)


def _tables(profile: DatasetProfile) -> Iterator[pa.Table]:
    for start in range(0, len(profile), BLOCK):
        yield profile_table(profile.at(np.arange(start, min(start + BLOCK, len(profile)))))


def _no_formulas(table: pa.Table) -> pa.Table:
    """Topics that a spreadsheet would run as a formula get a ' before them."""
    topic = table["topic"]
    safe = pc.if_else(
        pc.match_substring_regex(topic, FORMULA), pc.binary_join_element_wise("'", topic, ""), topic
    )
    return table.set_column(table.column_names.index("topic"), "topic", safe)


def read_profile(path: Path) -> DatasetProfile:
    """A profile from its Parquet file.

    Raises
    ------
    DryRunError
        It cannot be read, or is no profile.
    """
    try:
        table = pq.read_table(path, partitioning=None).select(PROFILE.names).cast(PROFILE)
        kinds = {outcome.value: place for place, outcome in enumerate(CLASSES)}
        kind = np.array([kinds[name] for name in table["outcome_class"].to_pylist()], np.int64)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        words = "give the .parquet file that `profile --out` or the results page wrote"
        raise DryRunError(f"{path} is not a profile: {words}.") from error
    column = {field.name: table[field.name] for field in PROFILE}
    number = {
        name: column[name].cast(pa.float64()).to_numpy()
        for name in PROFILE.names
        if name not in ("key", "topic", "outcome_class", "flags")
    }
    whole = {name: number[name].astype(np.int64) for name in ("row", "n", "right", "alike")}
    group = int(number["group"][0]) if len(kind) else 2
    pass_rates = PassRates(**{rate: number[name] for name, rate in RATES.items()}, group=group)
    return DatasetProfile(_counts(column, number, whole), pass_rates, kind, number["class_probability"])


def _counts(
    column: dict[str, pa.ChunkedArray], number: dict[str, Any], whole: dict[str, Any]
) -> PromptCounts:
    topic = column["topic"].combine_chunks().dictionary_encode()
    bits = {name: value for value, name in FLAG_NAMES.items()}
    flags = [sum(bits.get(word, 0) for word in text.split("; ")) for text in column["flags"].to_pylist()]
    tried = whole["n"]
    total = np.nan_to_num(number["mean"]) * tried
    spread = np.nan_to_num(number["spread"])
    square = spread**2 * np.maximum(tried - 1, 0) + np.divide(
        total**2, tried, out=np.zeros(len(tried)), where=tried > 0
    )
    return PromptCounts(
        key=np.array(column["key"].to_pylist(), dtype="S32"),
        row=whole["row"] - 1,
        topic=topic.indices.to_numpy().astype(np.int64),
        right=whole["right"],
        tried=tried,
        total=total,
        square=square,
        differs=spread > 0,
        prompt_tokens=number["prompt_tokens"],
        completion_tokens=number["completion_tokens"],
        reference=number["reference_score"],
        alike=whole["alike"] - 1,
        flags=np.array(flags, np.int64),
        topics=tuple(topic.dictionary.to_pylist()),
    )


def profile_lines(profile: DatasetProfile) -> list[str]:
    """What the profile says of the dataset, in sentences."""
    sizes, prompts = profile.sizes(), len(profile)
    _, different = np.unique(profile.counts.key, return_index=True)
    shared = "" if len(different) == prompts else "; equal rows share theirs"
    responses = int(profile.counts.tried[different].sum())
    lines = [f"{plural(prompts, 'prompt')}, {responses:,} responses with a score{shared}."]
    lines += [
        f"{name.value}: {count:,} ({100 * count / prompts:.1f} %)" for name, count in sizes.items() if count
    ]
    undecided = int(profile.undecided.sum())
    if undecided:
        lines.append(
            f"The class of {plural(undecided, 'prompt')} is not decided: more responses to these would tell."
        )
    lines.append(
        f"Of groups of {profile.rates.group}, {100 * profile.rates.mixed.mean():.1f} % would hold right and "
        "wrong responses."
    )
    if flagged := _flag_line(profile):
        lines.append(flagged)
    if not np.isfinite(profile.counts.reference).any():
        lines.append(
            "No reference answer was graded: a broken one shows only where rows contradict each other."
        )
    if sizes[OutcomeClass.UNKNOWN]:
        lines.append("Prompts not measured have no response with a score: the same command tries again.")
    return lines


def _flag_line(profile: DatasetProfile) -> str:
    counts = {name: int(((profile.counts.flags & value) != 0).sum()) for value, name in FLAG_NAMES.items()}
    parts = [f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items() if count]
    return f"Rows with a flag: {', '.join(parts)}." if parts else ""
