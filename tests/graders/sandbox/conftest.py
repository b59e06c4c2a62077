"""What an attack on the sandbox wants to reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.attacks import planted


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """What an attack wants: secrets, the data directory, a listening socket, a place to write."""
    with planted(tmp_path, monkeypatch) as wanted:
        yield wanted
