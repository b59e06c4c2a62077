"""Asynchronous work done to its end from plain code."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run_blocking(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end from plain code, also inside a notebook, whose loop is busy."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_cancelled_by_signals(coroutine))
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


async def _cancelled_by_signals(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await it. SIGTERM and SIGHUP, where this process handles them, cancel it: it can put its work away.

    Raises
    ------
    KeyboardInterrupt
        A signal came. asyncio does the same for SIGINT, but not where that is ignored, as in a script's job.
    """
    if threading.current_thread() is not threading.main_thread():
        return await coroutine
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    came: list[int] = []

    def cancel(number: int, _: object) -> None:
        came.append(number)
        loop.call_soon_threadsafe(task.cancel)

    before = {number: held for number in ending_signals() if callable(held := signal.getsignal(number))}
    for number in before:
        signal.signal(number, cancel)
    try:
        return await coroutine
    except asyncio.CancelledError:
        if came:
            raise KeyboardInterrupt from None
        raise
    finally:
        for number, held in before.items():
            signal.signal(number, held)


def ending_signals() -> list[signal.Signals]:
    """SIGTERM, and SIGHUP where there is one that is not ignored, as it is under ``nohup``."""
    hang_up: signal.Signals | None = getattr(signal, "SIGHUP", None)
    if hang_up is None or signal.getsignal(hang_up) is signal.SIG_IGN:
        return [signal.SIGTERM]
    return [signal.SIGTERM, hang_up]
