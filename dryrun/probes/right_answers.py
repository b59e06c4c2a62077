"""The right answers as the prompts ask for them, where the rows keep them in another way."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dryrun.core.records import Prompt
from dryrun.graders.format.specs import GraderSpec
from dryrun.graders.kinds.python import PythonSpec
from dryrun.graders.reference_answers import references_of
from dryrun.probes.make.answers import flat
from dryrun.probes.make.demand import prompt_text
from dryrun.probes.make.source_words import names_refusals

FEW, MOST = 3, 0.9
"""Different values of a flag at most, and the share of rows that must agree."""
_OPTION = re.compile(r"(?m)^[ \t]*\(?([A-J])[.):][ \t]+(\S.*?)[ \t]*$")
_LETTER = re.compile(r"(?i)\bletters?\b")


def right_answers(
    spec: GraderSpec, prompts: Sequence[Prompt], field: str | None = None, *, where_read: bool = False
) -> list[str | None]:
    """As `references_of`, and then `as_asked` of the grader's own Python."""
    references = references_of(spec, prompts, field, where_read=where_read)
    return as_asked(prompts, references, python_source(spec))


def python_source(spec: GraderSpec) -> str:
    """All Python in the grader."""
    return "\n\n".join(part.source for _, part in spec.walk() if isinstance(part, PythonSpec))


def as_asked(
    prompts: Sequence[Prompt], references: Sequence[str | None], source: str = ""
) -> list[str | None]:
    """The reference answers as the prompts ask for them.

    An option's text becomes its letter where the prompt lists the options and asks for the letter. A flag
    that tells the grader whether to expect a refusal, and that no prompt names, is no answer at all.

    Parameters
    ----------
    prompts : sequence of Prompt
    references : sequence of (str or None)
        In the same order.
    source : str
        The grader's own Python.
    """
    texts = [prompt_text(prompt.messages) for prompt in prompts]
    if names_refusals(source) and _are_flags(texts, references):
        return [None] * len(references)
    letters = [_letter_of(text, reference) for text, reference in zip(texts, references, strict=True)]
    known = sum(reference is not None for reference in references)
    if sum(letter is not None for letter in letters) < max(MOST * known, 1):
        return list(references)
    return [letter or reference for letter, reference in zip(letters, references, strict=True)]


def _are_flags(texts: Sequence[str], references: Sequence[str | None]) -> bool:
    """Whether the references are a few values that no prompt names."""
    values = {flat(reference) for reference in references if reference is not None}
    return 0 < len(values) <= FEW and not any(
        re.search(rf"(?i)\b{re.escape(value)}\b", text) for value in values for text in texts
    )


def _letter_of(text: str, reference: str | None) -> str | None:
    """The letter of the one option that says the same; None without one, or where no letter is asked for."""
    if reference is None or not _LETTER.search(text):
        return None
    letters = [letter for letter, option in _OPTION.findall(text) if flat(option) == flat(reference)]
    return letters[0] if len(letters) == 1 else None
