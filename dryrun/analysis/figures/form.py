"""Are reference answers written as this grader wants them? Real responses outrank answers made up by us."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dryrun.analysis.figures.anchors import Anchors, worthless_floor
from dryrun.core.arrays import Floats

CLEARLY = 0.2
LEAST, LEAST_SHARE = 3, 0.01
"""Responses, and their share, that must earn more than every reference answer before the form is doubted."""


def by_outcome(anchors: Anchors, part: str, least: float) -> Anchors:
    """The anchors with wrong answers in the right form paid only where the outcome is.

    A reward of a part for being right and others for the form pays these the others, as it means to.

    Parameters
    ----------
    anchors : Anchors
    part : str
        The part of the reward that is the outcome.
    least : float
        From here on it says that an answer is right.
    """
    junk = dict(anchors.junk)
    for kind, parts in anchors.junk_parts.items():
        if kind in junk and part in parts and parts[part].shape == junk[kind].shape:
            junk[kind] = np.where(parts[part] >= least, junk[kind], np.minimum(junk[kind], 0.0))
    return replace(anchors, junk=junk)


NOTHING = 0.05
"""An answer that earns no more is paid nothing."""


def unless_nothing_paid(anchors: Anchors) -> Anchors:
    """The anchors without reference answers where no answer of any kind was paid, right or worthless.

    Then nobody knows whether a right answer was among them: they may be tests, a query, an object.
    """
    graded = (anchors.reference, anchors.reformatted, *anchors.junk.values())
    known = [scores[np.isfinite(scores)] for scores in graded if scores is not None]
    if anchors.reference is None or any((scores > NOTHING).any() for scores in known):
        return anchors
    return replace(anchors, reference=None, reformatted=None, topic_reference={}, form_unknown=True)


def in_known_form(anchors: Anchors, score: Floats, worthless_z: float = 2.45) -> Anchors:
    """The anchors without reference answers that the grader cannot have read.

    A right answer that earns 0 where real responses earn 1 was written in a form that the grader does not
    take. It says nothing about the grader, and nothing about the reference.

    Parameters
    ----------
    anchors : Anchors
    score : float64 array of shape (n,)
        Of the responses, on 0..1; NaN where there is none.
    worthless_z : float
        `Thresholds.worthless_z`.
    """
    reference = anchors.reference
    if reference is None or not np.isfinite(reference).any():
        return anchors
    most = float(np.nanmax(reference)) + CLEARLY
    _, _, worthless = worthless_floor(anchors.junk, worthless_z)
    if worthless is not None and worthless > most:
        return anchors  # a grader that pays worthless answers more than right ones is not waiting for a form
    better = int((score > most).sum())
    if better < max(LEAST, LEAST_SHARE * np.isfinite(score).sum()):
        return anchors
    return replace(anchors, reference=None, reformatted=None, topic_reference={}, form_unknown=True)
