"""The few worthless answers that every finished run is graded on, to find the floor of its grader's scale."""

from __future__ import annotations

from collections.abc import Sequence

from dryrun.core.probe import FAR
from dryrun.core.records import Prompt
from dryrun.probes.make.answers import flat
from dryrun.probes.make.demand import prompt_text
from dryrun.probes.make.forms import shell_of
from dryrun.probes.make.worthless import FILLER, REFUSAL, stuffing

JUNK = 20
"""Prompts that each kind is graded on."""

Texts = Sequence[tuple[Prompt, str]]


def junk(prompts: Sequence[Prompt], known: Texts) -> dict[str, Texts]:
    """Worthless answers by kind, each to `JUNK` prompts.

    Parameters
    ----------
    prompts : sequence of Prompt
    known : sequence of (Prompt, str)
        Prompts with their reference answers.
    """
    some = prompts[:JUNK]
    asked = [(prompt, prompt_text(prompt.messages[-1:])) for prompt in some]
    return {
        "empty": [(prompt, "") for prompt in some],
        "refusal": [(prompt, REFUSAL) for prompt in some],
        "echo of the prompt": asked,
        "long filler": [(prompt, FILLER) for prompt in some],
        "format only": [(prompt, shell_of(text)) for prompt, text in known[:JUNK]],
        "keyword stuffing": [(prompt, stuffing(text)) for prompt, text in asked],
        FAR: _mismatched(known),
    }


def _mismatched(known: Texts) -> Texts:
    """For each prompt the answer to another one, where that differs: a yes/no key has few."""
    pairs = []
    for number, (prompt, text) in enumerate(known[: 4 * JUNK]):
        _, other = known[(number + 1) % len(known)]
        if flat(other) != flat(text):
            pairs.append((prompt, other))
    return pairs[:JUNK]
