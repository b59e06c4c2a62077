"""Write down which of 64 responses to a prompt are right.

`tests/data/right_of_64.txt` has a line for each prompt. It was made from a run of the embedded model,

    python -m dryrun run --dataset sample_data/reasoning.jsonl --samples 48 --rollouts 64 --temperature 1.0
        --max-completion-tokens 64 --grader sample_data/graders/partial_credit.json

and ``python -m tests.analysis.training.record_64 RUN``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from dryrun.core.paths import data_dir
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run

FILE = Path(__file__).parents[2] / "data" / "right_of_64.txt"


def write(run: str) -> None:
    """One line for each prompt, a 1 for each response that earned the maximum."""
    observed = load_results(Run.open(Store(data_dir()), run)).observations()
    right = observed.score >= 1.0 - 1e-9
    prompts = [right[observed.prompt == prompt] for prompt in np.unique(observed.prompt)]
    lines = ["".join("1" if one else "0" for one in responses) for responses in prompts]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(sys.argv[1])
