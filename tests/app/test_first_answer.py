"""The first answer of a run on its page: as it came, never read as Markdown."""

from __future__ import annotations

import pytest

from dryrun.core.records import Sample, SampleOutcome
from dryrun.core.text import isolated, plain, printable
from dryrun.engine.preflight import shown_answer
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


def test_a_text_within_a_sentence_turns_nothing_around_it() -> None:
    hebrew = "\u05e9\u05dc\u05d5\u05dd 42"
    assert plain(hebrew) == isolated(hebrew) == f"\u2068{hebrew}\u2069"
    assert plain("\u4e16\u754c 42") == "\u4e16\u754c 42"
    assert plain("\u202egpj") == r"\[U\+202E\]gpj"
    sample = Sample("key", 0, SampleOutcome.ANSWERED, hebrew)
    assert shown_answer(sample) == f'"{isolated(hebrew)}"'
    assert printable(shown_answer(sample)) == f'"{hebrew}"', "a terminal gets the letters alone"
