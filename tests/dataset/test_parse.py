"""Keys that an object names twice are found, one row at a time or many."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dryrun.core.fingerprint import canonical_json
from dryrun.dataset.parse import SCREENED_BYTES, KeyScreen, repeated_key

KEYS = st.sampled_from(["a", "b", ":", "\\u003a", '"', "ü"])
TEXTS = st.text(st.sampled_from(':\\u03aA"é\n{}'), max_size=6)


@st.composite
def rows(draw: st.DrawFn, depth: int = 0) -> tuple[str, bool]:
    """An object as JSON text, and whether it, or one in it, names a key twice."""
    keys = draw(st.lists(KEYS, max_size=4))
    repeats, members = len(set(keys)) < len(keys), []
    for key in keys:
        if depth < 2 and draw(st.booleans()):
            value, within = draw(rows(depth + 1))
            repeats = repeats or within
        else:
            value = json.dumps(draw(TEXTS), ensure_ascii=draw(st.booleans()))
            if draw(st.booleans()):
                value = value.replace(":", draw(st.sampled_from(["\\u003a", "\\u003A"])))
        space = draw(st.sampled_from(["", " ", "\t"]))
        members.append(f"{json.dumps(key)}{space}:{space}{value}")
    return "{" + ", ".join(members) + "}", repeats


def both(text: str) -> tuple[bytes, bytes]:
    raw = text.encode()
    return raw, canonical_json(orjson.loads(raw))


@pytest.mark.slow
@given(rows())
def test_one_row(row: tuple[str, bool]) -> None:
    text, repeats = row
    assert (repeated_key(*both(text)) is not None) == repeats


@pytest.mark.slow
@given(st.lists(rows(), max_size=8))
def test_many_rows(many: list[tuple[str, bool]]) -> None:
    screen = KeyScreen()
    for text, _ in many:
        screen.add(*both(text))
    assert screen.clean() == (not any(repeats for _, repeats in many))


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_one_among_so_many_that_they_are_looked_at_in_several_lots(place: str) -> None:
    sound: dict[str, Any] = {"messages": [{"role": "user", "content": "a: b " * 100}]}
    lines = [json.dumps(sound)] * (5 * SCREENED_BYTES // 500)
    screen = KeyScreen()
    for line in lines:
        screen.add(*both(line))
    assert screen.clean()
    lines[{"first": 0, "middle": len(lines) // 2, "last": -1}[place]] = '{"a": 1, "b": 2, "a": 3}'
    for line in lines:
        screen.add(*both(line))
    assert not screen.clean()
