"""A plain Python function as a grader: the seam for rewards that live in the caller's own process."""

from __future__ import annotations

import copy
import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from types import FrameType
from typing import Any

from dryrun.core.records import Grade, Item, Sample
from dryrun.graders.protocol import NO_SAMPLE, GradeError, Grader, graded, graded_zero
from dryrun.graders.sandbox.sample_fields import sample_fields

Function = Callable[[Any, Any], object]


class FunctionGrader(Grader):
    """Grades by calling a function here, in this process, with no sandbox: for code that is trusted.

    Parameters
    ----------
    function : callable
        ``grade(sample, item)`` as OpenAI's python graders have it.
    timeout : float
        Seconds one grade may take. It holds in the main thread of a POSIX system; elsewhere the
        function runs to its end.
    """

    def __init__(self, function: Function, timeout: float = 2.0) -> None:
        self._function = function
        self._timeout = timeout

    async def grade(self, sample: Sample, item: Item) -> Grade:
        """The grade of one sample. What the function raises makes 0 with an error, as in the sandbox."""
        if not sample.gradable:
            return NO_SAMPLE
        row = copy.deepcopy(dict(item))
        start = perf_counter()
        try:
            with _limited(self._timeout):
                value = self._function(sample_fields(sample), row)
        except (Exception, _TooLongError) as error:
            detail = str(error) if isinstance(error, _TooLongError) else f"{type(error).__name__}: {error}"
            return graded_zero(GradeError.PYTHON_RUNTIME, detail, perf_counter() - start)
        seconds = perf_counter() - start
        return _checked(value, seconds)


class _TooLongError(BaseException):
    """The function did not return in time. No `Exception`, which a grader might catch."""


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
    """An alarm after this number of seconds, where alarms work."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise _TooLongError(f"grade did not return within {seconds:g} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
