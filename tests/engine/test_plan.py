"""The order in which responses are asked for."""

from __future__ import annotations

from dryrun.core.records import Prompt
from dryrun.engine.plan import Ask, Turns


def asks(prompts: int, rollouts: int) -> list[Ask]:
    """Every response of a run, in sample order."""
    return [
        Ask(f"{name}{rollout}", rollout, ((Prompt(name, 0, "", {"messages": []}), 1),))
        for name in "abcdefgh"[:prompts]
        for rollout in range(rollouts)
    ]


def test_a_worker_stays_with_its_prompt() -> None:
    turns = Turns(asks(3, 2))
    one, other = turns.of_worker(), turns.of_worker()
    assert [next(worker).key for worker in (one, other, one, other, one, one)] == [
        "a0",
        "b0",
        "a1",
        "b1",
        "c0",
        "c1",
    ]
    assert next(one, None) is None
    assert next(other, None) is None


def test_who_finds_no_new_prompt_helps_where_most_is_left() -> None:
    turns = Turns(asks(2, 4))
    workers = [turns.of_worker() for _ in range(3)]
    assert [next(worker).key for worker in workers] == ["a0", "b0", "a1"]
    rest = [ask.key for worker in workers for ask in worker]
    assert sorted(rest) == ["a2", "a3", "b1", "b2", "b3"]
