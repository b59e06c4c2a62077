"""The llama.cpp server's own process. Run as a script, by path; imports nothing of this project.

It reads one line of JSON from stdin (the settings), writes one line to stdout (``{"url": ...}``) once
it answers, and ends when stdin ends or its parent is gone, however its parent went.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

import xllamacpp

PARENT_SECONDS = 0.5
"""How often the parent's being there is checked."""

TEMPERATURE, TOP_K, TOP_P, MIN_P = 0.8, 40, 0.95, 0.05
"""llama.cpp's own defaults, said here so that a new version of it cannot change them unseen."""


def parameters(settings: dict[str, Any]) -> Any:
    """llama.cpp's parameters for these settings."""
    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["api_key"]]
    params.n_parallel = settings["slots"]
    params.n_ctx = settings["slots"] * settings["slot_tokens"]
    params.cont_batching = True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    params.cache_ram_mib = 0
    params.ui = params.endpoint_slots = False
    params.verbosity = 1
    sampling = params.sampling
    sampling.temp, sampling.top_k, sampling.top_p, sampling.min_p = TEMPERATURE, TOP_K, TOP_P, MIN_P
    return params


def end_with_stdin() -> None:
    """Ends the process when the other end of stdin is closed, as it is when the parent dies."""
    while os.read(0, 4096):
        pass
    os._exit(0)


def main() -> None:
    """Serve until the parent is gone."""
    parent = os.getppid()
    # llama.cpp prints to stdout as it likes; the answer line must stand alone.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    settings = json.loads(_line_of_stdin())
    threading.Thread(target=end_with_stdin, daemon=True).start()
    server = xllamacpp.Server(parameters(settings))
    print(json.dumps({"url": server.listening_address}), file=answers, flush=True)
    # Some other child of the parent may hold the pipe open; a new parent is a sign nothing can hide.
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os._exit(0)


def _line_of_stdin() -> bytes:
    """The first line, unbuffered: what comes after it is the watching thread's."""
    line = b""
    while not line.endswith(b"\n"):
        more = os.read(0, 1)
        if not more:
            sys.exit("no settings on stdin")
        line += more
    return line


if __name__ == "__main__":
    main()
