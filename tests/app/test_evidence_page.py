"""The page with the study of verdicts and real trainings: whole, for everybody, in every copy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dryrun.core import paths
from dryrun.core.paths import docs_dir
from tests.helpers.pages import page, texts
from tests.helpers.support import ROOT


def test_the_study_is_shown_whole_to_whoever_has_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    text = (docs_dir() / "evidence.md").read_text("utf-8")
    test = page("evidence")
    assert test.main.title[0].value == text.splitlines()[0].removeprefix("# ")
    pictures = re.findall(r"!\[(.*)\]\(.*\)", text)
    images = [image.proto.imgs[0] for image in test.get("image")]
    assert [image.alt for image in images] == pictures
    said = "\n".join(element.value for element in test.main.markdown)
    assert "![" not in said
    for line in text.splitlines()[1:]:
        assert line.startswith("![") or line in said


def test_a_copy_without_documents_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(paths, "docs_dir", lambda: tmp_path)
    assert "came without its documents" in texts(page("evidence"))


def test_containers_hold_the_documents() -> None:
    assert "\nCOPY . .\n" in (ROOT / "Dockerfile").read_text("utf-8")
    left_out = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert not {"docs", "docs/", "*.md", "**/*.md"} & set(left_out)
