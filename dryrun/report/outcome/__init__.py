"""What came of a training: its log beside what the run had said of it, and all such forecasts together."""

from dryrun.report.outcome.ledger import TrainingLedger, ledger_of
from dryrun.report.outcome.of_run import add_training

__all__ = ["TrainingLedger", "add_training", "ledger_of"]
