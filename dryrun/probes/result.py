"""What checking a grader found, as it is stored, printed and put into a report."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

import orjson
from pydantic import ValidationError

from dryrun.analysis.probes.flaws import Flaw, Observation, Weight
from dryrun.analysis.probes.profile import Behaviour, Judged, Profile
from dryrun.analysis.probes.words import (
    FIXES,
    FORM_UNKNOWN,
    PROFILE_WORDS,
    RUN_APART,
    UNREFERENCED,
    fix_of,
    sentence,
)
from dryrun.analysis.verdict.conditions import GraderReview
from dryrun.core.errors import DryRunError
from dryrun.core.probe import Family
from dryrun.core.text import writable
from dryrun.core.thresholds import Frozen
from dryrun.probes import Ground
from dryrun.probes.grade import Probed
from dryrun.probes.make.answers import Kind
from dryrun.probes.make.demand import asks_code
from dryrun.probes.make.source_words import Danger, Remark

MUST_EARN = (Family.REFERENCE, Family.VARIATION)
"""Families of right answers."""
MUST_NOT_EARN = (Family.NOTHING, Family.SHELL, Family.GAMING, Family.WRONG, Family.CLAIM, Family.CODE)
"""Families of answers that are wrong or none."""
SHOWN_TEXT = 600
"""Characters of an answer that are kept as evidence."""


class ProbeFinding(Frozen):
    """One thing to mend, with its evidence.

    Attributes
    ----------
    flaw, weight, family, kind : str
        Values of `Flaw`, `Weight`, `Family`; the probe.
    sentence : str
        What was seen, with share and interval.
    hits, trials : int
        How many grades showed it, of how many.
    low, high : float
        95 % interval (Wilson) of that share.
    row : int or None
        Line of the dataset with the evidence, from 1.
    text : str
        The answer that was graded, cut to `SHOWN_TEXT` characters. Untrusted: never Markdown or HTML.
    score : float or None
        What it earned on 0..1.
    detail : str
        The grader's error, if there was one. Untrusted.
    repro : str
        A command that shows it again; ``""`` where there is no text.
    fix : str
    also : tuple of str
        Other probes that showed the same.
    """

    flaw: str
    weight: str
    family: str
    kind: str
    sentence: str
    hits: int = 0
    trials: int = 0
    low: float = 0.0
    high: float = 1.0
    row: int | None = None
    text: str = ""
    score: float | None = None
    detail: str = ""
    repro: str = ""
    fix: str
    also: tuple[str, ...] = ()


class GraderCheck(Frozen):
    """The grader, checked.

    Attributes
    ----------
    profile : str
        A `Profile`: the grader in one word.
    meaning : str
        The word explained.
    findings : tuple of ProbeFinding
        What blocks first.
    behaviours : tuple of Behaviour
    ceiling, base : float or None
        What right answers, and the base model's own responses, earn on 0..1.
    partial_credit : bool
    rows, graded, planned : int
        Rows probed; grades there are; grades that were planned.
    unseen : float
        The largest share of rows on which a flaw may still go unseen where none was found (rule of three).
    missing : tuple of str
        Probes that could not be made, and why.
    seed : int
    why : str
        Why answers got no grade, if any did not. Untrusted: never Markdown or HTML.
    run, dataset, grader, version : str
        Of what this is a check: the run's id, the dataset file's name, the grader's fingerprint; and the
        version of Dry Run that made it. ``""`` if unknown. What is kept with a run, and gets into its
        reports, has no id: who comes by a read-only link may read it, and an id opens the run.
    """

    profile: str
    meaning: str
    findings: tuple[ProbeFinding, ...]
    behaviours: tuple[Behaviour, ...]
    ceiling: float | None
    base: float | None
    partial_credit: bool
    rows: int
    graded: int
    planned: int
    unseen: float
    missing: tuple[str, ...]
    seed: int = 0
    why: str = ""
    run: str = ""
    dataset: str = ""
    grader: str = ""
    version: str = ""
    format: int = 1

    @property
    def sound(self) -> bool:
        """Whether nothing blocks."""
        return self.profile == Profile.SOUND

    @property
    def blocking(self) -> tuple[ProbeFinding, ...]:
        """Findings to mend before training."""
        return tuple(finding for finding in self.findings if finding.weight == Weight.BLOCK)

    @property
    def review(self) -> GraderReview:
        """What enters the verdict: a fault makes a GO one with conditions."""
        blocking = tuple(f"{finding.sentence} Fix: {finding.fix}" for finding in self.blocking)
        return GraderReview(self.profile, blocking, self.profile != Profile.UNKNOWN)

    def to_json(self) -> str:
        """As indented JSON."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_INDENT_2).decode() + "\n"


def load_check(content: str | bytes) -> GraderCheck:
    """Read a check back from its JSON.

    Raises
    ------
    DryRunError
        The content is not a grader check.
    """
    try:
        return GraderCheck.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the top level"
        raise DryRunError(f"This is not a grader check of Dry Run: {first['msg']} (at {where}).") from error


def summed_up(
    probed: Probed, judged: Judged, remarks: Sequence[Remark], missing: Sequence[str], ground: Ground
) -> GraderCheck:
    """Findings with their evidence, the scoreboard, and what was not measured."""
    findings = [_finding(group, probed) for group in _grouped(judged.observations)]
    coding = any(answer is not None and answer.kind is Kind.CODE for answer in ground.answers)
    coding |= 2 * sum(asks_code(text) for text in ground.prompt_texts) > len(ground.prompt_texts)
    unpaid = judged.profile is Profile.UNKNOWN and judged.ceiling is not None and judged.form_unknown
    findings += [_remarked(remark, coding, unpaid) for remark in remarks]
    order = {weight.value: number for number, weight in enumerate(Weight)}
    findings.sort(key=lambda finding: order[finding.weight])
    profile = judged.profile
    if profile is not Profile.UNSAFE and any(
        f.flaw == Flaw.UNSAFE and f.weight == Weight.BLOCK for f in findings
    ):
        profile = Profile.UNSAFE
    blocking = {finding.flaw for finding in findings if finding.weight == Weight.BLOCK}
    if unpaid and Flaw.NO_SIGNAL.value in blocking:
        profile = Profile.NO_SIGNAL
    elif unpaid and Flaw.REJECTS_CORRECT.value in blocking:
        profile = Profile.TOO_STRICT
    unknown = unpaid and profile is Profile.UNKNOWN
    words = UNREFERENCED if not ground.referenced and judged.unseen < 1.0 else PROFILE_WORDS
    return GraderCheck(
        profile=profile.value,
        meaning=FORM_UNKNOWN if unknown else words.get(profile, PROFILE_WORDS[profile]),
        findings=tuple(findings),
        behaviours=judged.behaviours,
        ceiling=judged.ceiling,
        base=judged.base,
        partial_credit=judged.partial,
        rows=len(probed.prompts),
        graded=judged.graded,
        planned=probed.planned,
        unseen=judged.unseen,
        missing=tuple(missing),
        seed=ground.seed,
    )


def _grouped(seen: Sequence[Observation]) -> list[list[Observation]]:
    """Observations of one flaw by one family together, the worst first."""
    groups: dict[tuple[Flaw, Family], list[Observation]] = {}
    for observation in seen:
        groups.setdefault((observation.flaw, observation.family), []).append(observation)
    return list(groups.values())


def _finding(group: Sequence[Observation], probed: Probed) -> ProbeFinding:
    worst = group[0]
    low, high = worst.interval
    case = worst.cases[0] if worst.cases else None
    probe = None if case is None else probed.grades.probes[case]
    score = None if case is None else float(probed.grades.score[case])
    row = None if probe is None else probed.prompts[probe.row].row + 1
    text = "" if probe is None else writable(probe.text)
    return ProbeFinding(
        flaw=worst.flaw.value,
        weight=worst.weight.value,
        family=worst.family.value,
        kind=worst.kind,
        sentence=sentence(worst),
        hits=worst.hits,
        trials=worst.trials,
        low=low,
        high=high,
        row=row,
        text=text[:SHOWN_TEXT],
        score=None if score is None or score != score else score,
        detail="" if case is None else writable(probed.details[case]),
        repro="" if row is None else repro(row, text),
        fix=fix_of(worst),
        also=tuple(
            dict.fromkeys(observation.kind for observation in group[1:] if observation.kind != worst.kind)
        ),
    )


def repro(row: int, text: str) -> str:
    """A command line that grades one text on one row; the files' names are the user's to fill in."""
    shown = text if len(text) <= SHOWN_TEXT else text[:SHOWN_TEXT] + "..."
    shown = shown.replace("\x00", "\\0")
    return f"python -m dryrun grade --grader GRADER --item DATASET --row {row} --text {shlex.quote(shown)}"


_REMARKS: Mapping[Danger, tuple[Flaw, Weight]] = {
    Danger.RUNS_TEXT: (Flaw.UNSAFE, Weight.BLOCK),
    Danger.STARTS_PROGRAMS: (Flaw.UNSAFE, Weight.BLOCK),
    Danger.NETWORK: (Flaw.UNSAFE, Weight.WARN),
    Danger.CHANCE: (Flaw.UNSTABLE, Weight.WARN),
    Danger.CLOCK: (Flaw.UNSTABLE, Weight.WARN),
    Danger.STATE: (Flaw.UNSTABLE, Weight.WARN),
    Danger.HASH: (Flaw.UNSTABLE, Weight.WARN),
    Danger.FIELD: (Flaw.REJECTS_CORRECT, Weight.WARN),
    Danger.BLIND: (Flaw.NO_SIGNAL, Weight.WARN),
}


def _remarked(remark: Remark, coding: bool, unpaid: bool) -> ProbeFinding:
    """A remark as a finding. Where the answers are code, running them may be the point.

    With `unpaid` no right answer was paid in any form: then a field that no row has, or a response that is
    not looked at, is the reason.
    """
    flaw, weight = _REMARKS[remark.danger]
    if unpaid and remark.danger in (Danger.FIELD, Danger.BLIND):
        weight = Weight.BLOCK
    if coding and weight is Weight.BLOCK:
        weight = Weight.WARN
    return ProbeFinding(
        flaw=flaw.value,
        weight=weight.value,
        family="source",
        kind=remark.danger.value,
        sentence=f"The source {remark.danger.value} (line {remark.line}).",
        detail=writable(remark.detail),
        fix=RUN_APART if coding and flaw is Flaw.UNSAFE else FIXES[flaw],
    )


def telling(check: GraderCheck, most: int = 10) -> tuple[list[Behaviour], list[Behaviour]]:
    """What tells most of the scoreboard: right answers that earn least, other answers that earn most.

    Returns
    -------
    right, other : list of Behaviour
        At most `most` of each. Right answers in rising, other answers in falling order of their mean.
    """
    right = [behaviour for behaviour in check.behaviours if behaviour.family in MUST_EARN]
    other = [behaviour for behaviour in check.behaviours if behaviour.family in MUST_NOT_EARN]
    right.sort(key=lambda behaviour: behaviour.mean)
    other.sort(key=lambda behaviour: -behaviour.mean)
    return right[:most], other[:most]
