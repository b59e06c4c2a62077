"""The profile as a table: Parquet, CSV, and back from Parquet."""

from __future__ import annotations

import io
from collections.abc import Iterator
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

PROFILE = pa.schema(
    [
        ("key", pa.string()),
        ("row", pa.int64()),
        ("topic", pa.string()),
        ("n", pa.int64()),
        ("right", pa.int64()),
        ("mean", pa.float64()),
        ("spread", pa.float64()),
        ("pass_rate", pa.float64()),
        ("pass_low", pa.float64()),
        ("pass_high", pa.float64()),
        ("learnability", pa.float64()),
        ("outcome_class", pa.string()),
        ("class_probability", pa.float64()),
        ("never_probability", pa.float64()),
        ("always_probability", pa.float64()),
        ("mixed_group", pa.float64()),
        ("group", pa.int64()),
        ("prompt_tokens", pa.float64()),
        ("completion_tokens", pa.float64()),
        ("reference_score", pa.float64()),
        ("alike", pa.int64()),
        ("flags", pa.string()),
    ]
)
"""A row a prompt. ``row`` and ``alike`` count from 1; ``flags`` are words with ``; `` between them."""
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
BLOCK = 50_000
"""Rows that are turned into a table at once."""
FORMULA = r"^[=+\-@\t\r]"


def profile_table(profile: DatasetProfile, start: int = 0, end: int | None = None) -> pa.Table:
    """Rows of the profile as a table of schema `PROFILE`."""
    part, counts, rates = slice(start, end), profile.counts, profile.rates
    words = {bits: "; ".join(flag_words(bits)) for bits in np.unique(counts.flags[part]).tolist()}
    names = np.array([writable(name) for name in counts.topics], dtype=object)
    columns: dict[str, Any] = {
        "key": [key.decode() for key in counts.key[part].tolist()],
        "row": counts.row[part] + 1,
        "topic": names[counts.topic[part]] if names.size else [],
        "n": counts.tried[part],
        "right": counts.right[part],
        "mean": profile.mean[part],
        "spread": profile.spread[part],
        "outcome_class": [CLASSES[kind].value for kind in profile.kind[part].tolist()],
        "class_probability": profile.sure[part],
        "group": np.full(len(counts.row[part]), rates.group),
        "prompt_tokens": counts.prompt_tokens[part],
        "completion_tokens": counts.completion_tokens[part],
        "reference_score": counts.reference[part],
        "alike": counts.alike[part] + 1,
        "flags": [words[bits] for bits in counts.flags[part].tolist()],
        **{name: getattr(rates, rate)[part] for name, rate in RATES.items()},
    }
    arrays = [
        pa.array(columns[field.name], field.type, from_pandas=True)  # NaN becomes null
        for field in PROFILE
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
        yield profile_table(profile, start, start + BLOCK)


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
