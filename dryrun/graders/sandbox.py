"""Can python grader code be isolated on this machine? Tried once, for real."""

from __future__ import annotations

import sys
from functools import lru_cache

from dryrun.graders.isolation import (
    UNSAFE_SETTING,
    Limits,
    Mechanism,
    SandboxStatus,
    bwrap,
    candidates,
    launch,
)
from dryrun.graders.process import WorkerError, WorkerProcess
from dryrun.graders.program import Program

__all__ = ["SandboxStatus", "sandbox_status"]

PROBE = Program("def grade(sample, item):\n    return 1.0\n")

_STRENGTH = {
    Mechanism.BUBBLEWRAP: "Python graders run in a bubblewrap sandbox: no network, no files, no privileges.",
    Mechanism.BUBBLEWRAP_ROOT: "Python graders run in a bubblewrap sandbox as a user without rights: "
    "no network, no files, no privileges.",
    Mechanism.NOTHING: f"Python graders run without isolation, because {UNSAFE_SETTING}=1 is set.",
}


def sandbox_status() -> SandboxStatus:
    """Which isolation there is for python graders, or why there is none.

    The first call starts a sandbox to see whether it works (a fraction of a second); later calls
    with the same environment remember.
    """
    return _probed(tuple(candidates()))


@lru_cache(maxsize=4)
def _probed(mechanisms: tuple[Mechanism, ...]) -> SandboxStatus:
    reasons = []
    for mechanism in mechanisms:
        reason = _failure(mechanism)
        if reason is None:
            return SandboxStatus(True, mechanism, _STRENGTH[mechanism])
        reasons.append(reason)
    return SandboxStatus(False, None, _why_not(reasons))


def _failure(mechanism: Mechanism) -> str | None:
    """Why a worker does not come up under `mechanism`, or None when it does."""
    limits = Limits()
    try:
        worker = WorkerProcess(launch(mechanism, limits), limits)
    except (WorkerError, OSError) as error:
        return str(error)
    try:
        worker.begin(PROBE, load_timeout=60.0)
    except WorkerError as error:
        return str(error)
    finally:
        worker.kill()
    return None


def _why_not(reasons: list[str]) -> str:
    refused = "Python graders are refused here, because nothing can keep their code in"
    if reasons:
        return f"{refused}: the bubblewrap sandbox does not start ({reasons[-1]})."
    if not sys.platform.startswith("linux"):
        return f"{refused}: the sandbox, bubblewrap, needs Linux."
    if bwrap() is None:
        return f"{refused}: bubblewrap is not installed. Install the package bubblewrap."
    return f"{refused}."
