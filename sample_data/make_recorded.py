"""Make the recorded examples again: real runs of the embedded model, in ``recorded/``.

    python sample_data/make_recorded.py                   all four, in about ten minutes on two cores
    python sample_data/make_recorded.py recorded-data     this one alone; the others stay
    python sample_data/make_recorded.py --summaries       only their verdicts in lists, judged again

The first one asks the model; the others take its responses, and ask for those that it lacks. Responses are
sampled, so another run gives other responses and nearly the same figures.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent
sys.path.insert(0, str(DATA.parent))  # run as a script, Python looks for packages beside the script only

from dryrun.report.summary import FILE, summarise  # noqa: E402
from dryrun.store.partition import Store, write_aside  # noqa: E402
from dryrun.store.prune import remove_run  # noqa: E402
from dryrun.store.runs import Run, list_runs  # noqa: E402

RECORDED = DATA / "recorded"
LIST = RECORDED / "examples.json"
SMALL = ("--samples", "80")
WITHIN_REACH = ("letter_counting", "letters_at_hand")
TOO_HARD = ("arithmetic", "multiplication", "greatest_common_divisor", "letter_counting")
TOO_HARD += ("word_sorting", "backward_spelling")


def as_it_is(folder: Path) -> list[str]:
    """The whole dataset and the grader of the quick run, all settings at their defaults."""
    return ["--dataset", str(DATA / "reasoning.jsonl"), "--grader", str(DATA / "graders" / "combined.json")]


def rows_within_reach(folder: Path) -> list[str]:
    """120 prompts of topics that the small model gets right now and then, paid by the answer alone."""
    lines = (DATA / "reasoning.jsonl").read_text("utf-8").splitlines(keepends=True)
    dataset = folder / "reasoning-within-reach.jsonl"
    dataset.write_text("".join(line for line in lines if json.loads(line)["topic"] in WITHIN_REACH), "utf-8")
    return ["--dataset", str(dataset), "--grader", str(DATA / "graders" / "exact.json"), "--samples", "120"]


def strict_grader(folder: Path) -> list[str]:
    """80 of the same prompts, under a grader that waits for a word which no prompt asks for."""
    spec = json.loads((DATA / "graders" / "combined.json").read_text("utf-8"))
    spec["name"] = "answer_line"
    spec["graders"]["exact"]["reference"] = "Answer: {{item.reference_answer}}"
    grader = folder / "answer_line.json"
    grader.write_text(json.dumps(spec), encoding="utf-8")
    return ["--dataset", str(DATA / "reasoning.jsonl"), "--grader", str(grader), *SMALL]


def hard_rows(folder: Path) -> list[str]:
    """80 of the hardest prompts, which the small model cannot answer, under a sound grader."""
    lines = (DATA / "reasoning.jsonl").read_text("utf-8").splitlines(keepends=True)
    hard = [line for line in lines if _too_hard(json.loads(line))]
    dataset = folder / "reasoning-hard.jsonl"
    dataset.write_text("".join(hard), encoding="utf-8")
    return ["--dataset", str(dataset), "--grader", str(DATA / "graders" / "exact.json"), *SMALL]


def _too_hard(row: dict[str, Any]) -> bool:
    return row["level"] == "hard" and row["topic"] in TOO_HARD


EXAMPLES: dict[str, Callable[[Path], list[str]]] = {
    "recorded": as_it_is,
    "recorded-go": rows_within_reach,
    "recorded-grader": strict_grader,
    "recorded-data": hard_rows,
}
"""What each example asks, by its name in links. The others take the responses of `recorded`."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[[], *EXAMPLES], help="which (default: all)")
    parser.add_argument("--summaries", action="store_true", help="judge them again, and run nothing")
    options = parser.parse_args()
    for name in EXAMPLES:
        if options.summaries:
            _summarise(Run.open(Store(RECORDED), json.loads(LIST.read_text("utf-8"))[name]))
        elif name in (options.names or EXAMPLES):
            record(name)


def record(name: str) -> None:
    """Run the example, put its files in as few parts as there can be, and note its id."""
    store, known = Store(RECORDED), json.loads(LIST.read_text("utf-8")) if LIST.is_file() else {}
    if name in known:
        remove_run(Run.open(store, known[name]))
    before = {run.id for run in list_runs(store)}
    with tempfile.TemporaryDirectory() as folder:
        options = [*EXAMPLES[name](Path(folder)), "--data", str(RECORDED)]
        # Its exit code is the verdict.
        subprocess.run([sys.executable, "-m", "dryrun", "run", *options], cwd=DATA.parent, check=False)
    (run,) = (run for run in list_runs(store) if run.id not in before)
    _tidy(run)
    known[name] = run.id
    write_aside(
        LIST, json.dumps({link: known[link] for link in EXAMPLES if link in known}, indent=2).encode()
    )


def _tidy(run: Run) -> None:
    plan = run.plan()
    assert plan is not None
    for partition in plan[1:]:
        partition.compact()
    shutil.rmtree(run.folder / "attempts", ignore_errors=True)
    for path in RECORDED.rglob("lock"):
        path.unlink()
    _summarise(run)


def _summarise(run: Run) -> None:
    (run.folder / FILE).unlink(missing_ok=True)
    summarise(run)


if __name__ == "__main__":
    main()
