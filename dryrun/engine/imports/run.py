"""A file of responses -> a run, ready to be graded; or, if they came with scores, to be judged as it is."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from dryrun.core.config import MAX_ROLLOUTS, ModelConfig, ModelKind, RunConfig, SamplingConfig
from dryrun.core.errors import DatasetError, DryRunError, Problem
from dryrun.core.fingerprint import canonical_json, fingerprint
from dryrun.core.records import Grade, GradeOutcome, Prompt, RunState, Sample, SampleOutcome
from dryrun.core.text import cut
from dryrun.dataset import dataset_from_items
from dryrun.dataset.columns import ColumnMap
from dryrun.dataset.formats import BadRow, RawRow, checked_format
from dryrun.dataset.parse import parse_row
from dryrun.dataset.read import opened, rows_in, rows_of_folder
from dryrun.dataset.rows import ProblemKinds
from dryrun.engine.imports.records import LogRecord, RecordError, Response, read_record
from dryrun.engine.plan import make_plan
from dryrun.engine.prepare import checked_range
from dryrun.graders import check_against, load_grader, raise_errors
from dryrun.models.build import ImportedModel
from dryrun.models.reply import Ending, ending_of
from dryrun.probes.anchors import keep_readings
from dryrun.store.partition import Store
from dryrun.store.runs import Run, RunStatus
from dryrun.store.schemas import grade_row, sample_row

MOST_NAMED = 10
"""Fields that an error lists."""
MOST_MARKS = 10
"""The highest mark of a scale of whole numbers that begins at 1."""
SCORES_FIELD = "imported_scores"
RECORDED_SCORES: dict[str, Any] = {
    "type": "python",
    "source": (
        "import hashlib\n\n\n"
        "def grade(sample, item):\n"
        '    """The score this response came with."""\n'
        '    text = (sample["output_text"] or "").encode()\n'
        f'    return item["{SCORES_FIELD}"][hashlib.sha256(text).hexdigest()[:16]]\n'
    ),
}
"""The grader of a run that is judged by the scores it came with."""

_OUTCOMES = {
    Ending.CUT: SampleOutcome.TRUNCATED,
    Ending.FILTERED: SampleOutcome.FILTERED,
    Ending.REFUSED: SampleOutcome.REFUSED,
}


@dataclass(slots=True)
class ImportedPrompt:
    """The responses to one prompt, in the order of the file.

    Attributes
    ----------
    messages : list of mapping
    fields : dict
        As the first of its records has them.
    responses : list of Response
    differing : set of str
        Fields that another of its records says otherwise: they belong to a response, not to the prompt.
    could_score : dict of str to None
        Fields that any of its records could have its score in, in order of first appearance.
    steps : set of float
        The training steps that its records come from.
    filter : str
        The reading whose records count; records of another repeat the responses.
    """

    messages: list[Mapping[str, Any]]
    fields: dict[str, Any]
    responses: list[Response] = field(default_factory=list)
    differing: set[str] = field(default_factory=set)
    could_score: dict[str, None] = field(default_factory=dict)
    steps: set[float] = field(default_factory=set)
    filter: str = ""

    def add(self, record: LogRecord) -> None:
        """One more record of the same prompt."""
        if record.filter != self.filter:
            return
        for name, value in self.fields.items():
            if record.fields.get(name, ...) != value:
                self.differing.add(name)
        self.responses += record.responses
        self.could_score.update(dict.fromkeys(record.could_score))
        self.steps |= set() if record.step is None else {record.step}


def import_samples(
    store: Store,
    source: Path | bytes | BinaryIO,
    name: str,
    grader: Mapping[str, Any] | str | None = None,
    *,
    model: str = "imported",
    topic_field: str | None = None,
    score_field: str | None = None,
    reward_range: tuple[float, float] | None = None,
) -> Run:
    """Make a run of responses that were generated elsewhere.

    Parameters
    ----------
    store : Store
    source : Path, bytes or binary file
        JSONL, Parquet or CSV, or a folder of such files: see `dryrun.engine.imports.records` for the shapes
        that are understood.
    name : str
        The file's name as the user knows it.
    grader : mapping or str, optional
        A grader in OpenAI's JSON; the run then waits for ``work_on`` to grade it. Default: the scores
        that came with the responses, every one of which must have one; the run is then finished.
    model : str
        What the responses' model is called in the report.
    topic_field, score_field : str, optional
        Where a record's topic and score are, where the usual names do not say.
    reward_range : (float, float), optional
        The scale of the rewards. Default: the grader's; for scores that came along 0 to 1, or, if
        any lies outside, as far as they reach; from 1 on for whole numbers up to 10 of which 1 is the least.

    Raises
    ------
    DatasetError
        What is wrong with the file: each kind of problem with a count and its first lines.
    GraderError
        The grader is not sound, or no record can fill it.
    """
    groups = read_groups(source, name, score_field)
    if grader is None:
        _require_scores(groups, name, score_field)
        reward_range = reward_range or _scale(groups)
    items = [_item(group, with_scores=grader is None) for group in groups]
    dataset = dataset_from_items(items, name, ColumnMap(topic_field=topic_field))
    spec = load_grader(RECORDED_SCORES if grader is None else grader)
    prompts = dataset.prompts(range(len(dataset)))
    if grader is not None:
        raise_errors("The grader does not fit the responses:", check_against(spec, prompts, False))
    config = RunConfig(
        dataset=dataset.ref,
        grader=spec.raw,
        model=ModelConfig(kind=ModelKind.IMPORTED, name=model, source=_source(groups)),
        sampling=SamplingConfig(size=len(prompts), rollouts=max(len(group.responses) for group in groups)),
        reward_range=checked_range(reward_range, spec),
        scale_open=reward_range is None and spec.range is None,
    )
    run = _written(store, config, prompts, groups, scored=grader is None)
    if grader is None:
        with contextlib.suppress(DryRunError):
            keep_readings(run, reference_field="reference_answer")
    return run


def read_groups(
    source: Path | bytes | BinaryIO, name: str, score_field: str | None = None
) -> list[ImportedPrompt]:
    """The file's prompts in order of first appearance, each with its responses.

    Records belong together when their messages and their reference answers are the same. A field in which
    the records of any prompt differ (a duration, another metric) is left out of all rows.

    Raises
    ------
    DatasetError
        As in `import_samples`.
    """
    groups: dict[str, ImportedPrompt] = {}
    with contextlib.ExitStack() as stack:
        unit, entries = _entries(source, name, stack)
        problems, crowded = ProblemKinds(unit), ProblemKinds("prompt")
        for entry in entries:
            record = _record(entry, score_field)
            if not isinstance(record, LogRecord):
                problems.add(entry.line, record)
                continue
            key = fingerprint([record.messages, record.fields.get("reference_answer")])
            fresh = ImportedPrompt(record.messages, dict(record.fields), filter=record.filter)
            groups.setdefault(key, fresh).add(record)
    for position, group in enumerate(groups.values(), 1):
        if len(group.responses) > MAX_ROLLOUTS:
            what = f"it has {len(group.responses):,} responses, more than {MAX_ROLLOUTS}."
            crowded.add(position, [Problem("", what, "Import fewer, such as those of one step.")])
    for kinds in (problems, crowded):
        if kinds.count:
            raise kinds.refusal(name, "imported")
    if not groups:
        problem = Problem("file", "there is no record in it.", "Give at least one prompt with a response.")
        raise DatasetError(f"{name} is empty.", [problem])
    differing = set().union(*(group.differing for group in groups.values()))
    for group in groups.values():
        group.fields = {name: value for name, value in group.fields.items() if name not in differing}
    return list(groups.values())


def _entries(
    source: Path | bytes | BinaryIO, name: str, stack: contextlib.ExitStack
) -> tuple[str, Iterator[RawRow | BadRow]]:
    """What records are counted in, and the records of a file or of all files of a folder."""
    if not (isinstance(source, Path) and source.is_dir()):
        file = stack.enter_context(opened(source, name))
        form = checked_format(file, name)
        return form.unit, rows_in(file, name, form)
    return "row", rows_of_folder(source)


def _record(entry: RawRow | BadRow, score_field: str | None) -> LogRecord | Sequence[Problem]:
    """What a row of the file says, or what is wrong with it."""
    if isinstance(entry, BadRow):
        return entry.problems
    parsed = parse_row(entry.raw)
    if isinstance(parsed, Problem):
        return [parsed]
    try:
        return read_record(parsed[0], score_field)
    except RecordError as error:
        return [Problem(error.where, f"{error.what}.", error.fix)]


def _require_scores(groups: Sequence[ImportedPrompt], name: str, score_field: str | None) -> None:
    """Refuse responses without a score, and name where it could be.

    Raises
    ------
    DryRunError
        Any response has none.
    """
    lacking = sum(response.score is None for group in groups for response in group.responses)
    if lacking:
        count = sum(len(group.responses) for group in groups)
        where = "" if score_field is None else f" in {cut(score_field, 60)!r}"
        could = list(dict.fromkeys(path for group in groups for path in group.could_score))
        listed = " or ".join(cut(path, 60) for path in could[:MOST_NAMED])
        other = f"name the score's field with --score-field{f': {listed}' if could else ''}"
        if lacking < count:
            other = "leave their records out"
        raise DryRunError(
            f"{name}: {lacking:,} of {count:,} responses have no score{where}, so they cannot be judged "
            f"without a grader. Give a grader, or {other}."
        )


def _scale(groups: Sequence[ImportedPrompt]) -> tuple[float, float]:
    """0 to 1, or as far as the scores reach; marks such as 1 to 5 begin at 1."""
    scores = {response.score or 0.0 for group in groups for response in group.responses}
    low, high = min(scores), max(scores)
    marks = low == 1.0 and 2 < high <= MOST_MARKS and all(score.is_integer() for score in scores)
    return (1.0 if marks else min(0.0, low)), max(high, 1.0)


def _item(group: ImportedPrompt, with_scores: bool) -> dict[str, Any]:
    item = {"messages": group.messages, **group.fields}
    if with_scores:
        item[SCORES_FIELD] = {_digest(response.text): response.score for response in group.responses}
    return item


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _source(groups: Sequence[ImportedPrompt]) -> str:
    """What names the imported responses: their content, whatever the file was called."""
    digest = hashlib.sha256()
    for group in groups:
        digest.update(canonical_json([group.messages, [response.text for response in group.responses]]))
    return digest.hexdigest()[:32]


def _written(
    store: Store, config: RunConfig, prompts: Sequence[Prompt], groups: Sequence[ImportedPrompt], scored: bool
) -> Run:
    """The run on disk: its samples, its plan, and the grades it came with."""
    model = ImportedModel(config.model)
    rollouts = [
        (prompt, _sample(response, model.sample_key(prompt, rollout), rollout), response.score)
        for prompt, group in zip(prompts, groups, strict=True)
        for rollout, response in enumerate(group.responses)
    ]
    plan = make_plan(prompts, config, model).restricted({sample.key for _, sample, _ in rollouts})
    samples, grades = store.samples(fingerprint(model.identity)), store.grades(plan.grader)
    samples.describe(model.identity)
    grades.describe({"grader": config.grader})
    known = samples.finished_keys(plan.table["sample_key"])
    samples.append([sample_row(sample) for _, sample, _ in rollouts if sample.key not in known])
    run = Run.create(store, config, prompts)
    if scored:
        graded = [(plan.grade_key(sample.key, prompt), score) for prompt, sample, score in rollouts]
        grades.append([grade_row(key, Grade(GradeOutcome.GRADED, score)) for key, score in graded])
    run.write_plan(plan.table, samples.folder.name, grades.folder.name)
    run.write_status(
        RunStatus(
            RunState.FINISHED if scored else RunState.INTERRUPTED,
            total=len(rollouts),
            sampled=len(rollouts),
            graded=len(rollouts) if scored else 0,
            reused=len(rollouts),
            message=("Imported with its scores." if scored else "Imported; not graded yet.") + _moved(groups),
            started=time.time(),
        )
    )
    return run


def _moved(groups: Sequence[ImportedPrompt]) -> str:
    """That the model changed between the responses, where a log of several training steps says so."""
    steps = set[float]().union(*(group.steps for group in groups))
    if len(steps) < 2:
        return ""
    return (
        f" The responses are of {len(steps):,} training steps, {min(steps):g} to {max(steps):g}: the model "
        "changed between them. Import those of the first step to judge the model that training starts from."
    )


def _sample(response: Response, key: str, rollout: int) -> Sample:
    outcome = _OUTCOMES.get(ending_of(response.finish_reason or ""), SampleOutcome.ANSWERED)
    if not response.text and not response.tool_calls and outcome is SampleOutcome.ANSWERED:
        outcome = SampleOutcome.EMPTY
    return Sample(
        key=key,
        rollout=rollout,
        outcome=outcome,
        text=response.text,
        tool_calls=response.tool_calls,
        finish_reason=response.finish_reason,
        prompt_tokens=response.prompt_tokens,
        completion_tokens=response.completion_tokens,
        attempts=0,
        note="imported",
    )
