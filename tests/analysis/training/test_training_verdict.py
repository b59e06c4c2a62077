"""What training is paid for, in the verdict, its warnings and its sentences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.observations import Observations, several_parts
from dryrun.analysis.training.record import Training, training_of
from dryrun.analysis.training.words import part_name, training_lines
from dryrun.analysis.verdict.evidence import Evidence, diagnose_with_evidence
from dryrun.analysis.verdict.tree import NoticeCode
from dryrun.analysis.verdict.words import GraderQuality
from dryrun.core.thresholds import Piece, Thresholds
from dryrun.report import Report, build_report, render_html, render_markdown
from tests.analysis.training.shaped import shaped_run

RIGHT, JUNK = np.full(60, 1.0), {"empty": np.full(60, 0.0)}


def judged(observed: Observations, limits: Thresholds | None = None) -> Evidence:
    anchors = Anchors(reference=RIGHT, junk=JUNK, regraded=np.full((60, 2), 0.5))
    return diagnose_with_evidence(observed, anchors, limits, training=training_of(observed))


def codes(found: Evidence) -> set[NoticeCode]:
    return {notice.code for notice in found.warnings}


def test_shaping_that_unlearns_blocks() -> None:
    found = judged(shaped_run())
    assert (found.verdict, found.grader_quality) == ("NO-GO", GraderQuality.UNLEARNS)
    assert any("away from right answers" in sentence for sentence in (found.summary, *found.sentences))
    assert NoticeCode.MOSTLY_SHAPING not in codes(found)


def test_shaping_without_harm_warns_and_is_a_condition() -> None:
    found = judged(shaped_run(need=0.0))
    assert found.verdict == "GO"
    assert NoticeCode.MOSTLY_SHAPING in codes(found)
    assert "mostly_shaping" in {condition.code for condition in found.conditions}


def test_the_signal_index_counts_groups_by_the_outcome() -> None:
    found = judged(shaped_run(need=0.0)).measures.signal
    assert found is not None
    assert 0.1 < found.usable < 0.35
    assert found.on_reward > 3 * found.value


def test_left_out_groups_leave_the_training_out() -> None:
    found = judged(shaped_run(), Thresholds(without=(Piece.GROUPS,)))
    assert (found.verdict, found.measures.training) == ("GO", None)


def test_a_reward_of_several_parts_is_not_called_binary() -> None:
    right = np.tile([0.0, 1.0], (60, 2))
    parts = {"right": right, "form": right[:, ::-1]}
    plain = Observations.of(right)
    several = Observations.of(right, parts=parts)
    assert several_parts(several)
    assert not several_parts(Observations.of(right, parts={"score": right, "acc": right}))
    assert NoticeCode.BINARY in codes(judged(plain))
    assert NoticeCode.BINARY not in codes(judged(several))
    assert judged(several).grader_quality is not GraderQuality.BINARY


@pytest.mark.slow
def test_the_report_holds_the_record_and_reads_it_back() -> None:
    observed = shaped_run()
    topics = np.where(observed.prompt < 100, "a|<b>", "b").astype(object)
    found = training_of(replace(observed, topic=topics))
    report = build_report(observed, training=found)
    read = Report.model_validate_json(report.to_json())
    assert isinstance(read.training, Training)
    assert read.training == found
    for text in (render_markdown(report), render_html(report)):
        assert "What training is paid for" in text
        assert "differ in the outcome" in text
        assert "pass@256" in text
        assert "<b>" not in text.replace("`a¦<b>`", "")


def test_names_that_grader_code_made_are_no_markup() -> None:
    assert part_name("<b>[x](y)`") == "?b??x??y??"
    observed = shaped_run()
    named = replace(observed, parts={"acc": observed.parts["right"], "<i>": observed.parts["short"]})
    assert "<" not in "".join(training_lines(training_of(named), Thresholds()))


def test_of_many_parts_a_few_are_named() -> None:
    observed = shaped_run()
    training = training_of(
        replace(observed, parts=dict.fromkeys(map(str, range(12)), observed.parts["right"]))
    )
    lines = training_lines(training, Thresholds())
    named = next(line for line in lines if "It could also be" in line)
    assert named.endswith('or "3" or 8 more.')
    pulls = [line for line in lines if "pull towards" in line]
    assert len(pulls) == len(training.harmful) + 1
    assert pulls[-1].endswith('higher scores of "3" and 8 more: no harm shown.')
