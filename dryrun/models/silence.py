"""An endpoint that answers nothing but errors: the messages about its silence, and when a run stops."""

from __future__ import annotations

import asyncio

from dryrun.models.faults import LOADING, Fault, status_name

PATIENCE = 600.0
"""Seconds of throttled calls, or of loading, with no answer between them, after which the run stops."""

SAY_AFTER, SAY_EVERY = 30.0, 30.0
"""Seconds of silence before the first message, and between two."""

BUSY = frozenset({429, 500, 502, 503, 504, 529})


class Silence:
    """The time since the first fault after which nothing was answered."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._last_news: float | None = None

    def news(self, fault: Fault) -> str:
        """Note a fault; the message for now, or an empty text."""
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        silent, last = now - self._since, self._last_news
        due = silent >= SAY_AFTER and (last is None or now - last >= SAY_EVERY)
        if fault.status not in BUSY or not (due or (fault.code == LOADING and last is None)):
            return ""
        self._last_news = now
        answered = f"{status_name(fault.status or 0)}: {fault.message}"
        if fault.code == LOADING:
            return f"Waiting: the endpoint is loading the model ({answered})"
        return f"Waiting: the endpoint has answered nothing but errors for {silent:.0f} seconds ({answered})"

    def broken(self) -> str:
        """The endpoint has answered; the message for now, or an empty text."""
        words = "" if self._last_news is None else "The endpoint answers again. Generating and grading."
        self._since = self._last_news = None
        return words

    def too_long(self) -> bool:
        """Whether it is time to give up."""
        return self._since is not None and asyncio.get_running_loop().time() - self._since > PATIENCE


def silence_sentence(fault: Fault, base_url: str) -> str:
    """The sentence for a run that stops because nothing has been answered for a long time."""
    return (
        f"{base_url} has answered no call for {PATIENCE / 60:.0f} minutes "
        f"({status_name(fault.status or 0)}: {fault.message}): resume when it answers again"
    )
