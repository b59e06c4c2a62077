"""Which unpaid responses are right, by what they say."""

from __future__ import annotations

from typing import Any

import pytest

from dryrun.probes.read_responses import unpaid_right
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import make_run, sum_rows, work


def answer(body: dict[str, Any]) -> str:
    """Exact for one row in three, right in other words for the next, wrong for the last."""
    first = int(body["messages"][-1]["content"].split()[0])
    right = 2 * first + 1
    return (str(right), f"That makes {right}.", f"That makes {right + 5}.")[first % 3]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("most", [1_000, 10])
def test_right_responses_that_earn_less_than_half_are_found(store: Store, most: int) -> None:
    with FakeEndpoint(answer=answer) as endpoint:
        run = make_run(store, endpoint.base_url, rows=30, rollouts=1)
        work(run, check=True)
    results = load_results(run)
    found = unpaid_right(results, results.observations(), most)
    assert (found.read, found.unpaid, found.referenced) == (min(most, 20), 20, True)
    assert all(one.prompt.row % 3 == 1 for one in results.inspect(found.rows.tolist()))
    assert found.rows.size == 10 if most >= 20 else 0 < found.rows.size < 10


def test_rows_without_a_reference_are_said_to_have_none(store: Store, endpoint: FakeEndpoint) -> None:
    rows = [{key: row[key] for key in ("messages", "topic")} for row in sum_rows(6)]
    grader = {
        "type": "string_check",
        "name": "x",
        "input": "{{sample.output_text}}",
        "reference": "x",
        "operation": "eq",
    }
    run = make_run(store, endpoint.base_url, rows=rows, grader=grader)
    work(run, check=True)
    results = load_results(run)
    found = unpaid_right(results, results.observations())
    assert (found.rows.size, found.read, found.referenced) == (0, 12, False)
