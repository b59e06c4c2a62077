"""What the page of a live run says of its pace."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dryrun.app.run.growth import Growth
from dryrun.app.run.progress import failed_calls, running_mean_words, slow_words, time_left
from dryrun.app.shared import jobs
from dryrun.core.records import RunState
from dryrun.core.thresholds import Thresholds
from dryrun.models.silence import WAITING
from dryrun.store.runs import RunStatus

QUIET = RunStatus(
    RunState.RUNNING,
    total=120,
    sampled=30,
    answers=30,
    prompt_tokens=5_300,
    completion_tokens=250,
    seconds=8.0,
)


def test_a_busy_machine_is_named_with_the_minutes_left() -> None:
    said = slow_words(replace(QUIET, seconds=100.0))
    assert said is not None
    assert said.startswith("Slower than usual: about 5 min at this pace.")


def test_the_usual_pace_the_first_answers_and_a_short_rest_are_not_worth_a_word() -> None:
    assert slow_words(QUIET) is None
    assert slow_words(replace(QUIET, seconds=100.0, answers=3)) is None
    assert slow_words(replace(QUIET, seconds=100.0, sampled=110)) is None


def test_slow_answers_tell_the_time_that_is_left() -> None:
    slow = replace(QUIET, answers=16, sampled=16, seconds=40.0)
    assert time_left(slow) == ("4 m 20 s", "24.0 / min"), "no answer came in the last seconds"
    assert time_left(replace(slow, rate=1.6)) == ("4 m 20 s", "24.0 / min"), "16 at once are no pace"
    assert time_left(replace(slow, rate=8.0)) == ("13 s", "8.0 / s")
    assert time_left(replace(slow, answers=0, sampled=0)) == ("–", "no answer yet")
    assert time_left(replace(slow, sampled=120)) == ("–", "all responses are in")
    assert time_left(replace(slow, message=f"{WAITING} it is gone.")) == ("–", "nothing is answered")


def test_calls_that_failed_count_whether_they_were_tried_again_or_ended_the_run() -> None:
    assert failed_calls(replace(QUIET, attempts=30)) == 0
    assert failed_calls(replace(QUIET, attempts=33)) == 3, "tried again"
    assert failed_calls(replace(QUIET, attempts=33, answers=33, failed=3)) == 3, "and given up"
    assert failed_calls(replace(QUIET, attempts=3, answers=0, sampled=0)) == 3, "it was never reached"
    assert failed_calls(QUIET) == 0, "a model on this machine counts no calls"


def test_calls_that_all_fail_are_said_before_the_engine_gives_up_on_them() -> None:
    def words(**changed: Any) -> str:
        return running_mean_words(Growth(), Thresholds(), replace(QUIET, **{"sampled": 0, **changed}))

    assert words(attempts=0, answers=0).endswith("the first scores are on their way.")
    assert words(attempts=1, answers=0) == "No call has been answered yet: 1 call failed, and is tried again."
    assert words(attempts=4, answers=2, failed=2) == "No call has been answered yet: 4 calls failed."
    assert words(attempts=4, answers=1, sampled=1).endswith("the first scores are on their way."), (
        "not graded"
    )


def test_a_page_is_out_of_date_once_the_run_has_begun_or_ended() -> None:
    ended = replace(QUIET, state=RunState.CANCELLED, updated=1.0)
    assert not jobs.turned(QUIET, replace(QUIET, updated=2.0)), "a live run is followed in place"
    assert jobs.turned(ended, QUIET)
    assert jobs.turned(QUIET, ended)
    assert jobs.turned(ended, replace(ended, updated=2.0)), "begun and ended between two looks"
    assert not jobs.turned(ended, ended)


def test_figures_are_out_of_date_at_the_first_scores_and_at_twice_as_many() -> None:
    def drawn_again(before: int, now: int) -> bool:
        return jobs.outgrown(replace(QUIET, graded=before), replace(QUIET, graded=now))

    assert [drawn_again(0, now) for now in (0, 7, 8)] == [False, False, True]
    assert [drawn_again(20, now) for now in (20, 39, 40)] == [False, False, True]
    assert jobs.outgrown(QUIET, replace(QUIET, state=RunState.CANCELLED)), "and at the end"
