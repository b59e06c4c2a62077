"""``probe``: grade answers that no model wrote, and say in one word what the grader is."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from dryrun.analysis.probes.profile import Behaviour
from dryrun.cli import options as shared
from dryrun.cli.dataset_options import add_columns, add_dataset, named_again, read_given
from dryrun.cli.options import seconds
from dryrun.cli.output import new_file, write_out
from dryrun.cli.terminal import consoles
from dryrun.core.blocking import run_blocking
from dryrun.core.config import SamplingConfig
from dryrun.core.errors import DryRunError
from dryrun.core.records import Prompt
from dryrun.core.text import note, percent, printable
from dryrun.dataset.draw import draw
from dryrun.engine.prepare import checked_range
from dryrun.graders import GraderSpec, load_grader
from dryrun.graders.judge_access import JudgeAccess
from dryrun.graders.reward_scale import DEFAULT_SCALE
from dryrun.probes.check import check_spec, ground_of, planned_calls, planned_effort
from dryrun.probes.check_run import check_run
from dryrun.probes.grade import ROWS, Effort
from dryrun.probes.result import GraderCheck, ProbeFinding, telling

BLOCKED = 1
DRAWN = 200
"""Rows that are read: some are probed, the others lend their answers."""
BAR_WIDTH = 20
STYLES = {"block": ("red", "■"), "warn": ("yellow", "▲")}


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``probe``."""
    shared.add_grader(command, otherwise="that of --run")
    add_dataset(command)
    command.add_argument("--run", help="check this run's grader on its own prompts; the report will say")
    add_columns(command)
    shared.add_rows(command, ROWS, "probe")
    command.add_argument("--seed", type=int, default=0, help="of the choice of rows (default: %(default)s)")
    command.add_argument(
        "--max-calls", type=shared.positive, help="grades at most; a judge is asked 200 times by default"
    )
    shared.add_reward_range(command, "the grader's")
    command.add_argument("--grade-timeout", type=seconds, metavar="SECONDS", help="a grade may take")
    command.add_argument("--out", type=new_file([".json"]), help="write the check here: .json")
    shared.add_judge(command)
    shared.add_data(command)


def execute(options: argparse.Namespace) -> int:
    """Probe and print; 0 if the grader is sound, 1 if something must be mended first."""
    check = _of_run(options) if options.run else _of_files(options)
    findings = [_finding_lines(finding, options) for finding in check.findings]
    consoles()[0].print(_panel(check), _scoreboard(check), *findings, _not_seen(check), crop=False)
    if options.out is not None:
        write_out(options.out, check.to_json().encode())
    return 0 if check.sound else BLOCKED


def _of_run(options: argparse.Namespace) -> GraderCheck:
    if options.grader or options.dataset:
        raise DryRunError("--run brings its own grader and rows: leave out --grader and --dataset.")
    if options.reward_range:
        raise DryRunError("--run brings its own scale: give --reward-range to regrade, or leave it out.")
    run = shared.run_of(options)
    judge = run.config().judge
    access = None if judge is None else JudgeAccess(judge, shared.judge_key(options))
    checking = check_run(run, access, rows=options.rows, seed=options.seed, calls=options.max_calls)
    return run_blocking(checking).model_copy(update={"run": run.id})


def _of_files(options: argparse.Namespace) -> GraderCheck:
    if not (options.grader and options.dataset):
        raise DryRunError("Give --grader and --dataset, or --run.")
    spec = load_grader(shared.grader(options))
    name, prompts = _prompts(options)
    bounds = checked_range(options.reward_range, spec)
    if bounds != DEFAULT_SCALE:
        note(f"Rewards are read on a scale from {bounds[0]:g} to {bounds[1]:g}; --reward-range sets another.")
    effort = _effort(spec, options)
    if spec.asks_models:
        _say_what_it_costs(spec, prompts, effort, options)
    return run_blocking(
        check_spec(
            spec,
            prompts,
            field=options.reference_field,
            rows=options.rows,
            seed=options.seed,
            effort=effort,
            bounds=bounds if options.reward_range else None,
            judge_access=shared.judge_for(spec, options),
            dataset=name,
        )
    )


def _prompts(options: argparse.Namespace) -> tuple[str, list[Prompt]]:
    """The dataset's name, and rows of it."""
    dataset = read_given(options, options.dataset, max(DRAWN, options.rows))
    sampling = SamplingConfig(size=max(DRAWN, options.rows), seed=options.seed)
    return dataset.ref.name, dataset.prompts(draw(dataset, sampling))


def _effort(spec: GraderSpec, options: argparse.Namespace) -> Effort:
    effort = planned_effort(spec, options.max_calls)
    return effort if options.grade_timeout is None else replace(effort, timeout=options.grade_timeout)


def _say_what_it_costs(
    spec: GraderSpec, prompts: list[Prompt], effort: Effort, options: argparse.Namespace
) -> None:
    ground = ground_of(spec, prompts, field=options.reference_field, rows=options.rows, seed=options.seed)
    calls = planned_calls(spec, ground, effort)
    note(f"The judge will be asked {calls:,} times at most; --max-calls sets another limit.")


def _panel(check: GraderCheck) -> Panel:
    colour, sign = ("green", "●") if check.sound else STYLES["block"]
    word = Text(f"{sign} {check.profile.upper()}", style=f"bold {colour}")
    count = f"{check.graded:,} answers graded on {check.rows:,} rows."
    why = [Text(printable(check.why))] * bool(check.why)
    return Panel(Group(word, Text(check.meaning), Text(count), *why), title="Grader check", expand=False)


def _scoreboard(check: GraderCheck) -> Table:
    """What the telling ways to answer earn; everything in it is text, never markup."""
    table = Table(title="What answers earn", title_justify="left", title_style="bold", box=None)
    table.add_column("answer", overflow="fold")
    table.add_column("", no_wrap=True, overflow="crop")
    table.add_column("mean", justify="right")
    table.add_column("95 %", justify="right")
    table.add_column("n", justify="right")
    right, other = telling(check)
    for title, rows in (
        ("right, the worst paid first", right),
        ("wrong or none, the best paid first", other),
    ):
        table.add_row(Text(title, style="dim"), "", "", "", "")
        for behaviour in rows:
            table.add_row(*map(Text, _line(behaviour)))
    return table


def _line(behaviour: Behaviour) -> tuple[str, ...]:
    bar = "█" * round(min(max(behaviour.mean, 0.0), 1.0) * BAR_WIDTH)
    return (
        printable(behaviour.kind),
        bar,
        f"{behaviour.mean:.2f}",
        f"{behaviour.low:.2f}-{behaviour.high:.2f}",
        f"{behaviour.count:,}",
    )


def _finding_lines(finding: ProbeFinding, options: argparse.Namespace) -> Group:
    colour, sign = STYLES.get(finding.weight, ("dim", "·"))
    lines = [Text(f"\n{sign} {finding.flaw.replace('_', ' ')}: ", style=f"bold {colour}")]
    lines[0].append(printable(finding.sentence), style="default")
    if finding.row is not None:
        shown = printable(finding.text)[:200]
        score = "no score" if finding.score is None else f"{finding.score:.2f}"
        lines.append(Text(f"  row {finding.row}: {shown!r} earns {score}"))
    if finding.also:
        lines.append(Text(f"  Also: {printable(', '.join(finding.also))[:300]}"))
    if finding.detail:
        lines.append(Text(f"  {printable(finding.detail)[:300]}"))
    lines.append(Text(f"  Fix: {finding.fix}"))
    if finding.repro:
        command = printable(_with_names(finding.repro, options))  # in one piece: it is there to be copied
        lines.append(Text(f"  {command}", style="dim", no_wrap=True, overflow="ignore"))
    return Group(*lines)


def _with_names(repro: str, options: argparse.Namespace) -> str:
    """The command with the files' names, where this one was given them."""
    for name, path in (("GRADER", options.grader), ("DATASET", options.dataset)):
        if path is not None:
            repro = repro.replace(f" {name} ", f" {shlex.quote(str(path))} ", 1)
    return repro + (named_again(options) if options.dataset else "")


def _not_seen(check: GraderCheck) -> Group:
    lines = [Text("\nNot seen", style="bold"), *(Text(f"  • {printable(probe)}") for probe in check.missing)]
    if not check.blocking:
        lines.append(Text(f"  • a hole that opens on less than {percent(check.unseen)} of the rows"))
    return Group(*lines)
