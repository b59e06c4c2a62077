"""``grade``: one response, one row, one grader; everything that went into the reward."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from dryrun.commands import options as shared
from dryrun.commands.values import seconds
from dryrun.errors import DryRunError
from dryrun.graders import load_grader
from dryrun.graders.trial import Trial, try_out
from dryrun.printing import say
from dryrun.runner import run_blocking
from dryrun.terminal import consoles

SHOWN = 600
"""Characters of a filled template that are printed."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``grade``."""
    shared.add_grader(command)
    command.add_argument("--item", type=Path, help="the row, a JSON file (of JSONL the first line)")
    command.add_argument("--row", type=shared.positive, default=1, help="line of --item (default: 1)")
    command.add_argument("--text", required=True, help="the response; - reads it from standard input")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--grade-timeout", type=seconds, default=120.0, metavar="SECONDS")
    shared.add_judge(command)


def execute(options: argparse.Namespace) -> int:
    """Grade it and print."""
    spec = load_grader(shared.grader(options))
    item = _item(options.item, options.row) if options.item else {}
    text = sys.stdin.read() if options.text == "-" else options.text
    judge = shared.judge_access(options) if spec.asks_models else None
    tried = run_blocking(try_out(spec, text, item, grade_timeout=options.grade_timeout, judge=judge))
    if options.json:
        say(json.dumps(_as_json(tried), indent=2))
    else:
        consoles()[0].print(_as_table(tried, spec.describe()))
    return 0


def _item(path: Path, row: int) -> dict[str, Any]:
    text = shared.text_of(path, "--item")
    try:
        value = json.loads(text)
        value = value[row - 1] if isinstance(value, list) and row <= len(value) else value
    except ValueError:
        value = _line(path, text, row)
    if not isinstance(value, dict):
        raise DryRunError(f"--item {path}: a row is a JSON object with the fields the grader names.")
    return value


def _line(path: Path, text: str, row: int) -> Any:
    lines = [line for line in text.splitlines() if line.strip()]
    if row > len(lines):
        raise DryRunError(f"--row {row}: {path} has {len(lines):,} lines.")
    try:
        return json.loads(lines[row - 1])
    except ValueError as error:
        raise DryRunError(f"--item {path}, line {row}: not JSON ({error}).") from error


def _as_json(tried: Trial) -> dict[str, Any]:
    grade = tried.grade
    return {
        "outcome": grade.outcome.value,
        "reward": grade.reward,
        "sub_rewards": dict(grade.sub_rewards),
        "errors": dict(grade.errors),
        "filled": dict(tried.filled),
        "seconds": round(grade.seconds, 6),
        "prompt_tokens": grade.prompt_tokens,
        "completion_tokens": grade.completion_tokens,
        "judge": grade.detail,
    }


def _shortened(text: str) -> str:
    return text[:SHOWN] + ("..." if len(text) > SHOWN else "")


def _as_table(tried: Trial, about: str) -> Table:
    """Two columns; everything in it is text, never markup."""
    grade = tried.grade
    table = Table(show_header=False, box=None, pad_edge=False)
    reward = "none" if grade.reward is None else f"{grade.reward:g}"
    rows = [("grader", about), ("reward", f"{reward} ({grade.outcome.value.replace('_', ' ')})")]
    rows += [
        (f"  {key}", "none" if value is None else f"{value:g}") for key, value in grade.sub_rewards.items()
    ]
    rows += [(f"error {name}", detail) for name, detail in grade.errors.items()]
    rows += [(where, _shortened(text)) for where, text in tried.filled.items()]
    if grade.detail:
        rows.append(("judge", _shortened(grade.detail)))
    if grade.prompt_tokens is not None:
        rows.append(("tokens", f"{grade.prompt_tokens:,} in, {grade.completion_tokens or 0:,} out"))
    rows.append(("time", f"{grade.seconds * 1000:.1f} ms"))
    for name, value in rows:
        table.add_row(Text(name, style="bold"), Text(value))
    return table
