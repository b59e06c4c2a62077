"""`python -m tests.study pretrain|run|collect|again|report`; see `--help`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

WHERE = Path.home() / ".cache" / "dryrun-study"


def _pretrain(options: argparse.Namespace) -> None:
    from tests.study.pretrain import pretrain

    pretrain(options.data / "checkpoints")


def _run(options: argparse.Namespace) -> None:
    os.environ.setdefault(
        "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    )  # before JAX is imported
    from tests.study.work import work

    work(options.data, options.worker, options.workers)


def _collect(options: argparse.Namespace) -> None:
    from tests.study.collect import collect

    collect(options.data)


def _again(options: argparse.Namespace) -> None:
    from tests.study.again import judge_again

    judge_again(options.data)


def _report(options: argparse.Namespace) -> None:
    from tests.study.report import write_report

    write_report()


COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], None], str]] = {
    "pretrain": (_pretrain, "train the policies' checkpoints"),
    "run": (_run, "judge and train all conditions that have no result yet"),
    "collect": (_collect, "write the results to the committed Parquet file"),
    "again": (_again, "judge all conditions again by the program as it is now"),
    "report": (_report, "write docs/evidence.md from the Parquet file"),
}


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="tests.study", description="Does GO predict that training learns?")
    parser.add_argument(
        "command", choices=COMMANDS, help="; ".join(f"{n}: {h[1]}" for n, h in COMMANDS.items())
    )
    parser.add_argument("--data", type=Path, default=WHERE, help="checkpoints and results (%(default)s)")
    parser.add_argument("--worker", type=int, default=0, help="which of the worker processes this is, from 0")
    parser.add_argument("--workers", type=int, default=1, help="processes that share the runs")
    options = parser.parse_args(words)
    COMMANDS[options.command][0](options)


if __name__ == "__main__":
    main()
