"""A plain Python function as a grader: the seam for rewards that live in the caller's own process."""

from __future__ import annotations

import copy
import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter, thread_time
from types import FrameType
from typing import Any, Self

from dryrun.core.records import Grade, Item, Sample
from dryrun.graders.format.template import sample_fields
from dryrun.graders.protocol import NO_SAMPLE, GradeError, Grader, graded, graded_zero

WAITS = 10.0
"""A function that takes this many times its computing is one that waits, as for a network."""
ALARMS: tuple[tuple[signal.Signals, int, float], ...] = (
    ((signal.SIGPROF, signal.ITIMER_PROF, 1.0), (signal.SIGALRM, signal.ITIMER_REAL, WAITS))
    if hasattr(signal, "setitimer")
    else ()
)
"""Signal, timer, and how many times the seconds of a grade it waits: of computing, and by the clock."""
Function = Callable[[Any, Any], object]


class FunctionGrader(Grader):
    """Grades by calling a function here, in this process, with no sandbox: for code that is trusted.

    Parameters
    ----------
    function : callable
        ``grade(sample, item)`` as OpenAI's python graders have it.
    timeout : float
        Seconds of computing that one grade may take, and ten times that by the clock. It holds in the
        main thread of a POSIX system, once the grader is open; elsewhere the function runs to its end.
    """

    def __init__(self, function: Function, timeout: float = 2.0) -> None:
        self._function = function
        self._timeout = timeout
        self._before: list[Any] = []

    async def __aenter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = [signal.signal(number, _ring) for number, _, _ in ALARMS]
        return self

    async def __aexit__(self, *reason: object) -> None:
        for (number, _, _), handler in zip(ALARMS, self._before, strict=False):
            signal.signal(number, handler)
        self._before = []

    async def grade(self, sample: Sample, item: Item) -> Grade:
        """The grade of one sample. What the function raises makes 0 with an error, as in the sandbox."""
        if not sample.gradable:
            return NO_SAMPLE
        row = copy.deepcopy(dict(item))
        wall, computed = perf_counter(), thread_time()
        try:
            with self._limited():
                value = self._function(sample_fields(sample), row)
        except (Exception, SystemExit, GeneratorExit, _TooLongError) as error:
            seconds = _own_seconds(perf_counter() - wall, thread_time() - computed)
            if not isinstance(error, _TooLongError):
                return graded_zero(GradeError.PYTHON_RUNTIME, f"{type(error).__name__}: {error}", seconds)
            words = f"grade did not return within {self._timeout:g} seconds"
            return graded_zero(GradeError.PYTHON_RUNTIME, words, max(seconds, self._timeout))
        return _checked(value, _own_seconds(perf_counter() - wall, thread_time() - computed))

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """Alarms as long as it lasts, where alarms work."""
        if not self._before:
            yield
            return
        if signal.getsignal(signal.SIGALRM) is not _ring:  # a function has alarms of its own and left them
            signal.signal(signal.SIGALRM, _ring)
        for _, timer, times in ALARMS:
            signal.setitimer(timer, times * self._timeout)
        try:
            yield
        finally:
            for _, timer, _ in ALARMS:
                signal.setitimer(timer, 0.0)


class _TooLongError(BaseException):
    """The function did not return in time. No `Exception`, which a grader might catch."""


def _ring(number: int, frame: FrameType | None) -> None:
    raise _TooLongError


def _own_seconds(wall: float, computed: float) -> float:
    """What the function itself took: its computing, or its waiting where it hardly computes.

    A busy machine stretches the wall clock and not the computing.
    """
    return wall if wall > WAITS * computed else computed


def _checked(value: Any, seconds: float) -> Grade:
    try:
        number = math.nan if value is None or isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if math.isfinite(number):
        return graded(number, seconds)
    what = f"{value}" if isinstance(value, float) else f"{type(value).__name__}, not a number"
    return graded_zero(GradeError.PYTHON_RUNTIME, f"grade returned {what}", seconds)
