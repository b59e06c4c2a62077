"""Window and retry policy together against servers that throttle, in time that does not pass."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Iterator

import pytest

from dryrun.models.retries import RetryPolicy
from dryrun.models.window import Signal, Window

LATENCY = 0.05


class TimelessSelector(selectors.SelectSelector):
    """Waits for nothing: its clock jumps ahead by the seconds it should wait."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None:
            self.now += timeout
        return super().select(None if timeout is None else 0)


class TimelessLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next thing to do."""

    def __init__(self) -> None:
        self.selector = TimelessSelector()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.now


class Bucket:
    """Lets through `rate` calls a second, `burst` at once."""

    def __init__(self, rate: float, burst: float = 10.0) -> None:
        self.rate, self.burst, self.level, self.at = rate, burst, burst, 0.0

    def __call__(self, now: float) -> bool:
        self.level, self.at = min(self.burst, self.level + (now - self.at) * self.rate), now
        passed = self.level >= 1
        self.level -= passed
        return passed


class Played:
    """What a run of `count` samples came to."""

    def __init__(self, count: int, lets_through: Callable[[float], bool], fixed: int | None = None) -> None:
        self.loop = TimelessLoop()
        self.window = Window(fixed, clock=self.loop.time)
        self.policy = RetryPolicy(chance=random.Random(1))
        self.lets_through = lets_through
        self.calls = self.answered = self.given_up = 0
        todo = iter(range(count))
        self.loop.run_until_complete(self._all(todo))
        self.seconds = self.loop.time()
        self.loop.close()

    async def _all(self, todo: Iterator[int]) -> None:
        workers = self.window.most + self.window.most // 2
        await asyncio.gather(*(self._worker(todo) for _ in range(workers)))

    async def _worker(self, todo: Iterator[int]) -> None:
        for _ in todo:
            await self._sample()

    async def _sample(self) -> None:
        for failures in range(1, 100):
            await self.window.enter()
            await asyncio.sleep(LATENCY)
            self.calls += 1
            passed = self.lets_through(self.loop.time())
            self.window.leave(Signal.CLEAN if passed else Signal.THROTTLED)
            if passed:
                self.answered += 1
                return
            pause = self.policy.pause(failures, throttled=True, taken=LATENCY)
            if pause is None:
                self.given_up += 1
                return
            await asyncio.sleep(pause)


@pytest.mark.parametrize("fixed", [None, 64])
@pytest.mark.parametrize("rate", [0.5, 2.0, 10.0])
def test_a_server_that_lets_few_calls_through_and_names_no_wait_loses_none(
    rate: float, fixed: int | None
) -> None:
    played = Played(200, Bucket(rate), fixed)
    assert (played.answered, played.given_up) == (200, 0)
    assert played.calls <= 3 * 200
    assert played.seconds <= 1.5 * 200 / rate


@pytest.mark.parametrize("fixed", [None, 64])
def test_three_in_ten_throttled_at_random_lose_none(fixed: int | None) -> None:
    chance = random.Random(0)
    played = Played(2000, lambda _: chance.random() > 0.3, fixed)
    assert (played.answered, played.given_up) == (2000, 0)


@pytest.mark.parametrize("share", [0.5, 0.6, 0.7])
@pytest.mark.parametrize("seed", range(4))
def test_most_throttled_at_random_is_not_taken_for_a_slow_server(share: float, seed: int) -> None:
    """A gap between calls brings nothing there; it once grew until 400 samples took hours."""
    chance, same = random.Random(seed), random.Random(seed)
    played = Played(400, lambda _: chance.random() > share)
    fixed = Played(400, lambda _: same.random() > share, 64)
    assert played.answered >= 390
    assert played.seconds <= 4 * fixed.seconds


def test_one_in_ten_throttled_at_random_costs_less_than_twice_the_clean_time() -> None:
    chance = random.Random(0)
    clean = Played(2000, lambda _: True).seconds
    assert Played(2000, lambda _: chance.random() > 0.1).seconds < 2 * clean
