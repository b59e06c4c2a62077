"""Responses generated on the GPUs of a Ray cluster, with no endpoint."""
