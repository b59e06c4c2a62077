"""What the results page works on: a run's figures, joined once and kept while they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import streamlit as st

from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.observations import Observations
from dryrun.analysis.verdict.evidence import Evidence, diagnose_with_evidence
from dryrun.app.shared import jobs
from dryrun.app.shared.grader_check import known_check
from dryrun.app.shared.session import Chosen
from dryrun.core.thresholds import Thresholds
from dryrun.probes.anchors import load_anchors
from dryrun.probes.result import GraderCheck
from dryrun.store.ceiling import Ceiling, ceiling_of, with_ceiling
from dryrun.store.labels import Identity, Label, LabelBook, book_of, labelled, newest
from dryrun.store.results import Results, load_results
from dryrun.store.runs import Run, RunStatus


@dataclass(frozen=True, slots=True)
class Loaded:
    """A run's figures at one moment.

    Attributes
    ----------
    results : Results
    observations : Observations
    duplicate_rows : int
        Drawn rows that repeat an earlier one.
    anchors : Anchors or None
        Reference answers and junk under the run's grader, where they were graded; a stronger model's scores.
    ceiling : Ceiling or None
        Where these come from.
    labels : tuple of Label
        What people said of its responses, oldest first.
    newest_labels : mapping
        Of each response and person the newest.
    check : GraderCheck or None
        What probing its grader found, just now in this session or kept with the run.
    version : tuple of str
        Stands for all of the above in a cache's key; empty where nothing is to be kept.
    """

    results: Results
    observations: Observations
    duplicate_rows: int
    anchors: Anchors | None
    ceiling: Ceiling | None = None
    labels: tuple[Label, ...] = ()
    newest_labels: Mapping[Identity, Mapping[str, Label]] = field(default_factory=dict)
    check: GraderCheck | None = None
    version: tuple[str, ...] = ()

    def judge(self, thresholds: Thresholds) -> Evidence:
        """The judgement under these thresholds, with the evidence they admit; made once for each of them."""
        if not self.version:
            return self._judged(thresholds)
        return _judgement(self.version, thresholds.model_dump_json(), self, thresholds)

    def _judged(self, thresholds: Thresholds) -> Evidence:
        said = labelled(self.results, self.labels, self.observations) if self.labels else None
        return diagnose_with_evidence(
            self.observations,
            self.anchors,
            thresholds,
            duplicate_rows=self.duplicate_rows,
            labelled=said,
            review=self.check.review if self.check else None,
        )


def load_run(chosen: Chosen) -> tuple[RunStatus, Loaded]:
    """Where the run stands, and its figures: read again only when its counts have changed.

    Raises
    ------
    DryRunError
        Its files cannot be read.
    """
    status = chosen.run.status() if chosen.recorded else jobs.status(chosen.run)
    counts = (
        status.state.value,
        status.sampled,
        status.graded,
        status.failed,
        status.ungraded,
        status.updated,
    )
    loaded = _load(str(chosen.run.folder.resolve()), counts, chosen.run)
    book = book_of(chosen.run)
    labels = _labels(str(book.folder.resolve()), book.names(), book)
    ceiling, check = ceiling_of(chosen.run), known_check(chosen)
    parts = (
        chosen.run.folder.resolve(),
        counts,
        book.folder.resolve(),
        book.names(),
        ceiling and ceiling.run,
        check and check.review,
    )
    return status, replace(
        loaded,
        anchors=with_ceiling(loaded.anchors, ceiling),
        ceiling=ceiling,
        labels=labels,
        newest_labels=newest(labels),
        check=check,
        version=tuple(map(repr, parts)),
    )


@st.cache_resource(max_entries=64, ttl=3600, show_spinner=False)
def _judgement(version: tuple[str, ...], limits: str, _loaded: Loaded, _thresholds: Thresholds) -> Evidence:
    """`version` and `limits` are the cache's key; nobody changes what is kept."""
    return _loaded._judged(_thresholds)


@st.cache_resource(max_entries=8, ttl=3600, show_spinner="Reading the run …")
def _load(folder: str, counts: tuple[object, ...], _run: Run) -> Loaded:
    """`folder` and `counts` are the cache's key; nobody changes what is kept."""
    results = load_results(_run)
    repeated = len(results.keys) - len(set(results.keys))
    return Loaded(results, results.observations(), repeated, load_anchors(_run))


@st.cache_resource(max_entries=8, ttl=3600, show_spinner=False)
def _labels(folder: str, names: tuple[str, ...], _book: LabelBook) -> tuple[Label, ...]:
    """`folder` and `names` are the cache's key: a label's file never changes."""
    return tuple(_book.labels())
