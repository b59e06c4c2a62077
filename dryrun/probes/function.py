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
from typing import Any

from dryrun.core.records import Grade, Item, Sample
from dryrun.graders.protocol import NO_SAMPLE, GradeError, Grader, graded, graded_zero
from dryrun.graders.sandbox.sample_fields import sample_fields

WAITS = 10.0
"""A function that takes this many times its computing is one that waits, as for a network."""
Function = Callable[[Any, Any], object]


class FunctionGrader(Grader):
    """Grades by calling a function here, in this process, with no sandbox: for code that is trusted.

    Parameters
    ----------
    function : callable
        ``grade(sample, item)`` as OpenAI's python graders have it.
    timeout : float
        Seconds of computing that one grade may take, and ten times that by the clock. It holds in the
        main thread of a POSIX system; elsewhere the function runs to its end.
    """

    def __init__(self, function: Function, timeout: float = 2.0) -> None:
        self._function = function
        self._timeout = timeout

    async def grade(self, sample: Sample, item: Item) -> Grade:
        """The grade of one sample. What the function raises makes 0 with an error, as in the sandbox."""
        if not sample.gradable:
            return NO_SAMPLE
        row = copy.deepcopy(dict(item))
        wall, computed = perf_counter(), thread_time()
        try:
            with _limited(self._timeout):
                value = self._function(sample_fields(sample), row)
        except (Exception, SystemExit, GeneratorExit, _TooLongError) as error:
            seconds = _own_seconds(perf_counter() - wall, thread_time() - computed)
            if not isinstance(error, _TooLongError):
                return graded_zero(GradeError.PYTHON_RUNTIME, f"{type(error).__name__}: {error}", seconds)
            return graded_zero(GradeError.PYTHON_RUNTIME, str(error), max(seconds, self._timeout))
        return _checked(value, _own_seconds(perf_counter() - wall, thread_time() - computed))


class _TooLongError(BaseException):
    """The function did not return in time. No `Exception`, which a grader might catch."""


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


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Alarms after this much computing and after `WAITS` times as much by the clock, where alarms work."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise _TooLongError(f"grade did not return within {seconds:g} seconds")

    alarms = ((signal.SIGPROF, signal.ITIMER_PROF, 1.0), (signal.SIGALRM, signal.ITIMER_REAL, WAITS))
    before = [signal.signal(number, ring) for number, _, _ in alarms]
    for _, timer, times in alarms:
        signal.setitimer(timer, times * seconds)
    try:
        yield
    finally:
        for (number, timer, _), handler in zip(alarms, before, strict=True):
            signal.setitimer(timer, 0.0)
            signal.signal(number, handler)
