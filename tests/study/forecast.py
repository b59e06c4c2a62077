"""What the product says before training: its dry run of imported responses, by its public functions."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dryrun.engine.imports.run import import_samples
from dryrun.engine.work import work_on
from dryrun.probes.check_run import FILE, check_run
from dryrun.report import report_of
from dryrun.report.fields import Report
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.study.tasks import ANSWER


def log_of(items: Sequence[Mapping[str, Any]], texts: Sequence[Sequence[str]]) -> bytes:
    """Responses as a log to import, one a line; those without an end were cut off."""
    lines = [
        json.dumps(
            {
                **item,
                "response": text,
                "finish_reason": "length" if len(text) == ANSWER else "stop",
                "usage": {"completion_tokens": len(text) + 1},
            }
        )
        for item, row in zip(items, texts, strict=True)
        for text in row
    ]
    return "\n".join(lines).encode()


def judged(data: Path, log: bytes, grader: Mapping[str, Any], probing: bool) -> dict[str, Any]:
    """The figures of a dry run of these responses; also after the grader is probed, if `probing`."""
    run = import_samples(
        Store(data), io.BytesIO(log), "policy.jsonl", grader, topic_field="topic", reward_range=(0.0, 1.0)
    )
    asyncio.run(work_on(run, api_key=""))
    (run.folder / FILE).unlink(missing_ok=True)  # figures before probing: a run checks its grader by itself
    found = figures(report_of(load_results(run)))
    if not probing:
        return found
    check = asyncio.run(check_run(run))
    again = report_of(load_results(run))
    return {
        **found,
        "probed_verdict": again.diagnosis.verdict,
        "probed_conditions": [one.code for one in again.diagnosis.conditions],
        "probed_headline": again.diagnosis.headline,
        "profile": check.profile,
        "flaws": [f"{one.weight}: {one.flaw}" for one in check.findings],
    }


def figures(report: Report) -> dict[str, Any]:
    """What is kept of a report."""
    diagnosis, evidence, training = report.diagnosis, report.evidence, report.training
    signal = evidence.signal_index if evidence else None
    groups = evidence.groups if evidence else None
    room = training.headroom if training else None
    pulls = training.pulls if training else ()
    return {
        "verdict": diagnosis.verdict,
        "headline": diagnosis.headline,
        "conditions": [one.code for one in diagnosis.conditions],
        "reasons": [str(one.code) for one in diagnosis.reasons],
        "pattern": diagnosis.pattern,
        "dataset_quality": diagnosis.dataset_quality,
        "grader_quality": diagnosis.grader_quality,
        "warnings": [str(one.code) for one in diagnosis.warning_details],
        "tags": list(evidence.tags) if evidence else [],
        "tree": evidence.document.verdict if evidence else None,
        "mean": report.statistics.mean,
        "std": report.statistics.std,
        "signal": signal.value if signal else None,
        "usable": signal.usable if signal else None,
        "follows": signal.follows if signal else None,
        "reliability": signal.reliability if signal else None,
        "range": signal.range if signal else None,
        "usable_reward": groups.usable if groups else None,
        "outcome": training.outcome.words if training else None,
        "mixed": training.kinds.mixed if training and training.kinds else None,
        "harm": min((one.harm for one in pulls), default=None),
        "harmful": [one.trait for one in training.harmful] if training else [],
        "mostly_shaping": training.mostly_shaping if training else False,
        "headroom": room.gain if room else None,
        "never": room.never if room else None,
    }
