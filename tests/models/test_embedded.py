"""The embedded model: real llama.cpp, real weights, real kills."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from dryrun.core.config import ModelConfig
from dryrun.core.errors import ModelError
from dryrun.core.records import Sample, SampleOutcome
from dryrun.models.embedded.model import EmbeddedModel
from dryrun.models.embedded.server import SLOTS, LlamaServer, shared_server
from dryrun.models.embedded.weights import ensure_weights
from tests.helpers.asking import make_prompt
from tests.helpers.support import ROOT, wait_until

LONG = "Write a long story about a fox."


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


async def ask(*texts: str, rollout: int = 0, **fields: object) -> list[Sample]:
    model = EmbeddedModel(ModelConfig.model_validate({"max_completion_tokens": 8, **fields}))
    async with model:
        return list(await asyncio.gather(*(model.generate(make_prompt(text), rollout) for text in texts)))


@pytest.mark.slow
def test_more_than_the_slots_at_once_are_answered_and_named_as_foretold() -> None:
    texts = [f"What is {number} + 1?" for number in range(4 * SLOTS)]
    samples = asyncio.run(ask(*texts, seed=1))
    before = EmbeddedModel(ModelConfig(max_completion_tokens=8, seed=1))
    assert {sample.outcome for sample in samples} <= {SampleOutcome.ANSWERED, SampleOutcome.TRUNCATED}
    assert all(sample.text and sample.prompt_tokens and sample.completion_tokens for sample in samples)
    assert [sample.key for sample in samples] == [before.sample_key(make_prompt(text), 0) for text in texts]
    assert len({sample.text for sample in samples}) > SLOTS
    assert before.concurrency == SLOTS


@pytest.mark.slow
def test_the_same_seed_or_no_temperature_gives_the_same_answer() -> None:
    greedy = [asyncio.run(ask(LONG, temperature=0.0, rollout=rollout))[0].text for rollout in (0, 5)]
    seeded = [asyncio.run(ask(LONG, temperature=1.0, seed=seed))[0].text for seed in (3, 3, 4)]
    assert greedy[0] == greedy[1]
    assert seeded[0] == seeded[1] != seeded[2]


def test_each_response_has_a_seed_of_its_own() -> None:
    unseeded, seeded = EmbeddedModel(ModelConfig()), EmbeddedModel(ModelConfig(seed=2**32 - 2))
    seeds = [unseeded.seed(make_prompt(text), rollout) for text in ("a", "b") for rollout in range(4)]
    assert len(set(seeds)) == 8
    assert seeds[0] == EmbeddedModel(ModelConfig()).seed(make_prompt("a"), 0)
    assert [seeded.seed(make_prompt("a"), rollout) for rollout in range(2)] == [2**32 - 2, 0]


@pytest.mark.slow
def test_a_server_that_is_killed_is_started_again_and_every_prompt_answered() -> None:
    server = shared_server(ensure_weights())

    async def kill_while_it_answers() -> tuple[list[bool], list[Sample]]:
        model = EmbeddedModel(ModelConfig(max_completion_tokens=24))
        async with model:
            tasks = [asyncio.create_task(model.generate(make_prompt(LONG), n)) for n in range(6)]
            await asyncio.sleep(0.1)
            assert server.pid is not None
            os.kill(server.pid, signal.SIGSTOP)
            await asyncio.sleep(0.5)  # what it had answered by then has arrived
            answered = [task.done() for task in tasks]
            os.kill(server.pid, signal.SIGKILL)
            return answered, list(await asyncio.gather(*tasks))

    answered, samples = asyncio.run(kill_while_it_answers())
    assert not all(answered)
    assert all(sample.gradable and sample.text for sample in samples)
    assert [sample.attempts for sample in samples] == [1 if early else 2 for early in answered]


@pytest.mark.slow
def test_a_server_that_stands_still_is_started_again_and_its_call_answered() -> None:
    server = shared_server(ensure_weights())

    async def ask_a_server_that_stands_still() -> Sample:
        model = EmbeddedModel(ModelConfig(max_completion_tokens=24, timeout=0.001))
        model.still_seconds = 2.0
        async with model:
            assert server.pid is not None
            os.kill(server.pid, signal.SIGSTOP)
            return await model.generate(make_prompt(LONG), 0)

    sample = asyncio.run(ask_a_server_that_stands_still())
    assert (sample.attempts, bool(sample.text)) == (2, True)


@pytest.mark.slow
def test_a_request_without_the_key_is_refused() -> None:
    server = LlamaServer(ensure_weights())
    try:
        address = server.acquire()
        body = json.dumps({"messages": [{"role": "user", "content": "hi"}]}).encode()
        for headers in ({}, {"Authorization": "Bearer none"}):
            request = urllib.request.Request(
                f"{address.url}/chat/completions", body, {"Content-Type": "application/json", **headers}
            )
            with pytest.raises(urllib.error.HTTPError) as error:
                urllib.request.urlopen(request, timeout=10)
            error.value.close()
            assert error.value.code == 401
        assert address.url.startswith("http://127.0.0.1:")
        assert address.api_key not in repr(address)
        pid = server.pid
        assert pid is not None
        assert address.api_key not in Path(f"/proc/{pid}/cmdline").read_text()
    finally:
        server.stop()
    assert not alive(pid)


PARENT = """
import asyncio, sys
from dryrun.core.config import ModelConfig
from dryrun.models.embedded.model import EmbeddedModel
from dryrun.models.embedded.server import shared_server
from dryrun.models.embedded.weights import ensure_weights
from tests.helpers.asking import make_prompt

async def main():
    async with EmbeddedModel(ModelConfig(max_completion_tokens=int(sys.argv[1]))) as model:
        print(shared_server(ensure_weights()).pid, flush=True)
        sample = await model.generate(make_prompt("Write a long story about a fox."), 0)
        print(sample.outcome.value, flush=True)

asyncio.run(main())
"""


def start_parent(tokens: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tokens)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


@pytest.mark.slow
def test_a_killed_parent_leaves_no_orphan() -> None:
    parent = start_parent(1500)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert alive(child)
    parent.kill()
    parent.communicate(timeout=10)
    wait_until(lambda: not alive(child), 10.0)


@pytest.mark.slow
def test_llama_cpp_writes_nothing_to_the_terminal() -> None:
    parent = start_parent(4)
    out, err = parent.communicate(timeout=60)
    child, outcome = out.split()
    assert (parent.returncode, outcome, err) == (0, "truncated", "")
    assert not alive(int(child))


@pytest.mark.slow
def test_a_broken_gguf_file_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "torn.gguf"
    path.write_bytes(ensure_weights().read_bytes()[:3_000_000])
    monkeypatch.setenv("DRYRUN_GGUF", str(path))
    with pytest.raises(ModelError) as error:
        asyncio.run(ask("hi"))
    assert str(error.value).startswith("The embedded model does not start")
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_gguf_path_that_leads_nowhere_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_GGUF", "/nowhere/model.gguf")
    with pytest.raises(ModelError, match=r"DRYRUN_GGUF names /nowhere/model\.gguf, which cannot be read"):
        asyncio.run(ask("hi"))


def test_what_determines_the_response_is_in_its_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    base = EmbeddedModel(ModelConfig()).sample_key(make_prompt(), 0)
    assert EmbeddedModel(ModelConfig(concurrency=2, timeout=5.0)).sample_key(make_prompt(), 0) == base
    assert EmbeddedModel(ModelConfig(temperature=0.1)).sample_key(make_prompt(), 0) != base
    assert EmbeddedModel(ModelConfig()).sample_key(make_prompt(), 1) != base
    (tmp_path / "other.gguf").write_bytes(b"GGUF other")
    monkeypatch.setenv("DRYRUN_GGUF", str(tmp_path / "other.gguf"))
    assert EmbeddedModel(ModelConfig()).sample_key(make_prompt(), 0) != base
