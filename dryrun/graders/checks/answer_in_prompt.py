"""Reference answers that stand in their own prompts: then a model need only copy."""

from __future__ import annotations

from collections.abc import Sequence

from dryrun.core.records import Prompt
from dryrun.core.text import percent
from dryrun.dataset.audit import LEAST_ANSWER, asked_text, holds
from dryrun.graders.format.findings import Finding, Severity

MOST, FEW = 0.5, 0.1
"""From `MOST` of the prompts on, holding their own answer is a finding; where more than `FEW` hold another
row's answer it is chance, as with the letters of a multiple choice."""
READ = 200
"""Prompts that are read before a run."""


def leak_finding(prompts: Sequence[Prompt], references: Sequence[str | None]) -> Finding | None:
    """The finding where most prompts hold their own reference answer, and few another row's.

    Parameters
    ----------
    prompts : sequence of Prompt
        Some of them, such as `READ`, are enough.
    references : sequence of str or None
        Their reference answers.
    """
    known = [
        (asked_text(prompt.item), answer)
        for prompt, answer in zip(prompts, references, strict=True)
        if answer and len(answer) >= LEAST_ANSWER
    ]
    others = [answer for _, answer in known[1:] + known[:1]]
    pairs = [(text, own, other) for (text, own), other in zip(known, others, strict=True) if own != other]
    if len(pairs) < 2:
        return None
    share = sum(holds(text, own) for text, own, _ in pairs) / len(pairs)
    chance = sum(holds(text, other) for text, _, other in pairs) / len(pairs)
    if share < MOST or chance > FEW:
        return None
    what = f"{percent(share)} of prompts hold their own reference answer, {percent(chance)} another row's."
    return Finding(Severity.WARNING, "dataset", what, "Where the task is not to find it there, it leaks.")
