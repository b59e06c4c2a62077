"""The samples of a large run: what the first look, a filter, a search and the next sample cost the server.

Prints seconds of the functions alone and of the page, and the process's peak memory after each::

    python -m tests.benchmarks.bench_samples [--prompts 25000] [--rollouts 4] [--words 120] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from dryrun.analysis.selection import Filters, Show, Sort, choose
from dryrun.core.config import ModelConfig, ModelKind, SamplingConfig
from dryrun.core.fingerprint import fingerprint
from dryrun.core.records import Grade, GradeOutcome, RunState, Sample, SampleOutcome
from dryrun.dataset import dataset_from_items
from dryrun.engine.plan import make_plan
from dryrun.engine.prepare import prepare, start
from dryrun.models.build import build_model
from dryrun.probes.read_responses import unpaid_right
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run, RunStatus, list_runs
from dryrun.store.schemas import grade_row, sample_row
from dryrun.store.texts import search_texts
from tests.helpers.support import FUZZY, ROOT, sum_rows

PART = 2_000
"""Rows of a stored part."""
MEGA = 2**20 if sys.platform == "darwin" else 2**10
WORDS = ["the", "model", "adds", "both", "numbers", "and", "says", "what", "it", "found"]
RARE = "zymurgy"


def large_run(store: Store, prompts: int, rollouts: int, words: int) -> Run:
    """A finished run, its responses and grades made up."""
    model = ModelConfig(kind=ModelKind.ENDPOINT, name="made-up", base_url="http://127.0.0.1:9/v1", seed=0)
    sampling = SamplingConfig(size=prompts, rollouts=rollouts)
    run = start(store, prepare(dataset_from_items(sum_rows(prompts)), FUZZY, model=model, sampling=sampling))
    source = build_model(model, "key", lambda _: None)
    plan = make_plan(run.prompts(), run.config(), source)
    samples, grades = store.samples(fingerprint(source.identity)), store.grades(plan.grader)
    run.write_plan(plan.table, samples.folder.name, grades.folder.name)
    chance = random.Random(0)
    rows = plan.table.to_pylist()
    for begin in range(0, len(rows), PART):
        some = rows[begin : begin + PART]
        samples.append([sample_row(answer(row, chance, words)) for row in some])
        grades.append([grade_row(row["grade_key"], graded(chance)) for row in some])
    done = len(rows)
    run.write_status(RunStatus(RunState.FINISHED, done, done, done, message="Made up.", started=time.time()))
    return run


def answer(row: dict[str, Any], chance: random.Random, words: int) -> Sample:
    """A response of random words; one of 5,000 has a rare one."""
    said = chance.choices(WORDS, k=words) + ([RARE] if chance.random() < 1 / 5_000 else [])
    outcome = SampleOutcome.ANSWERED
    return Sample(row["sample_key"], row["rollout"], outcome, " ".join(said), completion_tokens=len(said))


def graded(chance: random.Random) -> Grade:
    """A score by chance."""
    return Grade(GradeOutcome.GRADED, round(chance.betavariate(2, 3), 3))


@contextlib.contextmanager
def measured(what: str) -> Iterator[None]:
    """Print seconds by the clock and of the processor, and the process's peak memory."""
    began, cpu = time.perf_counter(), time.process_time()
    yield
    took, used = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGA
    print(f"{what:44}{took:8.2f}{used:8.2f}{peak:8.0f}", flush=True)


def functions(run: Run) -> None:
    """What the page calls, one by one."""
    with measured("read the run's figures"):
        results = load_results(run)
        seen = results.observations()
    with measured("sort all by score"):
        rows = choose(seen, Show.ALL, Filters(), Sort.LOWEST)
    with measured("the five highest of a topic"):
        choose(seen, Show.HIGHEST, Filters("odd"))
    with measured("texts of one page of 20"):
        results.inspect(rows[:20].tolist())
    with measured("texts of one prompt's responses"):
        results.inspect(range(4))
    for words in (RARE, "numbers", "not there at all"):
        with measured(f"search all texts for {words!r}"):
            found = search_texts(results, words)
        print(f"    {found.rows.size:,} of {rows.size:,} responses, {found.read:,} read, {found.complete=}")
    with measured("read unpaid ones for the right answer"):
        unpaid_right(results, seen)


def page(run: Run) -> None:
    """The page in this process."""
    test = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=300)
    test.query_params["run"] = run.id
    test.query_params["tab"] = "Samples"
    test.run()
    with measured("page: first show"):
        test.switch_page("pages/results.py").run()
    assert not test.exception, test.exception[0].message
    with measured("page: shown again"):
        test.run()
    with measured("page: a topic"):
        test.selectbox(key="topic").set_value("odd").run()
    with measured("page: a search"):
        test.text_input(key="search").set_value(RARE).run()
    with measured("page: the next sample"):
        test.button(key="sample_next").click().run()
    assert not test.exception, test.exception[0].message


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description="The samples of a large run")
    for name, default in (("--prompts", 25_000), ("--rollouts", 4), ("--words", 120)):
        options.add_argument(name, type=int, default=default)
    options.add_argument("--keep", type=Path, help="a data directory to leave the run in, or to find it in")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = given.keep or Path(folder)
        os.environ["DRYRUN_DATA"] = str(data)
        store = Store(data)
        known = list_runs(store) if store.runs.is_dir() else []
        print(f"{'':44}{'s':>8}{'CPU s':>8}{'MB':>8}")
        with measured("(imports; makes the run)"):
            run = known[0] if known else large_run(store, given.prompts, given.rollouts, given.words)
        functions(run)
        page(run)


if __name__ == "__main__":
    main()
