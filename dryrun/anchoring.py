"""Measuring anchors for a run: its grader on reference answers and on junk. Costs grades, no generation."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence

import numpy as np
import orjson

from dryrun.analysis.anchors import Anchors, Floats
from dryrun.dataset.references import reference_of
from dryrun.errors import DryRunError
from dryrun.graders import Grader
from dryrun.graders.ceiling import reference_field
from dryrun.graders.schema import load_grader
from dryrun.graders.trial import response
from dryrun.records import Prompt, Sample
from dryrun.results import load_results
from dryrun.runs import Run
from dryrun.store import write_aside

REFERENCES, JUNK, REGRADED, TIMES = 50, 20, 20, 2
AT_ONCE = 32
FILE = "anchors.json"

REFUSAL = "I'm sorry, but I can't help with that."
FILLER = (
    "There are many ways to look at this question, and each of them has its merits. It is important to "
    "weigh all aspects with care before coming to a conclusion, since details matter and circumstances "
    "differ. In general, a thoughtful approach leads to better results over time. "
) * 12

Texts = Sequence[tuple[Prompt, str]]


async def measure(run: Run, grader: Grader, seed: int = 0) -> None:
    """Grade the anchors and keep the raw rewards with the run.

    Parameters
    ----------
    run : Run
        Finished, or far enough to have responses.
    grader : Grader
        Open, the run's own.
    seed : int
        Chooses the prompts.

    Raises
    ------
    StoreError
        They cannot be written.
    """
    prompts = _distinct(run.prompts())
    chance = random.Random(seed)
    chance.shuffle(prompts)
    lane = asyncio.Semaphore(AT_ONCE)

    async def rewards(texts: Texts) -> list[float | None]:
        async def one(prompt: Prompt, text: str) -> float | None:
            async with lane:
                return (await grader.grade(response(text), prompt.item)).reward

        return list(await asyncio.gather(*(one(prompt, text) for prompt, text in texts)))

    known = _references(run, prompts)
    found = {
        "reference": await rewards(known[:REFERENCES]),
        "reformatted": await rewards([(prompt, reformatted(text)) for prompt, text in known[:REFERENCES]]),
        "junk": {name: await rewards(texts) for name, texts in junk(prompts, known).items() if texts},
        "regraded": await _regraded(run, grader, chance, lane),
    }
    write_aside(run.folder / FILE, orjson.dumps(found, option=orjson.OPT_INDENT_2))


def load_anchors(run: Run) -> Anchors | None:
    """What `measure` kept, mapped to 0..1 by the run's reward range; None if nothing was measured."""
    try:
        kept = orjson.loads((run.folder / FILE).read_bytes())
        bounds = run.config().reward_range
        regraded = _scaled(kept["regraded"], bounds) if kept["regraded"] else None
        return Anchors(
            reference=_scaled(kept["reference"], bounds) if kept["reference"] else None,
            reformatted=_scaled(kept["reformatted"], bounds) if kept["reformatted"] else None,
            junk={name: _scaled(values, bounds) for name, values in kept["junk"].items()},
            regraded=regraded if regraded is not None and regraded.ndim == 2 else None,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _scaled(rewards: object, bounds: tuple[float, float]) -> Floats:
    """Rewards on 0..1; None becomes NaN."""
    low, high = bounds
    return (np.array(rewards, dtype=np.float64) - low) / (high - low)


def _distinct(prompts: Sequence[Prompt]) -> list[Prompt]:
    return list({prompt.key: prompt for prompt in prompts}.values())


def _references(run: Run, prompts: Sequence[Prompt]) -> list[tuple[Prompt, str]]:
    try:
        field = reference_field(load_grader(run.config().grader), [prompt.item for prompt in prompts])
    except DryRunError:
        return []
    return [(prompt, text) for prompt in prompts if (text := reference_of(prompt.item, field)) is not None]


def reformatted(text: str) -> str:
    """The same answer in another form: JSON re-ordered and indented, other text with blanks around it."""
    try:
        value = json.loads(text)
    except ValueError:
        return f" {text}\n"
    if isinstance(value, dict):
        return json.dumps(dict(reversed(value.items())), indent=2, ensure_ascii=False)
    return f" {text}\n"


def junk(prompts: Sequence[Prompt], known: Texts) -> dict[str, Texts]:
    """Worthless answers by kind, each to `JUNK` prompts."""
    some = prompts[:JUNK]
    asked = [(prompt, _asked(prompt)) for prompt in some]
    return {
        "empty": [(prompt, "") for prompt in some],
        "refusal": [(prompt, REFUSAL) for prompt in some],
        "echo of the prompt": asked,
        "long filler": [(prompt, FILLER) for prompt in some],
        "format only": [(prompt, _shell(text)) for prompt, text in known[:JUNK]],
        "keyword stuffing": [(prompt, " ".join(sorted(set(text.split())))) for prompt, text in asked],
        "another row's answer": _mismatched(known),
    }


def _asked(prompt: Prompt) -> str:
    content = prompt.messages[-1].get("content")
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _shell(reference: str) -> str:
    """The form of an answer without its content."""
    try:
        value = json.loads(reference)
    except ValueError:
        return "Answer:"
    return json.dumps(dict.fromkeys(value)) if isinstance(value, dict) else "Answer:"


def _mismatched(known: Texts) -> Texts:
    """For each prompt the answer to another one, where that differs: a yes/no key has few."""
    pairs = []
    for number, (prompt, text) in enumerate(known[: 4 * JUNK]):
        _, other = known[(number + 1) % len(known)]
        if other.strip().lower() != text.strip().lower():
            pairs.append((prompt, other))
    return pairs[:JUNK]


async def _regraded(
    run: Run, grader: Grader, chance: random.Random, lane: asyncio.Semaphore
) -> list[list[float | None]]:
    results = load_results(run)
    count = results.rollouts.num_rows
    chosen = sorted(chance.sample(range(count), min(REGRADED, count)))

    async def again(sample: Sample, prompt: Prompt) -> float | None:
        async with lane:
            return (await grader.grade(sample, prompt.item)).reward

    seen = [one for one in results.inspect(chosen) if one.sample.gradable]
    return [[await again(one.sample, one.prompt) for _ in range(TIMES)] for one in seen]
