"""Runs inside the sandbox: loads one python grader and grades what comes down a pipe.

Handed over compiled, in the first frame, so the standard library is all there is. Nothing here is trusted by
the parent: user code may share this process. Frames are a 4-byte big-endian length and a body: marshal's
format from the parent, JSON to the parent, but for a reply that is nothing but a number (`NUMBER`).

First frame in: what `main` takes; out: ``{"ready": true}``, then ``{"loaded": true}``, ``{"error":
text}`` or ``{"needs": text}``. Then lists of (id, what `fields_of` wants, item) in, and for each a number, or
one of ``{"id", "recycle", "value", "note", "parts"}``, ``{"id", "recycle", "absent", "parts"}`` and ``{"id",
"recycle", "error" or "needs"}`` out.
"""

import contextlib
import os
import sys
import types
from _thread import _count as running_threads
from collections.abc import Callable
from importlib import import_module
from json import dumps
from json import loads as from_json
from marshal import dumps as packed
from marshal import loads
from math import isfinite
from os import _exit, fork, getpid, read, waitpid, write
from struct import Struct
from time import monotonic
from typing import Any

SOURCE_NAME = "<grader>"
MAX_TEXT = 500
GRADER_MODULE = "grader"

is_a, kind_of, length, least, number, text, truth = isinstance, type, len, min, float, str, bool
"""Bound here, like the functions of os and json above: a grader that patches builtins or modules
changes its own grade, not what is reported about it."""

FROM_BYTES, TEXTS = int.from_bytes, (str, bytes, bytearray)

NUMBER = Struct(">IcQd")
"""Length, v or r for a worker to be replaced, the job's id, the reward."""

MAX_REPLY = 1 << 16
"""Most bytes read of a child's reply; an honest one has under 1 KB."""

HOLD_SECONDS = 0.001
"""Replies of quick grades are sent together, as long as one of them does not have to wait for more."""

JSON_BEGINS, JSON_WORDS = '{["-0123456789tfnNI', ("true", "false", "null", "NaN", "Infinity")
"""How JSON can begin, as Python reads it: most responses are seen by that not to be JSON."""

Job = dict[str, Any]

needs: list[str] = []
"""What the code wanted and this sandbox has not."""
Grade = Callable[[Any, Any], Job]
"""Gives the reply, without its frame, for a sample and an item."""


def read_exactly(fd: int, size: int) -> bytes:
    """The next `size` bytes; ends the process when the parent is gone."""
    chunks = []
    while size:
        chunk = read(fd, least(size, 1 << 20))
        if not chunk:
            _exit(0)
        chunks.append(chunk)
        size -= length(chunk)
    return b"".join(chunks)


def read_frame(fd: int) -> Any:
    """The next frame."""
    return loads(read_exactly(fd, FROM_BYTES(read_exactly(fd, 4), "big")))


def write_frame(fd: int, value: Job) -> None:
    """Send a frame, whole."""
    send(fd, framed(value))


def framed(value: Job) -> bytes:
    """A frame. Half a character, which no JSON can hold, becomes a question mark."""
    body = dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return length(body).to_bytes(4, "big") + body


def framed_reply(job: Any, reply: Job, recycle: bool) -> bytes:
    """The frame of a reply, in the short form where it is nothing but a number."""
    if length(reply) == 1 and "value" in reply:
        return NUMBER.pack(NUMBER.size - 4, b"r" if recycle else b"v", job[0], reply["value"])
    return framed({**reply, "id": job[0], "recycle": recycle})


def send(fd: int, frames: bytes) -> None:
    """Write frames, whole."""
    while frames:
        frames = frames[write(fd, frames) :]


def take_over_pipes() -> tuple[int, int]:
    """Move the protocol off the standard streams, which from now on lead nowhere."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    return incoming, outgoing


def brief(error: BaseException) -> str:
    """One line: where in the source, what kind, what it says."""
    where, trace = "", error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == SOURCE_NAME:
            where = f"line {trace.tb_lineno}: "
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename == SOURCE_NAME:
        where = f"line {error.lineno}: "
    try:
        message = text(error)[:MAX_TEXT]
    except BaseException:
        message = "(its message cannot be shown)"
    if is_a(error, ModuleNotFoundError):
        message += "; the sandbox has what is installed beside Dry Run, and this is not installed"
    if is_a(error, LookupError) and "nltk.download('" in message:
        name = message.partition("nltk.download('")[2].partition("'")[0]
        put = f"python -m nltk.downloader -d {sys.prefix}/nltk_data {name}"
        message = f"nltk's data {name} is not where the sandbox can read it. Put it there: {put}"
    return f"{where}{kind_of(error).__name__}: {message}"[:MAX_TEXT]


def load(source: str, adapter: Job | None) -> Grade:
    """Run the source; how to grade with the function it defines.

    Parameters
    ----------
    source : str
    adapter : mapping or None
        For a convention other than OpenAI's: ``{"helpers", "convention", "function", "as_text"}``.
    """
    tools: Job = {"__name__": "adapter"}
    for helper in adapter["helpers"] if adapter else ():
        exec(helper, tools)
    if "stand_in" in tools:
        tools["stand_in"]()
    module = types.ModuleType(GRADER_MODULE)
    module.__file__ = SOURCE_NAME
    sys.modules[GRADER_MODULE] = module  # dataclasses and pickle look their module up by name
    exec(compile(source, SOURCE_NAME, "exec"), vars(module))
    name = adapter["function"] if adapter else "grade"
    function = vars(module).get(name)
    if not callable(function):
        raise TypeError(f"the source defines no function named {name}")
    if adapter is None:
        return lambda sample, item: answer(function(sample, item))
    return settling(
        tools["adapted"](function, *(adapter[name] for name in ("convention", "as_text", "references"))), name
    )


def settling(call: Callable[[Any, Any], Any], name: str) -> Grade:
    """Make a reply of what an adapter gives: reward, further numbers, why there is no reward."""

    def grade(sample: Any, item: Any) -> Job:
        value, parts, absent = call(sample, item)
        if absent:
            return {"absent": absent[:MAX_TEXT], "parts": parts}
        reply = answer(value, name)
        return reply if "error" in reply else {"value": reply["value"], "note": "", "parts": parts}

    return grade


def answer(value: Any, name: str = "grade") -> Job:
    """The reply to what the function returned: a finite number, or why it is none."""
    kind = kind_of(value).__name__
    if value is None or is_a(value, TEXTS):
        return {"error": f"{name} returned {kind}, not a number"}
    try:
        reward = number(value)
    except BaseException as error:
        return {"error": f"{name} returned {kind}, not a number ({kind_of(error).__name__})"}
    if not isfinite(reward):
        return {"error": f"{name} returned {reward}, not a finite number"}
    note = f"{name} returned {truth(value)}, counted as {reward}" if kind in ("bool", "bool_") else ""
    return {"value": reward, "note": note, "parts": {}} if note else {"value": reward}


def grade_one(grade: Grade, job: Any) -> Job:
    """Grade one job; whatever user code raises becomes part of the reply."""
    try:
        sample = fields_of(*job[1])
        sample["output_json"] = parsed(job[1][0], None)
        reply = grade(sample, job[2])
    except BaseException as error:
        reply = {"error": brief(error)}
    return {"needs": needs[0]} if needs else reply


def parsed(response: str, otherwise: Any) -> Any:
    """A response as JSON, or `otherwise`.

    Filled whenever the text is JSON, as the service's run endpoint does; its training jobs fill it only
    with a response format, which validation points out.
    """
    begin = response.lstrip(" \t\n\r")[:1]
    if begin not in JSON_BEGINS or (begin in "tfnNI" and response.strip(" \t\n\r") not in JSON_WORDS):
        return otherwise
    try:
        return from_json(response)
    except (ValueError, RecursionError):
        return otherwise


def fields_of(response: str, refused: bool, tools: list[Job], finish_reason: str | None) -> Job:
    """What ``sample`` holds, ``output_json`` apart: the response as the chat API has it."""
    message: Job = {
        "role": "assistant",
        "content": None if refused else response,
        "refusal": response if refused else None,
    }
    if tools:
        message["tool_calls"] = tools
    return {
        "output_text": response,
        "output_tools": tools,
        "output_audio": None,
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
    }


def serve(incoming: int, outgoing: int, grade: Grade) -> None:
    """Grade until the parent closes the pipe, with a source that is plain: no grade leaves anything."""
    while True:
        held, since = b"", monotonic()
        for job in read_frame(incoming):
            held += framed_reply(job, grade_one(grade, job), False)
            if monotonic() - since > HOLD_SECONDS:
                send(outgoing, held)
                held, since = b"", monotonic()
        send(outgoing, held)


def serve_once(incoming: int, outgoing: int, grade: Grade) -> None:
    """Grade one job where no process can be had for it: this one is not used again."""
    job = read_frame(incoming)[0]
    send(outgoing, framed_reply(job, grade_one(grade, job), True))
    read_exactly(incoming, 1)  # the parent closes it, or ends this process


def serve_fresh(incoming: int, outgoing: int, ready: Callable[[], Grade], leavings: Any) -> None:
    """Grade each job in a child of its own: nothing was graded there before, and nothing stays behind.

    The reply is handed on when everything that the child started has ended. `ready` is called in the child.
    """
    while True:
        for job in read_frame(incoming):

            def graded(job: Any = job) -> bytes:
                return framed_reply(job, grade_one(lambda *arguments: ready()(*arguments), job), False)

            child, status, reading = forked(graded, (incoming, outgoing))
            whole = leavings.clear(child)
            send(
                outgoing, heard(reading, status) or framed_reply(job, {"error": how_it_ended(status)}, False)
            )
            if not whole:
                _exit(1)


def forked(work: Callable[[], bytes], ends: tuple[int, ...]) -> tuple[int, int, int]:
    """Do `work` in a child that has none of these `ends`: its id, how it ended, and where its frame is."""
    reading, writing = os.pipe()
    child = fork()
    if child == 0:
        for end in (*ends, reading):
            os.close(end)
        me = getpid()
        frame = work()
        if getpid() == me:
            send(writing, frame)
        _exit(0)
    os.close(writing)
    _, status = waitpid(child, 0)
    return child, status, reading


def heard(reading: int, status: int) -> bytes:
    """The frame of a child that has ended; nothing where it sent no whole one."""
    os.set_blocking(reading, False)  # something that it started may hold the other end
    try:
        frame = read(reading, MAX_REPLY)
    except BlockingIOError:
        frame = b""
    os.close(reading)
    return b"" if status or FROM_BYTES(frame[:4], "big") != length(frame) - 4 else frame


def keep(incoming: int, outgoing: int, start: Job, tools: Job) -> None:
    """Load the source anew for each job, in a child that is sealed first; no user code runs in this one."""
    seal = tools["sealing"](start["seal"], getpid())
    leavings = tools["Leavings"](False, start["scratch"])

    def ready() -> Grade:
        seal()
        grade = watched(start, tools)
        # what loading wrote stays for both grades
        return twice(grade, tools["Leavings"](False, start["scratch"]).tidy) if start["again"] else grade

    def tried() -> bytes:
        try:
            ready()
        except BaseException as error:
            return framed(tools["unmet_need"](needs, error) or {"error": brief(error)})
        return framed({"loaded": True})

    child, status, reading = forked(tried, (incoming, outgoing))
    leavings.clear(child)
    frame = heard(reading, status) or framed({"error": how_it_ended(status, "the source was loaded")})
    send(outgoing, frame)
    serve_fresh(incoming, outgoing, ready, leavings)


def watched(start: Job, tools: Job) -> Grade:
    """Load the source where there are no processes and no shared folders, and notice code that wants them.

    What is tried in vain while a source loads does no harm, unless it does not load for it.
    """
    global needs
    needs = tools["notice"](start["scratch"])
    grade = load(start["source"], start["adapter"])
    needs.clear()
    return grade


def twice(grade: Grade, tidy: Callable[[], bool]) -> Grade:
    """Grade as after an earlier grade of the same response: a grader that keeps something shows it."""

    def again(sample: Any, item: Any) -> Job:
        try:
            first = grade(loads(packed(sample)), loads(packed(item)))
        except Exception as error:
            first = {"error": brief(error)}
        return grade(sample, item) if tidy() else first

    return again


def how_it_ended(status: int, before: str = "grade returned") -> str:
    """Why a child gave no answer, or none that can be read."""
    code = os.waitstatus_to_exitcode(status)
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"the process ended ({how}) before {before}"


def main(start: Job) -> None:
    """Start up, load the grader, serve."""
    incoming, outgoing = take_over_pipes()
    tools: Job = {"__name__": "tools"}
    for code in start["tools"]:
        exec(code, tools)
    try:
        tools["confine"](start["limits"], start["uid"])
    except (OSError, OverflowError) as error:
        write_frame(outgoing, {"error": f"cannot become user {start['uid']}: {error}"})
        os._exit(1)
    sys.path[:] = [entry for entry in sys.path if entry] + start["paths"]
    write_frame(outgoing, {"ready": True})
    for name in start["imports"]:
        with contextlib.suppress(Exception):  # the source itself will say what is wrong with it
            import_module(name)
    if start["seal"]:
        if not (start["shared"] or running_threads()):
            keep(incoming, outgoing, start, tools)
        tools["sealing"](start["seal"], os.getppid())()
    me = os.getpid()
    try:
        grade = load(start["source"], start["adapter"]) if start["fork"] else watched(start, tools)
    except BaseException as error:
        if os.getpid() == me:
            unmet = tools["unmet_need"](needs, error) if needs else {}
            write_frame(outgoing, unmet or {"error": brief(error)})
        os._exit(0)
    if os.getpid() != me:
        os._exit(0)
    write_frame(outgoing, {"loaded": True})
    leavings = tools["Leavings"](start["private"])
    if start["again"]:
        grade = twice(grade, leavings.tidy)
    if start["shared"]:
        serve(incoming, outgoing, grade)
    elif start["fork"] and not running_threads():  # a fork has none of the threads that loading started
        serve_fresh(incoming, outgoing, lambda: grade, leavings)
    else:
        serve_once(incoming, outgoing, grade)
