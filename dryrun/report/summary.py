"""A run in one line, for lists: judged once under the default thresholds, and kept with the run."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from dryrun.analysis.figures.statistics import HISTOGRAM_EDGES, bin_counts, valid_scores
from dryrun.analysis.training.record import training_of
from dryrun.analysis.verdict.evidence import Evidence, diagnose_with_evidence
from dryrun.core.config import Verdict
from dryrun.core.errors import StoreError
from dryrun.core.thresholds import Thresholds
from dryrun.core.version import __version__
from dryrun.probes.anchors import FILE as ANCHORS
from dryrun.probes.anchors import load_anchors
from dryrun.probes.check_run import FILE as CHECK
from dryrun.probes.check_run import kept_check
from dryrun.store.ceiling import FILE as CEILING
from dryrun.store.ceiling import ceiling_of, with_ceiling
from dryrun.store.labels import book_of, labelled
from dryrun.store.partition import write_aside
from dryrun.store.results import Results, load_results
from dryrun.store.runs import Run

FILE = "summary.json"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list shows of a run.

    Attributes
    ----------
    verdict : str
        GO, NO-GO or INVALID, under the default thresholds and with all evidence.
    conditions, borderline : bool
        Of a GO: something is to be mended first. Of any: another draw of prompts might say otherwise.
    headline : str
        Verdict, how sure, and why, in one line.
    dataset, grader : str
        Their quality in a word or two: ``"Too hard"``.
    mean, low, high, std : float or None
        Of the scores on 0..1; `low` to `high` is the mean's bootstrap interval of 95 %.
    scored : int
        Responses with a score.
    bars : tuple of int, length 20
        Scores in each bar of the histogram.
    """

    verdict: Verdict
    conditions: bool
    borderline: bool
    headline: str
    dataset: str
    grader: str
    mean: float | None
    low: float | None
    high: float | None
    std: float | None
    scored: int
    bars: tuple[int, ...]


_SUMMARY = TypeAdapter(Summary)


def summarise(run: Run) -> Summary:
    """The run's line: as it was kept, or judged now and kept.

    Raises
    ------
    DryRunError
        The run's files cannot be read.
    """
    key = _key(run)
    known = _read(run, key)
    if known is not None:
        return known
    results = load_results(run)
    summary = _summary(results, _judge(results))
    with contextlib.suppress(StoreError):  # a read-only disk: judged again next time
        write_aside(run.folder / FILE, orjson.dumps({"figures": key, "summary": asdict(summary)}))
    return summary


def kept_summary(run: Run) -> Summary | None:
    """The run's line where it was kept and nothing has changed since; None where it is to be judged."""
    return _read(run, _key(run))


def shipped_summary(run: Run) -> Summary | None:
    """The line that came with a recorded example, whatever it was judged by."""
    return _read(run)


def _read(run: Run, key: str | None = None) -> Summary | None:
    try:
        kept: Any = orjson.loads((run.folder / FILE).read_bytes())
        return _SUMMARY.validate_python(kept["summary"]) if key in (None, kept["figures"]) else None
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return None


def _key(run: Run) -> str:
    """A stamp that differs whenever the verdict may differ."""
    digest = hashlib.sha256(f"{__version__} {Thresholds().model_dump_json()}".encode())
    for name in ("status.json", ANCHORS, CEILING, CHECK):
        path = run.folder / name
        digest.update(path.read_bytes() if path.is_file() else b"-")
    digest.update(" ".join(book_of(run).names()).encode())
    return digest.hexdigest()[:32]


def _judge(results: Results) -> Evidence:
    run, observations = results.run, results.observations()
    check = kept_check(run)
    return diagnose_with_evidence(
        observations,
        with_ceiling(load_anchors(run), ceiling_of(run)),
        Thresholds(),
        duplicate_rows=results.duplicate_rows,
        labelled=labelled(results, book_of(run).labels()),
        review=check.review if check else None,
        training=training_of(observations, by_topic=False),
    )


def _summary(results: Results, judged: Evidence) -> Summary:
    figures, held = judged.document.statistics, judged.stability
    return Summary(
        verdict=judged.verdict,
        conditions=bool(judged.conditions),
        borderline=judged.borderline,
        headline=judged.summary,
        dataset=judged.dataset_line.word,
        grader=judged.grader_line.word,
        mean=figures.mean,
        low=held.mean.low if held else None,
        high=held.mean.high if held else None,
        std=figures.std,
        scored=figures.n,
        bars=bin_counts(valid_scores(results.observations().score), HISTOGRAM_EDGES),
    )
