"""OpenAI's own service: its grader JSON, its rows, and a job through its SDK."""

from __future__ import annotations

from dryrun.graders.checks.platforms import LIMITS, VALIDATION, Platform
from dryrun.report.export.jsonl_rows import as_it_is, row_files
from dryrun.report.export.material import Material
from dryrun.report.export.place import Named, Place, filled

COMMANDS = """
pip install openai
export OPENAI_API_KEY=...
python start_job.py --model MODEL --check     # shows the request, sends nothing
python start_job.py --model MODEL             # uploads the files, creates the job, costs money
"""
EVERYWHERE = ("n_epochs", "batch_size", "learning_rate_multiplier")
"""Hyperparameters that each host of this API takes."""
ALL_FIELDS = (*EVERYWHERE, "compute_multiplier", "eval_interval", "eval_samples", "reasoning_effort")


def hosted_files(material: Material, platform: Platform) -> Named:
    """Rows and the script of a host that runs OpenAI's graders itself."""
    yield from row_files(material, as_it_is)
    yield (
        "start_job.py",
        filled(
            "start_job.py",
            host=platform.value,
            base_url=None,
            fields=ALL_FIELDS,
            limits=LIMITS.get(platform, (1, 1_000_000)),
            validation=VALIDATION[platform],
            roles=("developer", "user", "assistant", "tool"),
            ends_with_user=platform is Platform.AZURE,
            response_format=material.model.response_format,
            as_lambda=False,
        ),
    )


OPENAI = Place(
    Platform.OPENAI,
    "OpenAI",
    lambda material: hosted_files(material, Platform.OPENAI),
    COMMANDS,
    (
        "OpenAI shut its last base model for this (o4-mini) down on 2026-10-23 and takes no new jobs from "
        "2027-01-06: is your organisation still served? Azure serves o4-mini for it on.",
    ),
)
