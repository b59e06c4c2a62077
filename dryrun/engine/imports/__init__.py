"""Responses generated elsewhere: logs of TRL, verl, verifiers, OpenAI and Azure evals, anybody's script."""

from dryrun.engine.imports.run import import_samples

__all__ = ["import_samples"]
