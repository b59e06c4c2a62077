"""The window of calls in flight, played through with a clock of its own: no server, no waiting."""

from __future__ import annotations

import asyncio
import random

import pytest

from dryrun.models.window import FIRST, Signal, Window, announced_pause, seconds_in


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def rounds(window: Window, clock: Clock, count: int, capacity: int, throttled: float = 0.0) -> list[int]:
    """The limits after each round at a server that works on `capacity` calls at once, 1 s each."""
    chance = random.Random(0)
    limits = []
    for _ in range(count):
        calls = window.limit
        clock.now += max(1.0, calls / capacity)
        for _ in range(calls):
            window.in_flight += 1
        for _ in range(calls):
            window.leave(Signal.THROTTLED if chance.random() < throttled else Signal.CLEAN)
        limits.append(window.limit)
    return limits


def test_it_doubles_while_the_pace_follows_and_stays_where_it_does_not() -> None:
    clock = Clock()
    window = Window(most=512, clock=clock)
    assert window.limit == FIRST
    limits = rounds(window, clock, 30, capacity=50)
    assert max(limits) <= 256
    assert 32 <= limits[-1] <= 64
    assert limits[-1] == limits[10]


def test_a_server_with_room_for_all_is_given_the_most() -> None:
    clock = Clock()
    assert rounds(Window(most=128, clock=clock), clock, 8, capacity=10_000)[-1] == 128


def test_one_call_at_a_time_is_left_at_a_few() -> None:
    clock = Clock()
    assert rounds(Window(clock=clock), clock, 40, capacity=1)[-1] <= FIRST


def test_throttled_calls_shrink_it_in_proportion() -> None:
    clock = Clock()
    window = Window(clock=clock)
    rounds(window, clock, 3, capacity=10_000)
    wide = window.limit
    assert rounds(window, clock, 1, capacity=10_000, throttled=1.0)[-1] == wide // 2
    assert rounds(window, clock, 150, capacity=10_000, throttled=1.0)[-1] == 1
    assert rounds(window, clock, 100, capacity=10_000)[-1] in range(3, 24)  # one more a round of 24


def test_random_throttling_of_one_in_ten_leaves_it_wide() -> None:
    clock = Clock()
    window = Window(clock=clock)
    limits = rounds(window, clock, 200, capacity=10_000, throttled=0.1)
    assert sum(limits[:40]) / 40 > 32
    assert min(limits) >= 8


def test_trouble_neither_shrinks_nor_grows_it() -> None:
    window = Window(clock=Clock())
    for _ in range(50):
        window.in_flight += 1
        window.leave(Signal.TROUBLED)
    assert window.limit == FIRST


def test_a_fixed_number_stays() -> None:
    clock = Clock()
    window = Window(fixed=5, clock=clock)
    assert set(rounds(window, clock, 20, capacity=100, throttled=0.5)) == {5}


def test_never_more_in_flight_than_the_limit_and_everybody_gets_in() -> None:
    window = Window(fixed=3)
    seen: list[int] = []

    async def call() -> None:
        await window.enter()
        seen.append(window.in_flight)
        await asyncio.sleep(0)
        window.leave(Signal.CLEAN)

    async def run() -> None:
        await asyncio.gather(*(call() for _ in range(50)))

    asyncio.run(run())
    assert len(seen) == 50
    assert max(seen) == 3
    assert window.in_flight == 0


def test_who_is_cancelled_while_waiting_takes_no_place() -> None:
    async def run() -> int:
        window = Window(fixed=1)
        await window.enter()
        waiting = [asyncio.create_task(window.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        window.leave(Signal.CLEAN)
        waiting[0].cancel()  # in the same instant as its turn came
        waiting[1].cancel()
        await asyncio.wait_for(waiting[2], 5)
        return window.in_flight

    assert asyncio.run(run()) == 1


def test_a_throttled_call_holds_back_nobody_and_five_in_a_row_do() -> None:
    clock = Clock()
    window = Window(fixed=9, clock=clock)
    for number in range(4):
        window.in_flight += 1
        window.leave(Signal.THROTTLED, 30.0)
        assert window._not_before == 0.0, number
    window.in_flight += 1
    window.leave(Signal.THROTTLED, 30.0)
    assert window._not_before == 30.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1.0), ("6m0s", 360.0), ("120ms", 0.12), ("2.5", 2.5), ("", 0.0), ("soon", 0.0), ("1h", 300.0)],
)
def test_durations_of_rate_limit_headers(text: str, seconds: float) -> None:
    assert seconds_in(text) == pytest.approx(min(seconds, 300.0))


def test_an_answer_that_leaves_nothing_announces_a_pause() -> None:
    headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "250ms"}
    assert announced_pause(headers) == pytest.approx(0.25)
    assert announced_pause(headers | {"x-ratelimit-remaining-tokens": "10"}) is None
    assert announced_pause({}) is None


def test_places_are_given_first_come_first_served() -> None:
    """Who has just left and comes again waits behind those who wait already: nobody is overtaken for ever."""

    async def play() -> list[int]:
        window, served = Window(2), []

        async def worker(number: int) -> None:
            for _ in range(4):
                await window.enter()
                served.append(number)
                await asyncio.sleep(0)
                window.leave(Signal.CLEAN)

        await asyncio.gather(*(worker(number) for number in range(5)))
        assert window.in_flight == 0
        return served

    served = asyncio.run(play())
    assert len(served) == 20
    for start in range(0, 20, 5):
        assert set(served[start : start + 5]) == set(range(5))


def test_a_place_that_a_cancelled_call_waited_for_or_was_handed_is_not_lost() -> None:
    async def play() -> None:
        window = Window(1)
        await window.enter()
        gone, handed, last = (asyncio.create_task(window.enter()) for _ in range(3))
        await asyncio.sleep(0)
        gone.cancel()
        window.leave(Signal.CLEAN)
        handed.cancel()
        await asyncio.gather(gone, handed, return_exceptions=True)
        await asyncio.wait_for(last, 5)
        assert window.in_flight == 1
        window.leave(Signal.CLEAN)
        await asyncio.wait_for(window.enter(), 5)

    asyncio.run(play())
