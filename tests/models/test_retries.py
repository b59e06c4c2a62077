"""When a failed call is tried again: the waits of the one policy there is."""

from __future__ import annotations

import random

import pytest

from dryrun.models.pace import RetryPolicy, announced_pause, asked_wait, seconds_in


def waits(policy: RetryPolicy, **how: bool) -> list[float]:
    """The waits after each failure until the policy gives up."""
    found: list[float] = []
    while (wait := policy.pause(len(found) + 1, **how)) is not None:
        found.append(wait)
    return found


def test_waits_grow_and_end() -> None:
    policy = RetryPolicy(chance=random.Random(0))
    found = waits(policy)
    assert len(found) == policy.retries
    for number, wait in enumerate(found):
        full = min(policy.first * policy.factor**number, policy.longest)
        assert full / 2 <= wait <= full


def test_calls_that_failed_together_do_not_return_together() -> None:
    policy = RetryPolicy()
    assert len({policy.pause(1) for _ in range(20)}) > 10
    assert len({policy.pause(1, 2.0) for _ in range(20)}) > 10


def test_an_endpoint_that_never_answered_is_given_up_soon() -> None:
    policy = RetryPolicy()
    assert len(waits(policy, contacted=False)) == policy.first_contact_retries < policy.retries


def test_never_earlier_than_the_server_asks_and_not_hours_later() -> None:
    policy = RetryPolicy()
    assert all((policy.pause(1, 3.0, taken=60.0) or 0.0) >= 3.0 for _ in range(20))
    assert policy.pause(1, policy.longest_asked + 1) is None


def test_who_waited_until_the_deadline_need_not_wait_again() -> None:
    policy = RetryPolicy()
    assert policy.pause(1, taken=60.0) == 0.0
    assert policy.pause(1, taken=0.01) != 0.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 70.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:10 GMT"}, 0.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_the_wait_a_server_asks_for_in_each_of_its_forms(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert asked_wait(headers, now=30.0) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1.0), ("6m0s", 360.0), ("120ms", 0.12), ("2.5", 2.5), ("", None), ("soon", None), ("1h", 3600.0)],
)
def test_durations_of_rate_limit_headers(text: str, seconds: float | None) -> None:
    assert seconds_in(text) == (seconds if seconds is None else pytest.approx(seconds))


def test_an_answer_that_leaves_nothing_announces_a_pause() -> None:
    headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "250ms"}
    assert announced_pause(headers) == pytest.approx(0.25)
    assert announced_pause(headers | {"x-ratelimit-remaining-tokens": "10"}) is None
    assert announced_pause({}) is None
    assert (
        announced_pause({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1h"}) == 300.0
    )
