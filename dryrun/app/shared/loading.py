"""A run's figures as the pages use them: read once, and again when the run has moved on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow.compute as pc
import streamlit as st

from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.observations import Observations
from dryrun.analysis.training.advantages import Rollouts
from dryrun.analysis.training.record import Training, choose_outcome, training_of, training_rollouts
from dryrun.analysis.verdict.evidence import Evidence, diagnose_with_evidence
from dryrun.app.shared import jobs
from dryrun.app.shared.access.account import visitor
from dryrun.app.shared.access.gate import Access, Right
from dryrun.app.shared.grader_check import known_check
from dryrun.app.shared.session import Chosen
from dryrun.core.thresholds import Thresholds
from dryrun.probes.anchors import FILE as ANCHORS
from dryrun.probes.anchors import load_anchors
from dryrun.probes.result import GraderCheck
from dryrun.store.access import guest_book
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
    anchors : Anchors or None
        Scores of reference answers and worthless ones under the run's grader, and of a stronger model.
    ceiling : Ceiling or None
        The run of that stronger model.
    labels : tuple of Label
        People's labels of the run's responses, oldest first.
    newest_labels : mapping
        The newest label of each response and person; this viewer's own too where they count for nobody else.
    own_labels : LabelBook or None
        Where this viewer's labels go; None where they may not label.
    check : GraderCheck or None
        The newest check of its grader.
    version : str
        Equal for equal figures: the key of what is computed from them.
    outcome : str
        The outcome that was named; `""`: guessed.
    access : Access
        What this viewer may do with the run; what may not be seen is not in here.
    """

    results: Results
    observations: Observations
    anchors: Anchors | None
    ceiling: Ceiling | None = None
    labels: tuple[Label, ...] = ()
    newest_labels: Mapping[Identity, Mapping[str, Label]] = field(default_factory=dict)
    own_labels: LabelBook | None = None
    check: GraderCheck | None = None
    version: str = ""
    outcome: str = ""
    access: Access = field(default_factory=Access)

    def judge(self, thresholds: Thresholds) -> Evidence:
        """The judgement under these thresholds, made once for equal figures and thresholds."""
        return _judgement(self, thresholds)

    @property
    def training(self) -> Training:
        """What training would be paid for, all topics together; made once for the grades and each outcome."""
        return _training(self)

    @property
    def rollouts(self) -> Rollouts:
        """The groups that advantages are made of; kept as `training` is."""
        return _rollouts(self)

    def by_outcome(self, outcome: str) -> Loaded:
        """The same figures by another outcome.

        Raises
        ------
        DryRunError
            It is not a part of the grades.
        """
        choose_outcome(self.observations, outcome)
        return replace(self, outcome=outcome)

    def sealed(self) -> Loaded:
        """The figures alone, equal in number: no text can be read, and topics are numbered."""
        results = self.results.sealed()
        at = results.rollouts["prompt"].to_numpy()
        topic = np.array(results.topics, dtype=object)[at]
        observations = replace(self.observations, topic=topic)
        return replace(self, results=results, observations=observations, version=f"figures {self.version}")


def load_run(chosen: Chosen) -> tuple[RunStatus, Loaded]:
    """The run's status and what this viewer may see of it; read again only when the run has moved on.

    Raises
    ------
    DryRunError
        Its files cannot be read, or this viewer may not see it.
    """
    chosen.access.need(Right.FIGURES)
    status, loaded = _read(chosen)
    return status, loaded if chosen.access.may(Right.SAMPLES) else loaded.sealed()


def _read(chosen: Chosen) -> tuple[RunStatus, Loaded]:
    run = chosen.run
    status = run.status() if chosen.recorded else jobs.status(run)
    counts = (status.state, status.sampled, status.graded, status.failed, status.ungraded, status.updated)
    book, ceiling, check = book_of(run), ceiling_of(run), known_check(chosen)
    labels = _labels(book, book.names())
    own = _own_labels(chosen, book)
    more = () if own is None or own == book else _labels(own, own.names())
    loaded = _load(run, (counts, _stamp(run)))
    review = check and check.review
    parts = (run.folder.resolve(), counts, _stamp(run), book, book.names(), ceiling and ceiling.run, review)
    return status, replace(
        loaded,
        anchors=with_ceiling(loaded.anchors, ceiling),
        ceiling=ceiling,
        labels=labels,
        newest_labels=newest((*labels, *more)),
        own_labels=own,
        check=check,
        version=repr(parts),
        access=chosen.access,
    )


def _stamp(run: Run) -> tuple[int, int]:
    """A stamp that differs once the run's anchors have been graded, which is after its end."""
    try:
        status = (run.folder / ANCHORS).stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _own_labels(chosen: Chosen, book: LabelBook) -> LabelBook | None:
    """The run's own book for people who may change the run; for others one that lies apart."""
    if not chosen.access.may(Right.LABEL):
        return None
    own = chosen.recorded or chosen.access.may(Right.CONTROL)
    return book if own else guest_book(chosen.run, visitor())


def _held(results: Results) -> tuple[object, ...]:
    """A key that differs where the stored responses and grades of two results differ."""
    table = results.rollouts
    rewarded = len(table) - table["reward"].null_count
    return str(results.run.folder), len(table), rewarded, pc.sum(table["characters"]).as_py()


BY_VALUE: dict[str | type[Any], Callable[[Any], Any]] = {
    Results: _held,
    Loaded: lambda loaded: (loaded.version, loaded.outcome),
    Thresholds: Thresholds.model_dump_json,
}
"""What a cache tells results, figures and thresholds by."""


@st.cache_resource(max_entries=64, ttl=3600, show_spinner=False, hash_funcs=BY_VALUE)
def _judgement(loaded: Loaded, thresholds: Thresholds) -> Evidence:
    people = labelled(loaded.results, loaded.labels, loaded.observations) if loaded.labels else None
    return diagnose_with_evidence(
        loaded.observations,
        loaded.anchors,
        thresholds,
        duplicate_rows=loaded.results.duplicate_rows,
        labelled=people,
        review=loaded.check.review if loaded.check else None,
        training=None if thresholds.document_only else loaded.training,
    )


@st.cache_resource(max_entries=16, ttl=3600, show_spinner=False, hash_funcs=BY_VALUE)
def _training(loaded: Loaded) -> Training:
    return training_of(loaded.observations, loaded.outcome, by_topic=False)


@st.cache_resource(max_entries=4, ttl=3600, show_spinner=False, hash_funcs=BY_VALUE)
def _rollouts(loaded: Loaded) -> Rollouts:
    return training_rollouts(loaded.observations, loaded.training.outcome)


@st.cache_resource(max_entries=8, ttl=3600, show_spinner="Reading the run …")
def _load(run: Run, counts: tuple[object, ...]) -> Loaded:
    """`counts` is part of the cache's key: a run that has moved on is read again."""
    results = load_results(run)
    return Loaded(results, results.observations(), load_anchors(run))


@st.cache_resource(max_entries=8, ttl=3600, show_spinner=False)
def _labels(book: LabelBook, names: tuple[str, ...]) -> tuple[Label, ...]:
    """`names` is part of the cache's key: a label's file never changes, a new label is a new file."""
    return tuple(book.labels())
