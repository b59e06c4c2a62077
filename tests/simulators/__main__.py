"""`python -m tests.simulators --out FILE [--half open|held-out|third|third-read] [--repeats N]`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tests.simulators.cases import conditions
from tests.simulators.runs import simulated
from tests.simulators.summary import rows, summarised, table


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Train small policies and hold the gain against the verdict."
    )
    parser.add_argument("--out", type=Path, required=True, help="JSON file for the figures and all runs")
    parser.add_argument("--half", choices=("open", "held-out", "third", "third-read"), default="open")
    parser.add_argument("--repeats", type=int, default=2, help="runs of each condition")
    options = parser.parse_args()
    chosen = [one for one in conditions(options.repeats) if one.half == options.half]
    runs = [simulated(condition) for condition in chosen]
    figures = summarised(runs)
    options.out.write_text(
        json.dumps({"half": options.half, "figures": figures, "runs": rows(runs)}, indent=1)
    )
    print(table(figures))


if __name__ == "__main__":
    main()
