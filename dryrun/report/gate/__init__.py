"""The gate of a pipeline: may this dataset and this grader go on to training?"""

from dryrun.report.gate.baseline import Baseline, Change
from dryrun.report.gate.rules import Ruling, rule

__all__ = ["Baseline", "Change", "Ruling", "rule"]
