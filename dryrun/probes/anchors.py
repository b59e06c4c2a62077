"""The cheap first round of the probes: a run's grader on right and worthless answers, to find its scale.

Costs grades, no generation.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from pydantic import TypeAdapter

from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.figures.coverage import as_pay
from dryrun.analysis.figures.form import unless_nothing_paid
from dryrun.analysis.figures.readings import PAID, Misplaced, Repeated, refusals
from dryrun.core.arrays import Floats
from dryrun.core.probe import ACCEPTED, FORMED, Probe
from dryrun.core.records import Grade, Prompt, Sample
from dryrun.graders import Grader
from dryrun.graders.checks.against_rows import contradictory
from dryrun.graders.load import load_grader
from dryrun.graders.protocol import answer_alone
from dryrun.graders.trial import as_text
from dryrun.probes import Ground, ground, quick_round
from dryrun.probes.accepted_form import (
    CLEARLY,
    SCOUTS,
    Grades,
    Texts,
    accepted_way,
    grades_by,
    templates_of,
    written,
)
from dryrun.probes.fits_elsewhere import fits_elsewhere, unnamed_labels
from dryrun.probes.learned_form import in_this_way, python_source, right_answers
from dryrun.probes.make.answers import NO_ANSWER
from dryrun.probes.make.forms import reformatted
from dryrun.probes.make.json_shape import with_format
from dryrun.probes.make.read_answer import refuses
from dryrun.probes.make.rounds import of_a_part
from dryrun.probes.make.tool_calls import tools_read
from dryrun.probes.make.worthless import HEDGED
from dryrun.probes.read_responses import all_in_form, read_all, right_by_usual, unanswered, unread_calls
from dryrun.store.partition import write_aside
from dryrun.store.results import Results, load_results
from dryrun.store.runs import Run

REFERENCES, REGRADED, TIMES = 50, 20, 2
WORTHLESS = 20
"""Prompts to which wrong and worthless answers are graded."""
PARTS = 8
"""Parts of an answer that are tried one at a time, at most."""
TOPIC_REFERENCES, TOPICS = 5, 40
"""Reference answers graded for each topic, and the topics they are graded for."""
COMPARED_ROWS = 5_000
"""Rows whose references responses are held against."""
READ = 400
"""Responses that are read for the right answer."""
BEST = 40
"""Responses that earned the most, read for the form they have."""
FILE = "anchors.json"


async def grade_anchors(run: Run, grader: Grader, seed: int = 0) -> None:
    """Grade the anchors and keep the raw rewards with the run.

    Parameters
    ----------
    run : Run
        Finished, or far enough to have responses.
    grader : Grader
        Open, the run's own.
    seed : int
        Chooses the prompts.

    Raises
    ------
    StoreError
        They cannot be written.
    """
    config, results, chance = run.config(), load_results(run), random.Random(seed)
    spec, grades = load_grader(config.grader), grades_by(grader)
    rows = _distinct(run.prompts())
    prompts = with_format(rows, config.model.response_format)
    chance.shuffle(prompts)
    references = right_answers(spec, prompts, config.dataset.reference_field)
    known = [(p, text) for p, text in zip(prompts, references, strict=True) if text is not None]
    by_key = _by_key(known)
    templates, tools = templates_of(best_paid(results), by_key), tools_read(spec)
    way = await accepted_way(known, grades, config.reward_range, templates, tools)

    async def rewards(texts: Texts) -> list[float | None]:
        return [grade.reward for grade in await grades(texts)]

    learned = in_this_way(way, prompts, references, templates, tools)
    source = python_source(spec)
    probe_ground = ground(prompts, learned.references, rows=WORTHLESS, source=source, seed=seed)
    probes = quick_round(probe_ground, learned.at(probe_ground))
    junk = {kind: await grades(texts) for kind, texts in _unearned(probes, probe_ground).items()}
    hedged = junk.pop(HEDGED, [])
    asked = [*known[SCOUTS:], *known[:SCOUTS]]
    right = written(asked[:REFERENCES], way, templates, tools)
    graded_right = await grades(right)
    by_topic = {topic: written(texts, way, templates, tools) for topic, texts in _by_topic(asked).items()}
    calls = _by_key(written(known, way, templates, tools)) if learned.call else None
    paid = _scaled([grade.reward for grade in graded_right], config.reward_range)
    part = learned.references != references and np.nanmean(paid) >= 1 - CLEARLY  # all that is asked for
    read_as = _by_key([(p, text) for p, text in zip(prompts, learned.references, strict=True) if text])
    measured = {
        "form": way,
        **_read(
            results,
            rows,
            by_key,
            calls,
            chance,
            reads_calls=tools is not None,
            read_as=read_as if part else by_key,
        ),
        "reference": [grade.reward for grade in graded_right],
        "raised": [bool(grade.errors) and not grade.remarked_only for grade in graded_right],
        "topics": {topic: await rewards(texts) for topic, texts in by_topic.items()},
        "reformatted": await rewards([(prompt, reformatted(text)) for prompt, text in right]),
        "junk": {kind: [grade.reward for grade in graded] for kind, graded in junk.items()},
        "junk_parts": {kind: _parts(junk[kind]) for kind in FORMED & junk.keys()},
        "alike": _resemblances(probes),
        "parts": await _in_part(probes, probe_ground, grades),
        "hedged": [grade.reward for grade in hedged],
        "guess": probe_ground.guess,
        "regraded": await _regraded(results, grader, chance),
    }
    write_aside(run.folder / FILE, orjson.dumps(measured, option=orjson.OPT_INDENT_2))


def keep_readings(run: Run, seed: int = 0, *, reference_field: str | None = None) -> None:
    """Read the responses of a run that a judge grades, or that came with scores: no call is made.

    Kept are refusals in plain words and, where the judge is given the reference answers, whether responses
    are right by those of other rows. Whether a response is right is the judge's to say: it may mean more.

    Parameters
    ----------
    run : Run
        Finished, or far enough to have responses.
    seed : int
        Chooses the responses.
    reference_field : str, optional
        Where the reference answers of scores that came along are: responses are read for these then.

    Raises
    ------
    StoreError
        They cannot be written.
    """
    config, results = run.config(), load_results(run)
    spec, field = load_grader(config.grader), reference_field or config.dataset.reference_field
    rows = _distinct(run.prompts())
    prompts = with_format(rows, config.model.response_format)
    references = right_answers(spec, prompts, field, where_read=reference_field is None)
    by_key = {p.key: text for p, text in zip(prompts, references, strict=True) if text is not None}
    reads_calls = tools_read(spec) is not None
    measured = _read(
        results, rows, by_key, None, random.Random(seed), reads_calls=reads_calls, read_as=by_key
    )
    measured["guess"] = ground(prompts, references, rows=WORTHLESS).guess
    if reference_field is None:
        measured["read"] = [(score, None, *others) for score, _, *others in measured["read"]]
    measured |= {"form": "", "reference": [], "reformatted": [], "junk": {}, "regraded": []}
    write_aside(run.folder / FILE, orjson.dumps(measured, option=orjson.OPT_INDENT_2))


def _unearned(probes: Sequence[Probe], probe_ground: Ground) -> dict[str, Texts]:
    """The wrong, worthless and hedged answers by kind."""
    texts: dict[str, list[tuple[Prompt, str]]] = {}
    for probe in probes:
        if probe.kind != ACCEPTED and not of_a_part(probe.kind):
            texts.setdefault(probe.kind, []).append((probe_ground.prompts[probe.row], probe.text))
    return dict(texts)


def _resemblances(probes: Sequence[Probe]) -> dict[str, list[float]]:
    """How much the wrong and worthless answers of each kind resemble the right ones."""
    resembling: dict[str, list[float]] = {}
    for probe in probes:
        resembling.setdefault(probe.kind, []).append(probe.alike)
    return resembling


async def _in_part(
    probes: Sequence[Probe], probe_ground: Ground, grades: Grades
) -> dict[str, list[tuple[float | None, float | None]]]:
    """What right answers, and beside each one that is wrong in part, earn: by what is wrong with it."""
    kinds = list(dict.fromkeys(probe.kind for probe in probes if of_a_part(probe.kind)))[:PARTS]
    asked = [probe for probe in probes if probe.kind in (ACCEPTED, *kinds)] if kinds else []
    graded = await grades([(probe_ground.prompts[probe.row], probe.text) for probe in asked])
    earned = {(probe.row, probe.kind): grade.reward for probe, grade in zip(asked, graded, strict=True)}
    return {
        kind: [
            (earned.get((row, ACCEPTED)), reward) for (row, other), reward in earned.items() if other == kind
        ]
        for kind in kinds
    }


def _parts(graded: Sequence[Grade]) -> dict[str, list[float | None]]:
    """What each part of the reward gives, by its name."""
    names = dict.fromkeys(name for grade in graded for name in grade.sub_rewards)
    return {name: [grade.sub_rewards.get(name) for grade in graded] for name in names}


def load_anchors(run: Run) -> Anchors | None:
    """What `grade_anchors` kept, mapped to 0..1 by the run's reward range; None if nothing was measured."""
    try:
        kept = orjson.loads((run.folder / FILE).read_bytes())
        bounds = run.config().reward_range
        regraded = _graded(kept["regraded"], bounds)
        anchors = Anchors(
            reference=_graded(kept["reference"], bounds),
            raised=np.array(kept.get("raised") or [False] * len(kept["reference"]), bool),
            reformatted=_graded(kept["reformatted"], bounds),
            junk={
                name: as_pay(np.array(values, np.float64), bounds) for name, values in kept["junk"].items()
            },
            topic_reference={
                topic: _scaled(values, bounds) for topic, values in kept.get("topics", {}).items()
            },
            junk_parts={
                kind: {name: np.array(values, dtype=np.float64) for name, values in parts.items()}
                for kind, parts in kept.get("junk_parts", {}).items()
            },
            alike={kind: np.array(values, np.float64) for kind, values in kept.get("alike", {}).items()},
            parts={kind: _scaled(pairs, bounds) for kind, pairs in kept.get("parts", {}).items() if pairs},
            hedged=as_pay(np.array(hedged, np.float64), bounds) if (hedged := kept.get("hedged")) else None,
            misplaced=_KEPT_MISPLACED.validate_python(kept.get("misplaced")),
            reasoning=kept.get("reasoning"),
            end_tokens=kept.get("end_tokens"),
            reasoning_alone=kept.get("reasoning_alone"),
            copied=kept.get("copied"),
            contradicted=kept.get("contradicted"),
            unreferenced=kept.get("unreferenced"),
            unnamed=tuple(kept.get("unnamed") or ()),
            repeated=_KEPT_REPEATED.validate_python(kept.get("repeated")),
            misread=tuple(misread) if (misread := kept.get("misread")) else None,
            calls=kept.get("calls"),
            guess=kept.get("guess"),
            regraded=regraded if regraded is not None and regraded.ndim == 2 else None,
            **_kept_reads(kept.get("read", [])),
        )
        return unless_nothing_paid(anchors)
    except (OSError, ValueError, KeyError, TypeError):
        return None


_KEPT_MISPLACED = TypeAdapter(Misplaced | None)
_KEPT_REPEATED = TypeAdapter(Repeated | None)


def _kept_reads(kept: Sequence[Sequence[float | bool | None]]) -> dict[str, Any]:
    """What was read: scores, which are kept on 0..1, and readings; older runs lack the last columns.

    These are the prompt, whether the response refuses, its dataset row, and whether it is right as asked for.
    """
    if not kept:
        return {}
    columns = np.array(kept, dtype=np.float64).T
    reads: dict[str, Any] = {"read": (columns[0], columns[1])}
    if len(columns) > 2:
        reads["read_prompt"] = columns[2].astype(np.int64)
    if len(columns) > 4:
        prompt, row = columns[2].astype(np.int64), columns[4].astype(np.int64)
        reads["refusals"] = refusals(columns[0], columns[3] == 1.0, prompt, row)
    if len(columns) > 5:
        reads["read_formed"] = columns[5] == 1.0
    return reads


def _graded(rewards: Sequence[object] | None, bounds: tuple[float, float]) -> Floats | None:
    return _scaled(rewards, bounds) if rewards else None


def _scaled(rewards: object, bounds: tuple[float, float]) -> Floats:
    """Rewards on 0..1; None becomes NaN."""
    low, high = bounds
    return (np.array(rewards, dtype=np.float64) - low) / (high - low)


def run_references(run: Run, prompts: Sequence[Prompt]) -> list[tuple[Prompt, str]]:
    """The prompts that have a reference answer, with it, in the field that the run's grader reads."""
    config = run.config()
    spec = load_grader(config.grader)
    asked = with_format(prompts, config.model.response_format)
    references = right_answers(spec, asked, config.dataset.reference_field)
    return [(prompt, text) for prompt, text in zip(asked, references, strict=True) if text is not None]


def _distinct(prompts: Sequence[Prompt]) -> list[Prompt]:
    return list({prompt.key: prompt for prompt in prompts}.values())


def _by_key(texts: Texts) -> dict[str, str]:
    return {prompt.key: text for prompt, text in texts}


def _by_topic(known: Texts) -> dict[str, Texts]:
    """Some reference answers of each topic, for as many topics as may be asked about."""
    by_topic: dict[str, list[tuple[Prompt, str]]] = {}
    for prompt, text in known:
        if prompt.topic and (prompt.topic in by_topic or len(by_topic) < TOPICS):
            texts = by_topic.setdefault(prompt.topic, [])
            if len(texts) < TOPIC_REFERENCES:
                texts.append((prompt, text))
    return dict(by_topic)


async def _regraded(results: Results, grader: Grader, chance: random.Random) -> list[list[float | None]]:
    count = results.rollouts.num_rows
    chosen = sorted(chance.sample(range(count), min(REGRADED, count)))
    seen = [inspected for inspected in results.inspect(chosen) if inspected.sample.gradable]
    return [
        [(await grader.grade(inspected.sample, inspected.prompt.item)).reward for _ in range(TIMES)]
        for inspected in seen
    ]


def _read(
    results: Results,
    rows: Sequence[Prompt],
    references: Mapping[str, str],
    calls: Mapping[str, str] | None,
    chance: random.Random,
    *,
    reads_calls: bool,
    read_as: Mapping[str, str],
) -> dict[str, Any]:
    """Some responses as a reader sees them: score, whether it is right, prompt, whether it refuses, row,
    whether it is right in the form that the prompt asks for.

    Also the shares of them that hold reasoning, and that end in a chat template's end token, and whether
    they are right by the references of other rows.
    """
    observed = results.observations()
    score = observed.score
    graded = np.flatnonzero(np.isfinite(score)).tolist()
    chosen = sorted(chance.sample(graded, min(READ, len(graded))))
    seen = results.inspect(chosen)
    texts = [inspected.sample.text if calls is None else as_text(inspected.sample) for inspected in seen]
    prompts = with_format([inspected.prompt for inspected in seen], results.config.model.response_format)
    responses = list(zip(prompts, texts, strict=True))
    says = read_all(responses, read_as, calls, within=references if read_as is not references else None)
    if calls is None:  # what a call says is not in the text
        says = [
            None if inspected.sample.tool_calls else is_right
            for inspected, is_right in zip(seen, says, strict=True)
        ]
    formed = all_in_form(responses, read_as, says) if calls is None else [bool(is_right) for is_right in says]
    pairs = [
        (
            float(score[place]),
            is_right,
            int(observed.prompt[place]),
            not is_right and refuses(text),
            prompt.row + 1,
            as_asked,
        )
        for place, is_right, as_asked, (prompt, text) in zip(chosen, says, formed, responses, strict=True)
    ]
    compared = [(row, read_as[row.key]) for row in rows[:COMPARED_ROWS] if row.key in read_as]
    bare = {row.key for row in rows if references and references.get(row.key, "").strip() in NO_ANSWER}
    paid = {prompt.key for at, (prompt, _) in zip(chosen, responses, strict=True) if score[at] >= PAID}
    torn = contradictory(rows, lambda some: [references.get(prompt.key) for prompt in some])
    return {
        "read": pairs,
        **unanswered(responses, score[chosen].tolist(), says, cut=results.config.cut_reasoning),
        **({} if reads_calls else unread_calls(seen, score[chosen].tolist())),
        **({} if calls else right_by_usual(responses, score[chosen].tolist(), says, references)),
        "misplaced": None if calls is not None else fits_elsewhere(responses, says, compared),
        "unnamed": [] if calls is not None else unnamed_labels(responses, read_as),
        "contradicted": sum(map(len, torn)) / max(len(rows), 1),
        "unreferenced": 0.0 if bare & paid else len(bare) / max(len(rows), 1),
    }


def best_paid(results: Results) -> Texts:
    """Some responses that earned the most, if that is more than nothing."""
    score = results.observations().score
    most = np.nanmax(score, initial=0.0)
    if most <= 0.0:
        return []
    best = np.flatnonzero(score >= most - 1e-9)[:BEST].tolist()
    return [(seen.prompt, given_to(results, seen.sample).text) for seen in results.inspect(best)]


def given_to(results: Results, sample: Sample) -> Sample:
    """The sample as the run's grader is given it."""
    return answer_alone(sample) if results.config.cut_reasoning else sample
