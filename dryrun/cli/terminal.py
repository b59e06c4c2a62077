"""What a run looks like in a terminal: progress, banner, figures."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from rich.console import Console, ConsoleOptions, ConsoleRenderable, Group, RenderHook, RenderResult
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from dryrun.analysis.early_stop import Settled
from dryrun.analysis.verdict.topics import standing
from dryrun.core.records import RunState
from dryrun.core.text import number, plural, printable, stopped
from dryrun.models.silence import WAITING
from dryrun.report import Report, outline
from dryrun.store.runs import RunStatus

STYLES = {"GO": ("green", "●"), "NO-GO": ("red", "■"), "INVALID": ("yellow", "▲")}
BAR_WIDTH = 40
BESIDE_BAR = 20
BESIDE_PROGRESS = 60
MOST_TOPICS = 30


def consoles() -> tuple[Console, Console]:
    """Where results go (stdout) and where progress and errors go (stderr)."""
    return harmless(Console(highlight=False)), harmless(Console(stderr=True, highlight=False))


def harmless(console: Console) -> Console:
    """`console`, which from now on prints no control character of what it is given to print."""
    console.push_render_hook(_Harmless())
    return console


class _Harmless(RenderHook):
    """Cleans what was rendered, so that rich's own colours stay; what is taken out has no width."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Wrap everything that is about to be printed."""
        return [_Cleaned(renderable) for renderable in renderables]


class _Cleaned:
    def __init__(self, inner: ConsoleRenderable) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._inner, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


class ProgressLine:
    """One live line while a run goes on, in a terminal or a notebook; elsewhere a few plain lines.

    Use as a context manager and hand `show` to `dryrun.engine.work.work_on`.

    Parameters
    ----------
    console : Console
    plain : bool
        Whether those few lines are printed where no live line can be.
    """

    def __init__(self, console: Console, plain: bool = True) -> None:
        self._console = console
        self._live = console.is_terminal or console.is_jupyter
        self._plain = plain
        self._last_message, self._ended = "", ""
        self._settled: Settled | None = None
        self._first = ""
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(min(BAR_WIDTH, max(5, console.width - BESIDE_PROGRESS))),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            TimeRemainingColumn(),
            console=console,
            disable=not self._live,
        )
        self._task: TaskID = self._progress.add_task("starting", total=None, detail="")

    def __enter__(self) -> ProgressLine:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, status: RunStatus, settled: Settled | None = None) -> None:
        """Take over the newest status, and whether the verdict has settled; called from any thread."""
        if settled is not None and self._settled is None:
            self._settled = settled
            if self._live or self._plain:
                offer = "Stop here and keep what is done: python -m dryrun stop, from another terminal."
                self._console.print(Text(f"{settled.sentence} {offer}"), soft_wrap=True)
        self._show_first(status.first)
        self._say_plainly(status)
        detail = f"{status.graded:,} graded"
        for word in ("reused", "failed", "ungraded"):
            detail += f", {count:,} {word}" if (count := getattr(status, word)) else ""
        if settled is not None:
            detail += f", settled since prompt {settled.since:,}"
        self._progress.update(
            self._task,
            description=printable(status.message).partition(". ")[0][:60] or "working",
            completed=status.sampled,
            total=status.total or None,
            detail=detail,
        )

    def _show_first(self, answer: str) -> None:
        if answer and answer != self._first and (self._live or self._plain):
            self._console.print(Text(printable(f"Endpoint and model work. {answer}")), soft_wrap=True)
        self._first = answer

    def _say_plainly(self, status: RunStatus) -> None:
        """A line for each stage, where no live line can be. The caller says why a run stopped."""
        about = status.message.partition(":")[0]
        if not status.live:
            if about == self._ended:  # said before the grader was tried
                return
            self._ended = self._ended or about
        waits = status.message.startswith(WAITING)
        in_vain = status.state is RunState.CANCELLED and not status.sampled
        if (waits or in_vain or (self._plain and not self._live)) and about != self._last_message:
            self._last_message = about
            if status.state is not RunState.STOPPED:
                self._console.print(Text(printable(status.message)), soft_wrap=True)


def print_report(console: Console, report: Report) -> None:
    """The banner and the figures."""
    console.print(_banner(report))
    console.print(_distribution(report, console.width))
    console.print(_figures(report))
    if report.by_topic:
        console.print(_topics(report))
    for title, lines in _sections(report):
        if lines:
            console.print(Text(f"\n{title}", style="bold"))
            for line in lines:
                console.print(Text(f"  {line}"), soft_wrap=True)


def _banner(report: Report) -> Panel:
    colour, sign = STYLES[report.verdict]
    word = Text(f"{sign} {report.headline}", style=f"bold {colour}")
    summary = Text(report.diagnosis.summary)
    prompts, responses = report.samples_evaluated, report.responses_evaluated
    tested = Text(f"Tested: {plural(prompts, 'prompt')}, {plural(responses, 'response')} with a score.")
    reasons = [Text(sentence) for sentence in report.evidence.sentences] if report.evidence else []
    return Panel(Group(word, summary, *reasons, tested), title="Dry Run", border_style=colour, expand=False)


def _distribution(report: Report, room: int) -> Table:
    width = min(BAR_WIDTH, max(5, room - BESIDE_BAR))
    table = Table(title="Score distribution", title_justify="left", box=None, show_header=False)
    table.add_column("bin")
    table.add_column("bar")
    table.add_column("share", justify="right")
    for label, share in (report.distribution or {}).items():
        table.add_row(label, "█" * round(share * width), f"{share:6.1%}")
    return table


def _figures(report: Report) -> Text:
    names = ("mean", "std", "median", "min", "max")
    parts = (f"{name.capitalize()} {number(getattr(report.statistics, name))}" for name in names)
    return Text("  ".join(parts), style="bold")


def printed_table(title: str, content: outline.Table) -> Table:
    """A table of a report's or a comparison's outline."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for place, name in enumerate(content.titles):
        figures = place in content.numbers
        table.add_column(name, justify="right" if figures else "left", no_wrap=figures, overflow="fold")
    for row in content.rows:
        table.add_row(*map(Text, row))
    return table


def print_sections(console: Console, sections: Iterable[outline.Section]) -> None:
    """Sections of an outline: the title, the lines, the tables that have rows."""
    for section in sections:
        if section.title:
            console.print(section.title, style="bold")
        for line in section.lines:
            console.print(Text("".join(line)), soft_wrap=True)
        for table in section.tables:
            if table.rows:
                console.print(printed_table("", table))


def _topics(report: Report) -> Table:
    rows = [
        (
            name or "(no topic)",
            number(at.mean),
            number(at.std),
            str(at.count),
            standing(at.status, at.evidence),
        )
        for name, at in islice(report.by_topic.items(), MOST_TOPICS)
    ]
    titles = ("Topic", "Mean", "Std", "Count", "Status")
    title = (
        "By topic"
        if len(rows) == len(report.by_topic)
        else f"By topic, the worst {len(rows)} of {len(report.by_topic):,}"
    )
    return printed_table(title, outline.Table(titles, rows, frozenset({1, 2, 3})))


def _sections(report: Report) -> list[tuple[str, list[str]]]:
    diagnosis = report.diagnosis
    causes = [f"{number}. {cause}" for number, cause in enumerate(report.cause_lines, 1)]
    reasons = [f"{reason.count:,} × {printable(reason.words)}" for reason in report.missing_reasons]
    return [
        ("Quality", [f"Dataset: {diagnosis.dataset_word}", f"Grader: {diagnosis.grader_word}"]),
        ("Grader check", outline.check_lines(report.grader_check) if report.grader_check else []),
        ("Not measured", [f"• {line}" for line in report.not_measured]),
        ("Likely causes", causes),
        ("Recommended actions", [f"• {stopped(line)}" for line in diagnosis.recommendations]),
        ("Why scores are missing", reasons),
        ("Warnings", [f"• {line}" for line in diagnosis.warnings]),
    ]
