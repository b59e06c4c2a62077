"""OpenAI's own service, and Azure's (Foundry): the grader as JSON, rows, and a job through OpenAI's SDK."""

from __future__ import annotations

from typing import Any

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
AZURE_COMMANDS = """
pip install openai
export OPENAI_API_KEY=...
export OPENAI_BASE_URL=https://RESOURCE.openai.azure.com/openai/v1/
python start_job.py --model o4-mini-2025-04-16 --check     # shows the request, sends nothing
python start_job.py --model o4-mini-2025-04-16             # uploads the files, creates the job, costs money
"""
EVERYWHERE = ("n_epochs", "batch_size", "learning_rate_multiplier")
"""Hyperparameters that each host of this API takes."""
ALL_FIELDS = (*EVERYWHERE, "compute_multiplier", "eval_interval", "eval_samples", "reasoning_effort")


def hosted_files(material: Material, platform: Platform) -> Named:
    """Rows and the script of a host that runs OpenAI's graders itself."""
    yield from row_files(material, as_it_is)
    yield job_script(
        platform, ends_with_user=platform is Platform.AZURE, response_format=material.model.response_format
    )


def job_script(platform: Platform, **other: Any) -> tuple[str, bytes]:
    """The script that starts a job through OpenAI's API; `other` holds what differs from the usual values."""
    usual: dict[str, Any] = {
        "host": platform.value,
        "base_url": None,
        "fields": ALL_FIELDS,
        "limits": LIMITS.get(platform, (1, 1_000_000)),
        "validation": VALIDATION.get(platform, (0, 1_000_000)),
        "roles": ("developer", "user", "assistant", "tool"),
        "ends_with_user": False,
        "response_format": None,
        "as_lambda": False,
    }
    return "start_job.py", filled("start_job.py", **(usual | other))


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

AZURE = Place(
    Platform.AZURE,
    "Azure (Foundry)",
    lambda material: hosted_files(material, Platform.AZURE),
    AZURE_COMMANDS,
    (
        "The job pauses by itself at 5,000 US dollars.",
        "A judge, where the grader has one, is named by your deployment of a model that Azure allows for it.",
    ),
)
