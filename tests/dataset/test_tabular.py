"""Arrow's columns as rows: the same as Arrow's own conversion, with nulls left out."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dryrun.dataset.tabular import plain_rows

TEXT = pa.string()
PAIR = pa.struct([("a", pa.int64()), ("b", TEXT)])
TYPES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    TEXT: st.text(max_size=3),
    pa.int64(): st.integers(-9, 9),
    pa.bool_(): st.booleans(),
    pa.list_(TEXT): st.lists(st.none() | st.text(max_size=3), max_size=3),
    pa.large_list(pa.list_(pa.int64())): st.lists(
        st.none() | st.lists(st.none() | st.integers(0, 9), max_size=2), max_size=3
    ),
    pa.list_(pa.int64(), 2): st.lists(st.none() | st.integers(0, 9), min_size=2, max_size=2),
    PAIR: st.fixed_dictionaries({"a": st.none() | st.integers(0, 9), "b": st.none() | st.text(max_size=2)}),
    pa.list_(PAIR): st.lists(
        st.none() | st.fixed_dictionaries({"a": st.none() | st.integers(0, 9), "b": st.text(max_size=2)}),
        max_size=3,
    ),
    pa.struct([("in", PAIR), ("all", pa.list_(PAIR))]): st.fixed_dictionaries(
        {
            "in": st.none() | st.fixed_dictionaries({"a": st.none(), "b": st.text(max_size=2)}),
            "all": st.none() | st.lists(st.fixed_dictionaries({"a": st.just(1), "b": st.just("x")})),
        }
    ),
    pa.map_(TEXT, PAIR): st.dictionaries(
        st.text(max_size=2), st.fixed_dictionaries({"a": st.none() | st.just(1), "b": st.none()}), max_size=2
    ).map(lambda value: list(value.items())),
    pa.dictionary(pa.int8(), TEXT): st.sampled_from(["x", "y"]),
    pa.null(): st.none(),
}


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("kind", TYPES, ids=str)
@given(data=st.data())
def test_rows_are_those_of_arrow_without_its_nulls(kind: pa.DataType, data: st.DataObject) -> None:
    """Of whole batches and of slices, whose offsets are easily forgotten."""
    values = data.draw(st.lists(st.none() | TYPES[kind], min_size=1, max_size=6))
    begin = data.draw(st.integers(0, len(values) - 1))
    batch = pa.record_batch({"x": pa.array(values, kind), "n": pa.array(range(len(values)))})
    for part in (batch, batch.slice(begin), batch.slice(begin, 2)):
        assert list(plain_rows(part)) == without_nulls(part.to_pylist(maps_as_pydicts="lossy"))


def test_a_batch_without_columns_still_has_its_rows() -> None:
    struct = pa.array([{}, None, {}], pa.struct([]))
    assert list(plain_rows(pa.record_batch({"x": struct}))) == [{"x": {}}, {}, {"x": {}}]
