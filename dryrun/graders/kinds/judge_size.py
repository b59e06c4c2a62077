"""What a call to a judge may cost, before there is a response to show it."""

from __future__ import annotations

import orjson

from dryrun.core.records import Prompt, Sample, SampleOutcome
from dryrun.graders.format.judge_specs import JudgeSpec
from dryrun.graders.format.specs import GraderSpec
from dryrun.graders.format.template import VariableError
from dryrun.graders.kinds.judge import question_of
from dryrun.graders.sandbox.sample_fields import namespaces
from dryrun.models.request import BYTES_PER_TOKEN, RequestSize


def judge_request_size(judge: GraderSpec, prompt: Prompt, answer: int) -> RequestSize:
    """Tokens of one call to a judge, or to a model that embeds, at worst; estimated.

    Parameters
    ----------
    judge : GraderSpec
        One that asks a model.
    prompt : Prompt
    answer : int
        Tokens the response may have; 0 where that is not known.
    """
    known = namespaces(Sample("", 0, SampleOutcome.ANSWERED), prompt.item)
    texts = []
    for template in judge.templates.values():
        try:
            texts.append(template.fill(known))
        except VariableError:  # it asks for a part of a response that is not there yet
            texts.append("".join(map(str, template.parts)))
    size = sum(len(text.encode()) for text in texts)
    if isinstance(judge, JudgeSpec):
        size += len(orjson.dumps(question_of(judge).formats()[0])) + len(judge.input) * len(
            '{"role":"","content":""},'
        )
        limits = judge.sampling_params
        most = limits.max_completions_tokens if limits else None
        return RequestSize(-(-size // BYTES_PER_TOKEN) + answer, most)
    return RequestSize(-(-size // BYTES_PER_TOKEN) + answer, 0)
