"""Each export is read by the code of its place, where that code is."""

from __future__ import annotations

from pathlib import Path

import pytest

from dryrun.graders.checks.platforms import Platform
from tests.exports.readers import READERS, SCRIPTS, VARIABLE, Reader, agrees, read_by, site

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.what)
def test_the_place_s_own_code_reads_the_export_and_pays_the_same(reader: Reader, tmp_path: Path) -> None:
    folder = site()
    python = None if folder is None else folder / reader.environment / "bin" / "python"
    if python is None or not python.exists():
        pytest.skip(f"Its environment is not here: make it and set {VARIABLE}, see tests/exports.")
    found = read_by(reader, python, tmp_path)
    assert found.read, found.said
    assert agrees(reader, found), found.said


def test_every_place_but_the_one_without_a_package_has_a_reader() -> None:
    assert {reader.place for reader in READERS} == set(Platform) - {Platform.TOGETHER}
    assert all(compile(path.read_text("utf-8"), path.name, "exec") for path in SCRIPTS.glob("*.py"))
