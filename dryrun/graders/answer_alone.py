"""Text around an answer: reasoning before it, which a grade can leave out, and end tokens after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from dryrun.core.records import Sample
from dryrun.graders.protocol import Grader, Pair, Take

TAGS = ("think", "thinking", "reasoning", "thought", "reflection", "scratchpad", "seed:think")
CLOSERS = (
    *(f"</{tag}>" for tag in TAGS),
    *("[/THINK]", "◁/think▷"),
    # gpt-oss, as its tokens and with the special ones left out
    *("<|channel|>final<|message|>", "assistantfinal"),
)
"""What ends reasoning: tags, whose opening one the chat template may have written, Mistral's, Kimi's, and the
beginning of the last channel of gpt-oss."""


def without_reasoning(text: str) -> tuple[str, bool]:
    """What follows the last closing tag of reasoning, and whether there was one."""
    end = max((place + len(tag) for tag in CLOSERS if (place := text.rfind(tag)) >= 0), default=0)
    return text[end:], end > 0


OPENERS = (*(f"<{tag}>" for tag in TAGS), "[THINK]", "◁think▷", "<|channel|>analysis<|message|>")


def reasoning_alone(text: str) -> bool:
    """Whether the text begins with reasoning that never ends, so that no answer follows."""
    return text.lstrip().startswith(OPENERS) and not without_reasoning(text)[1]


def after_reasoning(text: str) -> str:
    """What follows the reasoning, less the blanks and line breaks after its tag; all where there is none."""
    rest, cut = without_reasoning(text)
    return rest.lstrip() if cut else text


END_TOKENS = (
    *("<|im_end|>", "<|eot_id|>", "<|end|>", "<|endoftext|>", "<|end_of_text|>", "<|end_of_turn|>"),
    *("<end_of_turn>", "<|return|>", "</s>", "<eos>"),
)
"""What chat templates end a turn with. A server that stops there leaves it out of the text."""


def without_end_token(text: str) -> tuple[str, bool]:
    """The text less the tokens at its end that should have ended it, and whether there was one."""
    rest = text.rstrip()
    while token := next(filter(rest.endswith, END_TOKENS), ""):
        rest = rest.removesuffix(token).rstrip()
    return (rest, True) if len(rest) < len(text.rstrip()) else (text, False)


class ReasoningCut(Grader):
    """A grader that is given what follows the reasoning, less the blanks and line breaks after the tag.

    Responses without reasoning reach it as they are. The stored response stays whole.
    """

    def __init__(self, grader: Grader) -> None:
        self._grader = grader

    @property
    def at_once(self) -> int:
        """As the grader likes it."""
        return self._grader.at_once

    async def grade_each(self, pairs: Sequence[Pair], take: Take) -> None:
        """The grades of what follows the reasoning."""
        await self._grader.grade_each([(answer_alone(sample), item) for sample, item in pairs], take)

    async def __aenter__(self) -> Self:
        await self._grader.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._grader.__aexit__(*error)


def answer_alone(sample: Sample) -> Sample:
    """The sample with what follows its reasoning as its text."""
    text = after_reasoning(sample.text)
    return sample if text is sample.text else replace(sample, text=text)
