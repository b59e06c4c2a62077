"""Responses generated elsewhere: logs of TRL, verl, verifiers, OpenAI and Azure evals, anybody's script."""
