"""The chosen rows themselves, with their profile; and rows for supervised fine-tuning beside them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from dryrun.analysis.figures.statistics import TOLERANCE
from dryrun.analysis.training.choice import Places, SetChoice, TrainingSet
from dryrun.analysis.training.profile import DatasetProfile, RowFlag
from dryrun.core.errors import DryRunError
from dryrun.core.records import Item, Sample, SampleOutcome
from dryrun.core.text import percent, plural
from dryrun.dataset import Dataset
from dryrun.probes.reference_scores import load_reference_grades
from dryrun.report.training_set.profile_table import profile_table
from dryrun.store.results import Results
from dryrun.store.runs import Run
from dryrun.store.schemas import prompts_from_table

SFT_FIELDS = ("tools", "parallel_tool_calls")

Row = dict[str, Any]


def best_responses(results: Results, cutoff: float) -> list[int]:
    """Position of each prompt's highest-scored response, where its score reaches `cutoff`.

    Parameters
    ----------
    results : Results
    cutoff : float
        On 0..1, the scale of the thresholds. A response that stopped early, was refused or is empty
        never counts: nobody should learn from it.

    Returns
    -------
    list of int
        Positions in ``results.rollouts``, in sample order; of equal scores the first rollout. Equal
        prompts count as one.
    """
    seen = results.observations()
    fits = (seen.outcome == SampleOutcome.ANSWERED.value) & (seen.score >= cutoff - TOLERANCE)
    ranked = np.argsort(-seen.score, kind="stable")
    ranked = ranked[fits[ranked]]
    _, first = np.unique(seen.prompt[ranked], return_index=True)
    best: list[int] = np.sort(ranked[first]).tolist()
    return best


def sft_rows(results: Results, cutoff: float) -> list[Row]:
    """Best-of-k rows in the chat format of supervised fine-tuning.

    Each row is the prompt's messages and, as the assistant's turn, its best response; see
    `best_responses` for which.
    """
    responses = results.inspect(best_responses(results, cutoff))
    return [sft_row(response.prompt.item, response.sample) for response in responses]


def sft_row(item: Item, sample: Sample) -> Row:
    """One training row: the item's messages, answered by this sample."""
    answer: Row = {"role": "assistant", "content": sample.text or None}
    if sample.tool_calls:
        answer["tool_calls"] = [dict(call) for call in sample.tool_calls]
    kept = {name: item[name] for name in SFT_FIELDS if item.get(name) is not None}
    return {"messages": [*item["messages"], answer], **kept}


def to_jsonl(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """One JSON object per line, UTF-8."""
    return b"".join(orjson.dumps(dict(row), option=orjson.OPT_APPEND_NEWLINE) for row in rows)


Find = Callable[[int], Item]
"""The dataset's row at a position, from 0."""
SETS = ("train", "validation", "control")
AT_A_TIME = 1_000


@dataclass(frozen=True, slots=True)
class ChosenRow:
    """One row of a training set.

    Attributes
    ----------
    item : Item
        The row as the dataset has it.
    profile : mapping
        Its row of the profile, columns as in `dryrun.report.training_set.profile_table.PROFILE`.
    """

    item: Item
    profile: Mapping[str, Any]


def chosen_rows(profile: DatasetProfile, places: Places, find: Find) -> Iterator[ChosenRow]:
    """The rows at these places of the profile, in that order; what every export is written from.

    Parameters
    ----------
    profile : DatasetProfile
    places : int64 array
        One of `TrainingSet.train`, `.validation`, `.control`.
    find : callable
        From `rows_of_dataset` or `rows_of_run`.

    Raises
    ------
    DryRunError
        While going through them: a row is not the one that was profiled.
    """
    for start in range(0, len(places), AT_A_TIME):
        for row in profile_table(profile.at(places[start : start + AT_A_TIME])).to_pylist():
            yield ChosenRow(find(row["row"] - 1), row)


def rows_of_dataset(dataset: Dataset, profile: DatasetProfile) -> Find:
    """The rows of the dataset that was profiled.

    Raises
    ------
    DryRunError
        It is another dataset.
    """
    rows = profile.counts.row
    looked = np.unique(np.linspace(0, max(len(rows) - 1, 0), min(len(rows), 100)).astype(int)).tolist()
    for place in looked:
        row = int(rows[place])
        if row >= len(dataset) or dataset.key(row) != profile.counts.key[place].decode():
            raise DryRunError(
                f"{dataset.ref.name} is not the dataset of this profile: row {row + 1} is another one. "
                "Give the file that was profiled, with the same options about its fields."
            )
    return dataset.item


def rows_of_run(results: Results) -> Find:
    """The rows that a run has drawn."""
    items = {prompt.row: prompt.item for prompt in results.run.prompts()}
    return items.__getitem__


def rows_of_runs(runs: Iterable[Run], profile: DatasetProfile, places: Places) -> Find:
    """The rows at these places of a profile, as the runs that asked them hold them.

    Raises
    ------
    DryRunError
        A row is in none of them.
    """
    keys = {int(profile.counts.row[place]): profile.counts.key[place].decode() for place in places.tolist()}
    wanted = pa.array(sorted({*keys.values()}), pa.string())
    items: dict[str, Item] = {}
    for run in runs:
        table = run.prompt_columns()
        prompts = prompts_from_table(table.filter(pc.is_in(table["key"], wanted)))
        items |= {prompt.key: prompt.item for prompt in prompts}
    if missing := len(wanted) - len(items):
        raise DryRunError(f"{plural(missing, 'row')} of the profile are in no run of it: profile again.")
    return lambda row: items[keys[row]]


def form_rows(results: Results, profile: DatasetProfile, places: Places, cutoff: float) -> list[Row]:
    """Rows that teach the form: prompts whose right answers go unpaid, each with its reference answer as the
    grader pays it.

    Parameters
    ----------
    results : Results
    profile : DatasetProfile
        Of the same run, or of a dataset that the run is a part of.
    places : int64 array
        Of the profile: rows that may be trained on, `TrainingSet.side`. The band does not count: a prompt
        whose right answers go unpaid has a low pass rate for that reason.
    cutoff : float
        On 0..1: what the grader must have paid for that answer.
    """
    kept = load_reference_grades(results.run)
    if kept is None:
        return []
    scores = kept.scores(results.config.reward_range)
    unpaid = (profile.counts.flags[places] & RowFlag.RIGHT_UNPAID.value) != 0
    asked = {prompt.key: prompt for prompt in results.run.prompts()}
    wanted = dict.fromkeys(key.decode() for key in profile.counts.key[places][unpaid].tolist())
    return [
        {"messages": [*asked[key].item["messages"], {"role": "assistant", "content": kept.texts[key]}]}
        for key in wanted
        if key in asked and scores.get(key, 0.0) >= cutoff
    ]


def best_rows(results: Results, profile: DatasetProfile, places: Places, cutoff: float) -> list[Row]:
    """Best-of-k rows of the prompts that may be trained on; see `best_responses`."""
    keys = {key.decode() for key in profile.counts.key[places].tolist()}
    responses = results.inspect(best_responses(results, cutoff))
    return [
        sft_row(response.prompt.item, response.sample)
        for response in responses
        if response.prompt.key in keys
    ]


def taught_rows(
    answered: Iterable[Results], profile: DatasetProfile, places: Places, cutoff: float
) -> tuple[list[Row], list[Row]]:
    """`best_rows` and `form_rows` of several runs; a prompt that several asked counts in the first."""
    best: list[Row] = []
    form: list[Row] = []
    seen: set[bytes] = set()
    for results in answered:
        keys = profile.counts.key[places].tolist()
        new = places[np.array([key not in seen for key in keys], bool)]
        best += best_rows(results, profile, new, cutoff)
        form += form_rows(results, profile, new, cutoff)
        seen |= {key.encode() for key in results.keys}
    return best, form


def set_files(
    profile: DatasetProfile,
    chosen: TrainingSet,
    choice: SetChoice,
    find: Find,
    answered: Iterable[Results] | None,
    cutoff: float,
) -> Iterator[tuple[str, bytes]]:
    """The files of a training set, by name.

    ``train.jsonl``, ``validation.jsonl`` and ``control.jsonl`` hold rows as the dataset has them,
    ``profile.jsonl`` the profile of each with the set it is in, ``choice.json`` what was asked for. With the
    runs that answered there are ``sft.jsonl`` and ``form.jsonl`` too, in the chat format: prompts that are
    not kept for validation, in the band or not.
    """
    sets = {name: getattr(chosen, name) for name in SETS}
    profiles: list[Row] = []
    for name, places in sets.items():
        rows = list(chosen_rows(profile, places, find))
        profiles += [{"set": name, **row.profile} for row in rows]
        yield f"{name}.jsonl", to_jsonl([row.item for row in rows])
    yield "profile.jsonl", to_jsonl(profiles)
    if answered is not None:
        best, form = taught_rows(answered, profile, chosen.side, cutoff)
        yield "sft.jsonl", to_jsonl(best)
        yield "form.jsonl", to_jsonl(form)
    about = asdict(choice) | {"rows": {name: len(places) for name, places in sets.items()}}
    about["left_out"] = {reason.value: count for reason, count in chosen.left_out.items()}
    yield "choice.json", orjson.dumps(about, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def set_archive(files: Iterator[tuple[str, bytes]]) -> bytes:
    """These files as a ZIP file; equal files make equal bytes."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def choice_lines(profile: DatasetProfile, chosen: TrainingSet) -> list[str]:
    """What was chosen, in sentences."""
    train, control = (profile.rates.at(places) for places in (chosen.train, chosen.control))
    lines = [
        f"{plural(len(chosen.train), 'row')} to train on, {len(chosen.validation):,} for validation, "
        f"{len(chosen.control):,} as a control without any filter."
    ]
    if len(chosen.train):
        lines.append(
            f"Groups of {profile.rates.group} that would hold right and wrong responses: "
            f"{percent(float(train.mixed.mean()))} of the chosen rows, "
            f"{percent(float(control.mixed.mean()))} of the control."
        )
    else:
        lines.append("No row fits: widen the band, or let in rows that were left out.")
    left = [f"{reason.value} {count:,}" for reason, count in chosen.left_out.items()]
    return [*lines, f"Left out: {', '.join(left)}."] if left else lines
