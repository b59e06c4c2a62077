"""What a run's scores say: pure functions of numbers, on NumPy alone.

`diagnose_with_evidence` is the whole judgement. It takes `Observations` (the scores), `Anchors` (what
else was graded) and `Thresholds`, and its parts are in the modules beside this one.
"""

from dryrun.analysis.anchors import Anchors
from dryrun.analysis.diagnosis import Diagnosis, diagnose
from dryrun.analysis.evidence import Evidence, diagnose_with_evidence
from dryrun.analysis.observations import Observations
from dryrun.config import Piece, Thresholds

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
