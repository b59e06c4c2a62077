"""What one person may take of a server that strangers share."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields

from dryrun.core.errors import DryRunError

SETTING = "DRYRUN_HOSTED_"


@dataclass(frozen=True, slots=True)
class Allowance:
    """The most that one person has; ``DRYRUN_HOSTED_LIVE``, ``_CALLS`` and ``_MEGABYTES`` set them.

    Attributes
    ----------
    live : int
        Runs at a time, those aside that wait for batches.
    calls : int
        Calls to models and judges asked for within an hour.
    megabytes : int
        That their runs hold on the disk.
    """

    live: int = 1
    calls: int = 5_000
    megabytes: int = 200


def allowance() -> Allowance:
    """What holds on this server.

    Raises
    ------
    DryRunError
        A setting is not a whole number of at least 1.
    """
    settings = {field.name: os.environ.get(f"{SETTING}{field.name.upper()}") for field in fields(Allowance)}
    return Allowance(**{name: _number(name, text) for name, text in settings.items() if text})


def _number(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise DryRunError(f"{SETTING}{name.upper()} is {text!r}; set it to a whole number of at least 1.")
    return int(text)
