"""The llama.cpp server's own process. Run as a script, by path; imports nothing of this project.

It reads one line of JSON from stdin (the settings), writes one line to stdout (``{"url": ...}``) once
it answers, and ends when its parent is gone, however it went.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import xllamacpp

PARENT_SECONDS = 0.5
"""How often the parent's being there is checked."""

BATCH_TOKENS, STEP_TOKENS = 512, 128
"""Tokens of prompts read at one time, and in one step: larger ones take more memory and are no faster."""

TEMPERATURE, TOP_K, TOP_P, MIN_P = 0.8, 40, 0.95, 0.05
"""llama.cpp's own defaults, repeated here so that a new version cannot change them unseen."""


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
    # Prompts of one dataset often begin alike: what the slots have read lately is kept beside them.
    params.cache_ram_mib = settings["prompt_cache_mib"]
    # Half the memory of 16-bit floats, and no measurable change of the answers.
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_Q8_0
    params.n_batch, params.n_ubatch = BATCH_TOKENS, STEP_TOKENS
    params.ui = params.endpoint_slots = False
    params.verbosity = 1
    sampling = params.sampling
    sampling.temp, sampling.top_k, sampling.top_p, sampling.min_p = TEMPERATURE, TOP_K, TOP_P, MIN_P
    return params


def main() -> None:
    """Serve until the parent is gone."""
    # llama.cpp prints to stdout as it likes; the answer line must stand alone.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    settings = json.loads(sys.stdin.readline())
    server = xllamacpp.Server(parameters(settings))
    print(json.dumps({"url": server.listening_address}), file=answers, flush=True)
    # Not the end of stdin: some other child of the parent may hold that pipe open.
    while os.getppid() == settings["parent"]:
        time.sleep(PARENT_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main()
