"""Answers that no model wrote: what must a sound grader say to them?

This package is the one place where such answers are made. It grades nothing: `dryrun.probes.grade` does, and
`dryrun.analysis.probes.profile` says what the grades mean.
"""

from __future__ import annotations

from dryrun.core.probe import Family, Priority, Probe
from dryrun.probes.make.ground import Ground, ground
from dryrun.probes.make.rounds import accepted_forms, first_round, quick_round, second_round
from dryrun.probes.make.strangers import strangers

__all__ = [
    "Family",
    "Ground",
    "Priority",
    "Probe",
    "accepted_forms",
    "first_round",
    "ground",
    "quick_round",
    "second_round",
    "strangers",
]
