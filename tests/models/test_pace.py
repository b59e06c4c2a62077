"""The pace of calls against servers that throttle, in time that does not pass."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Iterator

import pytest

from dryrun.models.pace import Pace, Signal

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
    """What a run of `count` samples came to; `at` when each call ended."""

    def __init__(
        self,
        count: int,
        lets_through: Callable[[float], bool],
        fixed: int | None = None,
        refused: Signal = Signal.THROTTLED,
    ) -> None:
        self.loop = TimelessLoop()
        self.pace = Pace(fixed, clock=self.loop.time)
        self.lets_through, self.refused = lets_through, refused
        self.calls = self.answered = 0
        self.at: list[float] = []
        todo = iter(range(count))
        self.loop.run_until_complete(self._all(todo))
        self.seconds = self.loop.time()
        self.loop.close()

    async def _all(self, todo: Iterator[int]) -> None:
        workers = self.pace.most + self.pace.most // 2
        await asyncio.gather(*(self._worker(todo) for _ in range(workers)))

    async def _worker(self, todo: Iterator[int]) -> None:
        for _ in todo:
            await self._sample()

    async def _sample(self) -> None:
        passed = False
        while not passed:
            await self.pace.enter()
            await asyncio.sleep(LATENCY)
            self.calls += 1
            self.at.append(self.loop.time())
            passed = self.lets_through(self.loop.time())
            self.pace.leave(Signal.CLEAN if passed else self.refused)
        self.answered += 1


@pytest.mark.parametrize("fixed", [None, 64])
@pytest.mark.parametrize("rate", [0.5, 2.0, 10.0, 50.0])
def test_a_server_that_limits_the_rate_is_asked_little_more_than_it_lets_through(
    rate: float, fixed: int | None
) -> None:
    played = Played(400, Bucket(rate), fixed)
    assert played.answered == 400
    assert played.calls <= 2 * 400
    assert played.seconds <= 1.3 * 400 / rate


class Slots:
    """Takes `count` calls at once, and throttles the others."""

    def __init__(self, count: int) -> None:
        self.busy: list[float] = []
        self.count = count

    def __call__(self, now: float) -> bool:
        self.busy = [until for until in self.busy if until > now]
        passed = len(self.busy) < self.count
        self.busy += [now + 1.0] * passed
        return passed


def test_a_server_that_limits_the_calls_at_once_is_kept_busy() -> None:
    played = Played(400, Slots(4))
    assert played.answered == 400
    assert played.calls <= 3 * 400
    assert played.seconds <= 2 * 400 / 4


@pytest.mark.quick_cases(8)
@pytest.mark.parametrize("fixed", [None, 64])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.6, 0.7, 0.9])
@pytest.mark.parametrize("seed", range(4))
def test_throttling_at_random_is_not_taken_for_a_slow_server(
    share: float, seed: int, fixed: int | None
) -> None:
    """Slower calls bring nothing there; a gap between calls once grew until 400 samples took hours."""
    chance = random.Random(seed)
    played = Played(400, lambda _: chance.random() > share, fixed)
    assert played.answered == 400
    assert played.seconds <= (30 if share < 0.9 else 300)


def test_one_in_ten_throttled_at_random_costs_less_than_twice_the_clean_time() -> None:
    chance = random.Random(0)
    clean = Played(2000, lambda _: True).seconds
    assert Played(2000, lambda _: chance.random() > 0.1).seconds < 2 * clean


def test_a_server_that_recovers_is_asked_at_full_speed_again() -> None:
    limited = Bucket(2.0)
    played = Played(2000, lambda now: now > 60 or limited(now))
    assert played.answered == 2000
    assert played.seconds <= 60 + 120


@pytest.mark.parametrize("fixed", [None, 1, 64])
def test_an_endpoint_that_is_down_is_asked_now_and_then_and_at_full_speed_when_it_is_back(
    fixed: int | None,
) -> None:
    dead = (0.5, 30.5)
    played = Played(4000, lambda now: not dead[0] <= now < dead[1], fixed, Signal.TROUBLED)
    assert played.answered == 4000
    meanwhile = sum(dead[0] + 1 <= at < dead[1] for at in played.at)
    assert 20 <= meanwhile <= 100
    first = next(at for at in played.at if at >= dead[1])
    assert first <= dead[1] + 1
    width = fixed or 64
    assert sum(first < at <= first + 1 for at in played.at) >= width / LATENCY / 2


def test_faults_between_answers_hold_up_nobody() -> None:
    chance = random.Random(0)
    clean = Played(2000, lambda _: True, 64).seconds
    faulty = Played(2000, lambda _: chance.random() > 0.3, 64, Signal.TROUBLED)
    assert faulty.answered == 2000
    assert faulty.seconds < 2 * clean
