"""What the page of a live run says of its pace."""

from __future__ import annotations

from dataclasses import replace

from dryrun.app.run.progress import slow_words
from dryrun.core.records import RunState
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
