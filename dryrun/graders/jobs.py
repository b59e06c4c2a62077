"""One sample on its way through the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from secrets import randbits
from typing import Any

from dryrun.graders.process import Reply


@dataclass(slots=True)
class Job:
    """One sample to grade, and who waits for it."""

    number: int
    sample: Mapping[str, Any]
    item: Mapping[str, Any]
    future: Future[Reply] = field(default_factory=Future)
    tag: int = field(default_factory=lambda: randbits(62))
    """What its reply must name: nothing that an earlier grade could know."""
    attempts: int = 0

    def begun(self) -> bool:
        """Mark it as begun; False when nobody waits for it any more."""
        return self.future.running() or self.future.set_running_or_notify_cancel()

    def payload(self) -> dict[str, Any]:
        """As the worker gets it."""
        return {"id": self.tag, "sample": self.sample, "item": self.item}
