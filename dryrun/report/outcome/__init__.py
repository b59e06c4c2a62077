"""The outcome of a training: its log beside the run's forecast, and all such forecasts together."""

from dryrun.report.outcome.ledger import TrainingLedger, ledger_of
from dryrun.report.outcome.of_run import add_training

__all__ = ["TrainingLedger", "add_training", "ledger_of"]
