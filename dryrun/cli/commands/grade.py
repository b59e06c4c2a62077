"""``grade``: one response, one row, one grader; everything that went into the reward."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from dryrun.cli import options as shared
from dryrun.cli.dataset_options import add_columns, columns_of
from dryrun.cli.terminal import consoles
from dryrun.core.blocking import run_blocking
from dryrun.core.errors import DryRunError, Problem, text_of_file
from dryrun.core.text import cut, plural, say
from dryrun.dataset import read_dataset
from dryrun.dataset.columns import ColumnMap, shaped
from dryrun.graders import load_grader
from dryrun.graders.format.json_text import explained
from dryrun.graders.trial import Trial, try_out

TABLES = (".csv", ".tsv", ".parquet")
SHOWN = 600
"""Characters of a filled template that are printed."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``grade``."""
    shared.add_grader(command)
    command.add_argument("--item", type=Path, help="the row: a JSON file, or a dataset")
    command.add_argument("--row", type=shared.positive, default=1, help="which row of --item (default: 1)")
    command.add_argument("--text", required=True, help="the response; - reads it from standard input")
    command.add_argument("--json", action="store_true", help="print JSON")
    add_columns(command)
    shared.add_timeout(command)
    shared.add_judge(command)


def execute(options: argparse.Namespace) -> int:
    """Grade it and print."""
    spec = load_grader(shared.grader(options))
    item = _item(options.item, options.row, columns_of(options)) if options.item else {}
    text = sys.stdin.read() if options.text == "-" else options.text
    judge = shared.judge_for(spec, options)
    tried = run_blocking(try_out(spec, text, item, grade_timeout=options.grade_timeout, judge=judge))
    if options.json:
        say(json.dumps(_as_json(tried), indent=2, default=dict))
    else:
        consoles()[0].print(_as_table(tried, spec.describe()))
    return 0


def _item(path: Path, row: int, columns: ColumnMap) -> dict[str, Any]:
    """The row in a JSON object, a list of them, JSONL, or a dataset of another format."""
    if path.suffix.lower() in TABLES and path.is_file():
        dataset = read_dataset(path, path.name, columns)
        _check_row(row, len(dataset), path)
        return dict(dataset.prompt(row - 1).item)
    text = text_of_file(path, "--item")
    try:
        value = json.loads(text)
        rows = value if isinstance(value, list) else [value]
    except ValueError:
        rows = [line for line in text.splitlines() if line.strip()]
    _check_row(row, len(rows), path)
    value = _value(path, rows[row - 1], row) if isinstance(rows[row - 1], str) else rows[row - 1]
    if not isinstance(value, dict):
        raise DryRunError(f"--item {path}: a row is a JSON object with the fields the grader names.")
    item = shaped(value, columns)
    return value if isinstance(item, Problem) else dict(item)  # a grader may do without a prompt


def _check_row(row: int, rows: int, path: Path) -> None:
    if row > rows:
        raise DryRunError(f"--row {row}: {path} has {plural(rows, 'row')}.")


def _value(path: Path, line: str, row: int) -> Any:
    """The value of a line; of a file that is one spoilt object, it is explained as a whole."""
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        text = path.read_text(encoding="utf-8-sig")
        whole = _error_of(text) if text.lstrip().startswith(("{\n", "{\r", "[")) else None
        problem = explained(text, whole) if whole else explained(line, error)
        at = problem.where if whole else problem.where.replace("line 1", f"row {row}")
        raise DryRunError(f"--item {path}, {at}: {problem.what} {problem.fix}".rstrip()) from None


def _error_of(text: str) -> json.JSONDecodeError | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error
    return None


def _as_json(tried: Trial) -> dict[str, Any]:
    grade = tried.grade._asdict()
    judge, seconds = grade.pop("detail"), round(grade.pop("seconds"), 6)
    return {**grade, "filled": tried.filled, "seconds": seconds, "judge": judge}


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
    rows += [(where, cut(text, SHOWN)) for where, text in tried.filled.items()]
    if grade.detail:
        rows.append(("judge", cut(grade.detail, SHOWN)))
    if grade.prompt_tokens is not None:
        rows.append(("tokens", f"{grade.prompt_tokens:,} in, {grade.completion_tokens or 0:,} out"))
    rows.append(("time", f"{grade.seconds * 1000:.1f} ms"))
    for name, value in rows:
        table.add_row(Text(name, style="bold"), Text(value))
    return table
