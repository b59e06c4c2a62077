"""What a run's scores say: pure functions of numbers, on NumPy alone.

`diagnose_with_evidence` is the whole judgement. It takes `Observations` (the scores), `Anchors` (what
else was graded) and `Thresholds`, and its parts are in the modules beside this one.
"""

from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.observations import Observations
from dryrun.analysis.verdict.document import Diagnosis, diagnose
from dryrun.analysis.verdict.evidence import Evidence, diagnose_with_evidence
from dryrun.core.thresholds import Piece, Thresholds

__all__ = [
    "Anchors",
    "Diagnosis",
    "Evidence",
    "Observations",
    "Piece",
    "Thresholds",
    "diagnose",
    "diagnose_with_evidence",
]
