"""A large run: is memory bounded and the pace even, and do report and page open it without its responses?

Prints peak memory, and the pace of the last tenth as a ratio to the first, in one go. Other work on the
machine comes and goes in a run of minutes, so that pace is given by processor time too (Linux), and by that
of the server, which does the same for every answer and is slowed down by the same neighbours::

    python -m tests.benchmarks.bench_large [--prompts 50000] [--rollouts 4] [--latency 0] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from dryrun.store.partition import Store
from dryrun.store.runs import list_runs
from tests.benchmarks.bench_engine import rows
from tests.benchmarks.mock_endpoint import Settings, counts, mock_endpoint
from tests.helpers.support import EXACT, ROOT, write_jsonl

LOOK_SECONDS = 0.1
MEGA = 2**20 if sys.platform == "darwin" else 2**10


def files(folder: Path, prompts: int) -> list[str]:
    """Dataset and grader on disk, as arguments."""
    grader = folder / "grader.json"
    grader.write_text(json.dumps(EXACT))
    return ["--dataset", str(write_jsonl(folder / "rows.jsonl", rows(prompts))), "--grader", str(grader)]


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a run: answers given; seconds by the clock, of its process, of the server's."""

    answered: int
    wall: float
    cpu: float
    server: float


def processor_seconds(pid: int) -> float:
    """What the process has used so far; NaN where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watched(arguments: list[str], base_url: str) -> tuple[list[Seen], float, float]:
    """Run it; what was seen meanwhile, seconds, and peak memory in MB."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "dryrun", *arguments],
        cwd=ROOT,
        env={**os.environ, "OPENAI_API_KEY": "k"},
        stdout=subprocess.DEVNULL,
    )
    seen: list[Seen] = []
    while True:
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        if ended:
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode in (0, 1, 3), process.returncode
            return seen, time.perf_counter() - began, used.ru_maxrss / MEGA
        if base_url:
            told = counts(base_url)
            seen.append(Seen(told.answered, time.perf_counter(), processor_seconds(process.pid), told.cpu))
        time.sleep(LOOK_SECONDS)


def paces(seen: list[Seen], low: float, high: float) -> tuple[float, float, float]:
    """Between these shares of all answers: answers a second by the clock and of processor time, and the
    server's processor time as a share of the run's."""
    whole = seen[-1].answered
    part = [look for look in seen if low * whole <= look.answered <= high * whole]
    # Looks before the first and after the last answer would count time in which nothing was asked.
    first = [look for look in part if look.answered == part[0].answered][-1]
    last = next(look for look in part if look.answered == part[-1].answered)
    answers = last.answered - first.answered
    used = last.cpu - first.cpu
    return answers / (last.wall - first.wall), answers / used, (last.server - first.server) / used


def open_page(run_id: str) -> None:
    """The results page as a script in this process: seconds and peak memory, without and with the run."""
    from streamlit.testing.v1 import AppTest

    def opened(parameters: dict[str, str]) -> float:
        test = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=300)
        test.run()
        test.switch_page("pages/results.py")
        for key, value in parameters.items():
            test.query_params[key] = value
        began = time.perf_counter()
        test.run()
        assert not test.exception, test.exception[0].message
        return time.perf_counter() - began

    for name in ("recorded", run_id, run_id):
        seconds = opened({"run": name})
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGA
        print(json.dumps([seconds, peak]), flush=True)


def page(run_id: str, data: Path) -> list[list[float]]:
    """What `open_page` prints, from a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bench_large", "--open", run_id],
        cwd=ROOT,
        env={**os.environ, "DRYRUN_DATA": str(data)},
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]


def large(folder: Path, given: argparse.Namespace) -> None:
    """The run, its report, its page."""
    data = folder / "data"
    asked = given.prompts * given.rollouts
    with mock_endpoint(Settings(latency=given.latency)) as base_url:
        model = ["--model", "mock", "--base-url", base_url, "--concurrency", str(given.concurrency)]
        size = ["--samples", str(given.prompts), "--rollouts", str(given.rollouts), "--data", str(data)]
        seen, whole, peak = watched(["run", *files(folder, given.prompts), *model, *size], base_url)
        assert counts(base_url).calls == asked
    first, last = paces(seen, 0.0, 0.1), paces(seen, 0.9, 1.0)
    stored = sum(path.stat().st_size for path in data.rglob("*.parquet")) / 2**20
    print(
        f"{given.prompts:,} prompts x {given.rollouts}: {whole:.0f} s, peak {peak:.0f} MB, "
        f"{stored:.0f} MB stored"
    )
    words = (
        "answers a second",
        "answers a second of processor time",
        "of the server's work a second of ours",
    )
    for name, early, late in zip(words, first, last, strict=True):
        print(f"  {name}: {early:.4g} in the first tenth, {late:.4g} in the last: {late / early:.2f}")
    run_id = list_runs(Store(data))[0].id
    _, seconds, peak = watched(["report", run_id, "--data", str(data)], "")
    print(f"  report: {seconds:.1f} s, peak {peak:.0f} MB")
    (_, base), (cold, peak), (warm, _) = page(run_id, data)
    print(
        f"  results page: {cold:.1f} s the first time, {warm:.1f} s again, "
        f"peak {peak:.0f} MB ({base:.0f} MB with the recorded example of 1,200 responses)"
    )


def main() -> None:
    """Print the figures, or open the page for the parent."""
    options = argparse.ArgumentParser(description="A large run, its report and its page")
    options.add_argument("--prompts", type=int, default=50_000)
    options.add_argument("--rollouts", type=int, default=4)
    options.add_argument("--concurrency", type=int, default=64)
    options.add_argument("--latency", type=float, default=0.0)
    options.add_argument("--keep", type=Path, help="leave the data directory here")
    options.add_argument("--open", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.open:
        open_page(given.open)
    elif given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
        large(given.keep, given)
    else:
        with tempfile.TemporaryDirectory() as folder:
            large(Path(folder), given)


if __name__ == "__main__":
    main()
