"""The first answer of a run on its page: as it came, never read as Markdown."""

from __future__ import annotations

import pytest

from dryrun.store.partition import Store
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.pages import page, value
from tests.helpers.support import make_run, work


@pytest.mark.slow
def test_the_first_answer_is_shown_letter_by_letter(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda _: "**1** <b>![x](http://a.example/p.png)"
    run = make_run(store, endpoint.base_url, rows=5)
    first = work(run).first
    shown = [value(element) for element in page("run", run=run.id).main.get("text")]
    assert first in shown
    assert '"**1** <b>![x](http://a.example/p.png)"' in first
