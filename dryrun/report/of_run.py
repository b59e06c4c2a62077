"""From what a run has stored to its report."""

from __future__ import annotations

from dryrun.core.thresholds import Thresholds
from dryrun.probes.anchors import load_anchors
from dryrun.probes.check_run import kept_check
from dryrun.report import Report, ReportFacts, build_report
from dryrun.store.ceiling import ceiling_of, with_ceiling
from dryrun.store.labels import book_of, labelled
from dryrun.store.results import Results


def report_of(results: Results, thresholds: Thresholds | None = None, *, evidence: bool = True) -> Report:
    """The report of what a run has found so far.

    Parameters
    ----------
    results : Results
    thresholds : Thresholds, optional
    evidence : bool
        Whether evidence stands beside the document's rule. False: the tree alone, `Thresholds.strict`.
    """
    config, ceiling = results.config, ceiling_of(results.run)
    facts = ReportFacts(
        run_id=results.run.id,
        dataset=config.dataset.name,
        model=config.model.name,
        prompts_asked=len(results.keys),
        rollouts=config.sampling.rollouts,
        pending=results.pending,
        duplicate_rows=len(results.keys) - len(set(results.keys)),
        reward_range=config.reward_range,
        config=config.model_dump(mode="json"),
        ceiling=f"{ceiling.model}, run {ceiling.run}" if ceiling and evidence else "",
    )
    anchors = with_ceiling(load_anchors(results.run), ceiling) if evidence else None
    said = labelled(results, book_of(results.run).labels()) if evidence else None
    limits = thresholds or Thresholds()
    return build_report(
        results.observations(),
        limits,
        facts,
        evidence=evidence,
        anchors=anchors,
        labelled=said,
        check=kept_check(results.run) if evidence else None,
    )
