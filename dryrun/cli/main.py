"""The command line: ``python -m dryrun COMMAND``; the commands are in `dryrun.cli.commands`.

Exit codes: 0 GO, 1 NO-GO, 2 something the user can put right, 3 INVALID (no verdict), 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import NoReturn

from dryrun.core.blocking import ending_signals
from dryrun.core.errors import DryRunError
from dryrun.core.text import never_refuse_letters, note
from dryrun.core.version import __version__
from dryrun.store.shared.registry import unshared_words

COMMANDS = {
    "run": "sample, generate, grade, judge; the same command resumes",
    "report": "judge a stored run again, e.g. under other thresholds",
    "regrade": "score a run's stored responses with another grader; the model is never called",
    "grade": "try a grader on one response: reward, parts, filled templates, errors",
    "probe": "check the grader: grade right, wrong and worthless answers made from your rows",
    "validate": "check a grader alone, against a dataset, for a platform; grade the reference answers",
    "import": "grade and judge responses generated elsewhere: TRL, verl, verifiers, OpenAI or Azure evals",
    "runs": "list the stored runs, delete some",
    "stop": "end a live run early and keep what is done",
    "plan": "what a sample of a given size will be able to tell, before anything is spent",
    "compare": "two runs side by side: two graders on the same responses, or two runs over prompts",
    "profile": "a row a prompt: pass rate, class, chance of a mixed group; of a run or the whole dataset",
    "training-set": "choose the rows to train on by their profile, with a control and a validation split",
    "forecast": "tokens, hours and dollars of training on this, and whether the trainer's settings fit",
    "outcome": "how a training went, from its log: predicted against actual, over all runs with a score",
    "export": "rows, grader and job in the form of OpenAI, Azure, Bedrock, Fireworks, TRL, verl and others",
    "gate": "may a pipeline go on to training? Exit code, JUnit XML, Markdown, a baseline",
    "labels": "people's labels of a run's responses: what they say of the grader, out to a file, in from one",
    "cache": "list, merge and prune the stored responses and grades",
}

IN_FOLDER = dict.fromkeys(("profile", "training-set", "forecast", "outcome", "export", "gate"), "training")
"""Commands whose module is in a folder of this one: what comes after a verdict."""

USER_ERROR = 2
INTERRUPTED = 130
DASHED = re.compile("[\u2012-\u2015]-?([a-z][a-z-]+)(=.*)?")
"""An option as a word processor or a web page writes it."""
FULL = (errno.ENOSPC, errno.EDQUOT)
END_SECONDS = 5.0
"""How long the end of a command waits for a shared store that takes nothing."""


def main(arguments: Sequence[str] | None = None, prepare: Callable[[], None] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: the process's own.
    prepare : callable, optional
        Called when the command's modules have been imported, before it runs.
    """
    typed = list(sys.argv[1:] if arguments is None else arguments)
    never_refuse_letters()
    try:
        with terminate_as_interrupt():
            options = _parsed(typed)
            if prepare is not None:
                prepare()
            try:
                return int(options.execute(options))
            finally:
                for words in unshared_words(END_SECONDS):
                    note(f"note: {words}")
    except DryRunError as error:
        note(f"error: {error}")
        return USER_ERROR
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "dryrun":
            raise
        note(f"error: The Python package {error.name} is missing. Install: pip install -r requirements.txt")
        return USER_ERROR
    except KeyboardInterrupt:
        note("\nStopped. Everything done so far is kept; the same command goes on.")
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return INTERRUPTED
    except OSError as error:
        if error.errno not in FULL:
            raise
        note(
            f"error: The output cannot be written ({error.strerror}). What was done is kept: free some space."
        )
        return USER_ERROR


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without a page of usage above it."""

    def error(self, message: str) -> NoReturn:
        """Print the sentence and leave with the exit code of a user's mistake."""
        wrong, _, choices = message.partition(" (choose from ")
        near = get_close_matches(wrong.rpartition(": ")[2].strip("'"), re.findall(r"'([^']+)'", choices), n=1)
        if near:
            message = f"{wrong}. Did you mean {near[0]!r}?"
        end = "" if message.endswith("?") else "."
        note(f"error: {message[:1].upper()}{message[1:]}{end} `{self.prog} --help` lists what there is.")
        raise SystemExit(USER_ERROR)


def _parsed(typed: Sequence[str]) -> argparse.Namespace:
    """The options that were typed; of a mistake one sentence says what was meant, and the process exits."""
    top = parser(typed)
    first = next((word for word in typed if not word.startswith("-")), None)
    late = next((word for word in typed if word in COMMANDS), None)
    if first not in COMMANDS and late is not None:
        top.error(f"the command comes first: {top.prog} {late}")
    for word in typed:
        if option := DASHED.fullmatch(word):
            top.error(f"{word} begins with a typographic dash: write --{option[1]}")
    options, unknown = top.parse_known_args(typed)
    if unknown:
        known = options.known
        near = get_close_matches(unknown[0], known._option_string_actions, n=1, cutoff=0.7)
        meant = f". Did you mean {near[0]}?" if near else ""
        known.error(f"unrecognized arguments: {' '.join(unknown)}{meant}")
    return options


def parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The grammar of the command line.

    Parameters
    ----------
    arguments : sequence of str
        The command among them gets its options; the other commands get their line of help only, since
        their modules are heavy.
    """
    top = _Parser(
        prog="python -m dryrun",
        description="Are the prompts learnable, and does the grader work? Ask before you pay for training.",
    )
    top.add_argument("--version", action="version", version=f"dryrun {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name == chosen:
            module = import_module(module_of(name))
            module.add_arguments(command)
            command.set_defaults(execute=module.execute, known=command)
    return top


@contextlib.contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """While it lasts SIGTERM and SIGHUP do what Ctrl-C does, also where SIGINT is ignored: a clean stop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _interrupt) for number in ending_signals()}
    try:
        yield
    finally:
        for number, held in before.items():
            signal.signal(number, held)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def module_of(command: str) -> str:
    """The name of the module that holds a command."""
    folders = [*filter(None, [IN_FOLDER.get(command)]), command.replace("-", "_")]
    return ".".join(["dryrun.cli.commands", *folders])
