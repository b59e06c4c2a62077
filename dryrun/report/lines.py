"""Evidence, the grader check and the outcomes of the responses in sentences, as plain text."""

from __future__ import annotations

from collections.abc import Iterator

from dryrun.core.text import percent, plural
from dryrun.probes.result import GraderCheck
from dryrun.report.fields import EvidenceEntry, Report

ANCHORS_TITLE = "What the grader pays for right answers, the model's, and junk"


def evidence_lines(evidence: EvidenceEntry) -> list[str]:
    """What was measured beside the scores, and which pieces of evidence entered."""
    lines = [
        *_sampling(evidence),
        *_grouped(evidence),
        *_anchored(evidence),
        f"Entered: {', '.join(evidence.pieces)}".replace("_", " ") + ".",
    ]
    if evidence.left_out:
        lines.append(f"Left out by choice: {', '.join(evidence.left_out)}".replace("_", " ") + ".")
    return lines


def check_lines(check: GraderCheck | None) -> list[str]:
    """What probing the grader found, the worst first; nothing where it was not probed."""
    if check is None:
        return []
    lines = [f"{check.profile.capitalize()}. {check.meaning} {plural(check.graded, 'grade')}."]
    for finding in check.findings:
        where = "" if finding.row is None else f" First in row {finding.row}."
        lines.append(f"{finding.sentence}{where} Fix: {finding.fix}")
    return lines + [f"Not seen: {one}." for one in check.missing]


def _sampling(evidence: EvidenceEntry) -> Iterator[str]:
    held = evidence.stability
    if held is not None:
        same = round(held.same_verdict * held.draws)
        yield (
            f"{held.draws:,} bootstrap samples of the prompts: mean {_span(held.mean)}, "
            f"std {_span(held.std)} (95 %), the same verdict in {same:,} of them."
        )


def _grouped(evidence: EvidenceEntry) -> Iterator[str]:
    found, index = evidence.groups, evidence.signal_index
    if found is not None:
        about = ", extrapolated" if found.extrapolated else ""
        yield (
            f"{percent(found.usable)} of groups of {found.group} would carry signal "
            f"({_span(found.usable_interval, share=True)}{about}); {percent(found.all_wrong)} of prompts "
            f"always score 0, {percent(found.all_right)} always 1."
        )
        yield (
            f"Spread within prompts {found.within_std:.2f}, between prompts {found.between_std:.2f}, "
            f"ICC {found.icc:.2f}."
        )
        if found.learnable is not None and found.learnable_interval is not None:
            span = _span(found.learnable_interval, share=True)
            yield f"Learnable (mean between 0.1 and 0.9): {percent(found.learnable)} of prompts ({span})."
    if index is not None:
        yield (
            f"Signal Index {index.value:.2f} = usable {index.usable:.2f} x reliability "
            f"{index.reliability:.2f} x range {index.range:.2f}; weakest: {index.weakest}."
        )


def _anchored(evidence: EvidenceEntry) -> Iterator[str]:
    at = evidence.anchors
    if at is not None and at.reference is not None:
        junk = "" if at.junk_median is None else f", worthless ones {at.junk_median:.2f}"
        who = "A stronger model's best responses" if at.from_stronger_model else "Reference answers"
        yield f"{who} score {at.reference:.2f}{junk}."
    if at is not None and at.regrade_std is not None:
        yield f"The same response graded again moves by {at.regrade_std:.2f}."
    if evidence.blame_grader is not None and evidence.blame_interval is not None:
        span = _span(evidence.blame_interval, share=True)
        yield f"The grader's share of the blame: {evidence.blame_grader:.0%} ({span})."


def _span(pair: tuple[float, float], *, share: bool = False) -> str:
    low, high = pair
    return f"{100 * low:.0f}-{100 * high:.0f} %" if share else f"{low:.2f}-{high:.2f}"


def outcome_lines(report: Report) -> Iterator[str]:
    """How many responses there are, and what became of them."""
    yield f"{plural(report.responses, 'response')} in all, {report.responses_evaluated:,} with a score"
    for outcome, count in report.outcomes.items():
        if count:
            yield f"{outcome}: {count:,}"
    counts = (
        ("without a grade", report.missing),
        ("scores outside the grader's scale", report.out_of_range),
        ("grades with a grader error", report.grader_errors),
        ("drawn rows that repeat another", report.duplicate_rows),
    )
    yield from (f"{what}: {count:,}" for what, count in counts if count)
