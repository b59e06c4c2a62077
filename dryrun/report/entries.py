"""From the judgement to the parts of the report.

What people's labels say, as it stands in the report.
"""

from __future__ import annotations

from dryrun.analysis.figures.agreement import Agreement, Figure, Labelled, Rate
from dryrun.analysis.figures.anchors import junk_means
from dryrun.analysis.figures.pooling import PooledTopic
from dryrun.analysis.figures.signal import SignalIndex
from dryrun.analysis.verdict.document import Diagnosis
from dryrun.analysis.verdict.evidence import Evidence
from dryrun.analysis.verdict.measures import Measures
from dryrun.analysis.verdict.notices import Notice
from dryrun.analysis.verdict.stability import Stability
from dryrun.analysis.verdict.topics import TopicFigures
from dryrun.analysis.verdict.words import Action, Cause
from dryrun.report.fields import (
    ActionEntry,
    AnchorFigures,
    CauseEntry,
    CheckEntry,
    DiagnosisEntry,
    DocumentEntry,
    EvidenceEntry,
    GroupFigures,
    NoticeEntry,
    PeopleFigures,
    PercentileFigures,
    ScoreFigures,
    ShapeFigures,
    SignalFigures,
    StabilityFigures,
    StripEntry,
    TopicEntry,
)


def evidence_entry(found: Evidence, labelled: Labelled | None = None) -> EvidenceEntry | None:
    """What stands beside the document's rule; None where it was asked for alone."""
    if found.document_only:
        return None
    measured, judged, blamed = found.measures, found.attribution, found.blame
    at = measured.scale
    anchored = at is not None or measured.noise is not None or bool(measured.anchors.junk)
    return EvidenceEntry(
        verdict=found.verdict,
        borderline=found.borderline,
        document=DocumentEntry(
            verdict=found.document.verdict,
            dataset_quality=found.document.dataset_quality.value,
            grader_quality=found.document.grader_quality.value,
        ),
        dataset_quality=found.dataset_quality.value,
        grader_quality=found.grader_quality.value,
        pieces=tuple(piece.value for piece in found.pieces),
        left_out=tuple(piece.value for piece in found.thresholds.without),
        stability=_stability(found.stability),
        groups=_groups(measured),
        strip=tuple(
            StripEntry(prompts=one.prompts, mean=one.mean, cells=one.cells, dead=one.dead)
            for one in found.strip
        ),
        signal_index=None if measured.signal is None else _signal(measured.signal),
        anchors=_anchors(measured) if anchored else None,
        shape=_shape(measured),
        blame_grader=blamed.share if blamed else None,
        blame_interval=(blamed.interval.low, blamed.interval.high) if blamed else None,
        problem_topics=tuple(map(writable, found.problem_topics)),
        tags=found.tags,
        sentences=tuple(map(writable, found.sentences)),
        next_step=judged.next_step,
        not_measured=judged.not_measured,
        people=people_figures(found.people, labelled),
    )


def _stability(held: Stability | None) -> StabilityFigures | None:
    if held is None:
        return None
    return StabilityFigures(
        mean=(held.mean.low, held.mean.high),
        std=(held.std.low, held.std.high),
        same_verdict=held.same_verdict,
        same_branch=held.same_branch,
        more_prompts=held.more_prompts,
        draws=held.draws,
    )


def _groups(found: Measures) -> GroupFigures | None:
    spread = found.groups
    if spread is None:
        return None
    shown = found.learnable_shown
    usable, learnable = spread.usable_interval, spread.learnable_interval
    return GroupFigures(
        prompts=spread.prompts,
        rollouts=spread.rollouts,
        within_std=spread.within,
        between_std=spread.between,
        icc=spread.icc,
        usable=spread.usable,
        usable_interval=(usable.low, usable.high),
        cost_factor=spread.cost_factor,
        group=spread.group,
        extrapolated=spread.extrapolated,
        learnable=spread.learnable if shown else None,
        learnable_interval=(learnable.low, learnable.high) if shown else None,
        all_right=spread.all_right,
        all_wrong=spread.all_wrong,
    )


def _signal(found: SignalIndex) -> SignalFigures:
    return SignalFigures(
        value=found.value,
        usable=found.usable,
        reliability=found.reliability,
        range=found.range,
        weakest=found.weakest,
    )


def _anchors(found: Measures) -> AnchorFigures:
    at = found.scale
    return AnchorFigures(
        reference=at.ceiling if at else None,
        reformatted=at.reformatted if at else None,
        from_stronger_model=at.stand_in if at else False,
        junk=at.floor if at else None,
        junk_name=writable(at.floor_name) if at else "",
        junk_median=at.floor_median if at else None,
        junk_kinds={writable(name): mean for name, mean in junk_means(found.anchors.junk).items()},
        broken_references=at.broken if at else None,
        regrade_std=found.noise,
        reliability=found.reliability,
    )


def _shape(found: Measures) -> ShapeFigures | None:
    bias, levels = found.length, found.resolution
    if bias is None and levels is None:
        return None
    return ShapeFigures(
        length_correlation=bias.correlation if bias else None,
        length_within=bias.within if bias else None,
        distinct=levels.distinct if levels else 0,
        modal_share=levels.modal_share if levels else None,
        effective_levels=levels.effective_levels if levels else None,
    )


def score_figures(found: Diagnosis) -> ScoreFigures:
    """The figures of all scores."""
    figures, parts = found.statistics, found.statistics.percentiles
    return ScoreFigures(
        mean=figures.mean,
        std=figures.std,
        min=figures.min,
        max=figures.max,
        median=figures.median,
        percentiles=PercentileFigures(
            p10=parts.p10 if parts else None,
            p25=parts.p25 if parts else None,
            p75=parts.p75 if parts else None,
            p90=parts.p90 if parts else None,
        ),
        floor_share=figures.floor_share,
        ceiling_share=figures.ceiling_share,
        distinct_scores=figures.distinct,
        bimodality_ratio=figures.bimodality,
    )


def topic_entry(topic: TopicFigures, pooled: PooledTopic | None) -> TopicEntry:
    """One topic: the document's figures and status, beside it what pooling says of it."""
    return TopicEntry(
        mean=topic.mean,
        std=topic.std,
        count=topic.count,
        status=topic.status.value if topic.status else None,
        prompts=topic.prompts,
        missing=topic.missing,
        problem=topic.problem.value if topic.problem else None,
        note=topic.note,
        evidence=(pooled.evidence or None) if pooled else None,
        pooled=pooled.pooled if pooled else None,
        interval=(pooled.low, pooled.high) if pooled else None,
    )


def diagnosis_entry(found: Evidence) -> DiagnosisEntry:
    """The conclusion under the document's names: by its tree, and by the evidence that entered."""
    document = found.document
    return DiagnosisEntry(
        dataset_quality=found.dataset_quality.value,
        grader_quality=found.grader_quality.value,
        verdict=found.verdict,
        warnings=tuple(writable(notice.sentence) for notice in found.warnings),
        recommendations=tuple(writable(action.sentence) for action in found.actions),
        summary=writable(found.summary),
        reasons=tuple(_notice(notice) for notice in document.reasons),
        pattern=document.pattern.value if document.pattern else None,
        dataset_word=found.dataset_line.word,
        dataset_sentence=found.dataset_line.sentence,
        grader_word=found.grader_line.word,
        grader_sentence=found.grader_line.sentence,
        causes=tuple(_cause(cause) for cause in found.causes),
        checks=tuple(
            CheckEntry(
                metric=check.metric,
                value=check.value,
                range=check.range,
                ok=check.ok,
                meaning=check.meaning,
                note=check.note,
            )
            for check in document.checks
        ),
        warning_details=tuple(_notice(notice) for notice in found.warnings),
        actions=tuple(_action(action) for action in found.actions),
    )


def _notice(notice: Notice) -> NoticeEntry:
    return NoticeEntry(
        code=notice.code.value,
        sentence=writable(notice.sentence),
        value=notice.value,
        limit=notice.limit,
        topic=None if notice.topic is None else writable(notice.topic),
    )


def _action(action: Action) -> ActionEntry:
    topic = None if action.topic is None else writable(action.topic)
    return ActionEntry(kind=action.kind.value, sentence=writable(action.sentence), topic=topic)


def _cause(cause: Cause) -> CauseEntry:
    return CauseEntry(part=cause.part.value, title=cause.title, effect=cause.effect, solution=cause.solution)


def writable(text: str) -> str:
    """`text` with what UTF-8 cannot say (lone surrogates) replaced, so that it can be written."""
    return text.encode("utf-8", "replace").decode()


def people_figures(found: Agreement | None, labelled: Labelled | None) -> PeopleFigures | None:
    """The figures, or None where nobody labelled."""
    if found is None or labelled is None:
        return None
    return PeopleFigures(
        labels=found.labels,
        good=found.good,
        people=labelled.people,
        unsure=labelled.unsure,
        disputed=labelled.disputed,
        share_good=found.share_good,
        kappa=found.kappa.value if found.kappa else None,
        kappa_interval=_interval(found.kappa),
        auc=found.auc.value if found.auc else None,
        auc_interval=_interval(found.auc),
        false_reject=_rate(found.false_reject),
        false_accept=_rate(found.false_accept),
    )


def _interval(figure: Figure | None) -> tuple[float, float] | None:
    if figure is None or figure.low is None or figure.high is None:
        return None
    return figure.low, figure.high


def _rate(rate: Rate | None) -> tuple[float, float, float] | None:
    return None if rate is None else (rate.share, rate.low, rate.high)
