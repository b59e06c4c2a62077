"""Trainings that others published, as far as their figures go. Nothing here is estimated.

Nobody published several responses to each prompt, so no Signal Index and no share of mixed groups is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

COOKBOOK = "OpenAI cookbook, Reinforcement_Fine_Tuning.ipynb"
COOKBOOK_URL = "https://cookbook.openai.com/examples/reinforcement_fine_tuning"


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """One training.

    Attributes
    ----------
    name, source, url : str
    start, end : tuple of float
        Mean scores on 0..1 before and after, one for each time it was measured; empty where not published.
    foretold : str
        What the decision tree says of the figures before training.
    came : str
        The outcome beyond the figures.
    missing : tuple of str
        What was not published.
    """

    name: str
    source: str
    url: str
    start: tuple[float, ...]
    end: tuple[float, ...]
    foretold: str
    came: str
    missing: tuple[str, ...]

    @property
    def gain(self) -> float | None:
        """Mean of `end` less mean of `start`; None where one was not published."""
        return float(np.mean(self.end) - np.mean(self.start)) if self.start and self.end else None

    @property
    def gain_error(self) -> float | None:
        """Its standard error by the repeated measurements; None where one of them was not repeated."""
        if min(len(self.start), len(self.end)) < 2:
            return None
        return math.sqrt(sum(np.var(side, ddof=1) / len(side) for side in (self.start, self.end)))


PUBLISHED = (
    PublishedRun(
        name="Medical diagnosis, second model grader (o4-mini)",
        source=COOKBOOK,
        url=COOKBOOK_URL,
        start=(0.72282, 0.72807, 0.74812),
        end=(0.77309, 0.76975, 0.78996),
        foretold="GO, mean 0.73 and std above 0.15 (22 of 100 scores are at most 0.4, 60 at least 0.8)",
        came="Measured on 100 validation prompts, three times.",
        missing=(),
    ),
    PublishedRun(
        name="Medical diagnosis, first model grader (o4-mini)",
        source=COOKBOOK,
        url=COOKBOOK_URL,
        start=(),
        end=(),
        foretold="",
        came="The reward rose by 20 to 30 points without better answers: longer ones were paid.",
        missing=("scores before and after",),
    ),
    PublishedRun(
        name="Medical diagnosis, text similarity and exact match (o4-mini)",
        source=COOKBOOK,
        url=COOKBOOK_URL,
        start=(0.5910, 0.5750, 0.5944),
        end=(),
        foretold="the mean of 0.59 does not stop it; the std is not published",
        came="The reward stagnated.",
        missing=("scores after training",),
    ),
    PublishedRun(
        name="Countdown (o4-mini)",
        source="microsoft-foundry/fine-tuning, Demos/RFT_Countdown",
        url="https://github.com/microsoft-foundry/fine-tuning",
        start=(0.76, 0.79),
        end=(0.86,),
        foretold="",
        came="Shares of answers with 5 of 5 points, not mean rewards: 0.76 and, in another run, 0.79 before.",
        missing=("mean rewards", "a second measurement after training"),
    ),
    PublishedRun(
        name="GSM8K (gpt-oss-20b on Amazon Bedrock)",
        source="AWS blog on reinforcement fine-tuning in Amazon Bedrock",
        url="https://aws.amazon.com/blogs/machine-learning/",
        start=(),
        end=(),
        foretold="",
        came="A plotted curve goes from about 0.56 to between 0.85 and 0.97 over 67 steps with batches of 4: "
        "a gain of about 0.29 to 0.41. Step 4 alone has 0.4375.",
        missing=("the rewards of the steps",),
    ),
    PublishedRun(
        name="Example event of the guide (o4-mini)",
        source="OpenAI, guide to reinforcement fine-tuning",
        url="https://developers.openai.com/api/docs/guides/reinforcement-fine-tuning",
        start=(),
        end=(),
        foretold="",
        came="Step 10 of 20 alone: training reward 0.4216, validation 0.675.",
        missing=("the first and the last steps",),
    ),
)
"""What was found in November 2026."""
