"""The number of calls in flight, played through with a clock of its own: no server, no waiting."""

from __future__ import annotations

import asyncio
import random

from dryrun.models.pace import FIRST, Pace, Signal


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def rounds(pace: Pace, clock: Clock, count: int, capacity: int, throttled: float = 0.0) -> list[int]:
    """The limits after each round at a server that works on `capacity` calls at once, 1 s each."""
    chance = random.Random(0)
    limits = []
    for _ in range(count):
        calls = pace.limit
        clock.now += max(1.0, calls / capacity)
        for _ in range(calls):
            pace.in_flight += 1
        for _ in range(calls):
            pace.leave(Signal.THROTTLED if chance.random() < throttled else Signal.CLEAN)
        limits.append(pace.limit)
    return limits


def test_it_doubles_while_the_pace_follows_and_stays_where_it_does_not() -> None:
    clock = Clock()
    pace = Pace(most=512, clock=clock)
    assert pace.limit == FIRST
    limits = rounds(pace, clock, 30, capacity=50)
    assert max(limits) <= 256
    assert 32 <= limits[-1] <= 64
    assert limits[-1] == limits[10]


def test_a_server_with_room_for_all_is_given_the_most() -> None:
    clock = Clock()
    assert rounds(Pace(most=128, clock=clock), clock, 8, capacity=10_000)[-1] == 128


def test_one_call_at_a_time_is_left_at_a_few() -> None:
    clock = Clock()
    assert rounds(Pace(clock=clock), clock, 40, capacity=1)[-1] <= FIRST


def test_a_few_throttled_at_random_leave_it_wide() -> None:
    clock = Clock()
    limits = rounds(Pace(clock=clock), clock, 40, capacity=10_000, throttled=0.1)
    assert sum(limits) / 40 > 32
    assert min(limits) > FIRST


def test_trouble_neither_shrinks_nor_grows_it() -> None:
    pace = Pace(clock=Clock())
    for _ in range(50):
        pace.in_flight += 1
        pace.leave(Signal.TROUBLED)
    assert pace.limit == FIRST


def test_a_fixed_number_stays() -> None:
    clock = Clock()
    pace = Pace(fixed=5, clock=clock)
    assert set(rounds(pace, clock, 20, capacity=100, throttled=0.5)) == {5}


def test_never_more_in_flight_than_the_limit_and_everybody_gets_in() -> None:
    pace = Pace(fixed=3)
    seen: list[int] = []

    async def call() -> None:
        await pace.enter()
        seen.append(pace.in_flight)
        await asyncio.sleep(0)
        pace.leave(Signal.CLEAN)

    async def run() -> None:
        await asyncio.gather(*(call() for _ in range(50)))

    asyncio.run(run())
    assert len(seen) == 50
    assert max(seen) == 3
    assert pace.in_flight == 0


def test_who_is_cancelled_while_waiting_takes_no_place() -> None:
    async def run() -> int:
        pace = Pace(fixed=1)
        await pace.enter()
        waiting = [asyncio.create_task(pace.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        pace.leave(Signal.CLEAN)
        waiting[0].cancel()  # in the same instant as its turn came
        waiting[1].cancel()
        await asyncio.wait_for(waiting[2], 5)
        return pace.in_flight

    assert asyncio.run(run()) == 1


def test_a_throttled_call_holds_back_nobody_and_five_in_a_row_do() -> None:
    clock = Clock()
    pace = Pace(fixed=9, clock=clock)
    for number in range(4):
        pace.in_flight += 1
        pace.leave(Signal.THROTTLED, 30.0)
        assert pace._not_before == 0.0, number
    pace.in_flight += 1
    pace.leave(Signal.THROTTLED, 30.0)
    assert pace._not_before == 30.0


def test_places_are_given_first_come_first_served() -> None:
    """Who has just left and comes again waits behind those who wait already: nobody is overtaken for ever."""

    async def play() -> list[int]:
        pace, served = Pace(2), []

        async def worker(number: int) -> None:
            for _ in range(4):
                await pace.enter()
                served.append(number)
                await asyncio.sleep(0)
                pace.leave(Signal.CLEAN)

        await asyncio.gather(*(worker(number) for number in range(5)))
        assert pace.in_flight == 0
        return served

    served = asyncio.run(play())
    assert len(served) == 20
    for start in range(0, 20, 5):
        assert set(served[start : start + 5]) == set(range(5))


def test_a_place_that_a_cancelled_call_waited_for_or_was_handed_is_not_lost() -> None:
    async def play() -> None:
        pace = Pace(1)
        await pace.enter()
        gone, handed, last = (asyncio.create_task(pace.enter()) for _ in range(3))
        await asyncio.sleep(0)
        gone.cancel()
        pace.leave(Signal.CLEAN)
        handed.cancel()
        await asyncio.gather(gone, handed, return_exceptions=True)
        await asyncio.wait_for(last, 5)
        assert pace.in_flight == 1
        pace.leave(Signal.CLEAN)
        await asyncio.wait_for(pace.enter(), 5)

    asyncio.run(play())


def test_places_that_come_free_together_are_taken_together() -> None:
    """A fast server answers many calls between two turns of the event loop."""

    async def play() -> list[int]:
        pace = Pace(64)
        waiting = [asyncio.create_task(pace.enter()) for _ in range(128)]
        await asyncio.sleep(0)
        for _ in range(64):
            pace.leave(Signal.CLEAN)
        await asyncio.sleep(0)
        return [pace.in_flight, sum(task.done() for task in waiting)]

    assert asyncio.run(play()) == [64, 128]
