"""Who is served where the app is not hosted, and what is said where nothing can be kept."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from dryrun.app.shared.frame import from_elsewhere
from tests.helpers.pages import page, texts
from tests.helpers.support import ROOT


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1:8501", "[::1]:8501", "dry.localhost", None])
@pytest.mark.parametrize("address", [None, "127.0.0.2", "::1", "::ffff:127.0.0.1"])
def test_a_browser_on_this_machine_is_served(address: str | None, host: str | None) -> None:
    assert not from_elsewhere(address, host, ["Host", "Origin", "Upgrade", "Cookie"])


@pytest.mark.parametrize(
    ("address", "host", "header"),
    [
        ("192.168.1.7", "localhost:8501", "Host"),
        ("2001:db8::1", "localhost:8501", "Host"),
        ("::ffff:10.0.0.1", "localhost:8501", "Host"),
        (None, "localhost:8501", "X-Forwarded-For"),
        (None, "localhost:8501", "Forwarded"),
        (None, "localhost:8501", "Cf-Connecting-Ip"),
        (None, "dryrun.example.com", "Host"),
        (None, "localhost.example.com:8501", "Host"),
        (None, "10.0.0.5:8501", "Host"),
        ("unknown", "localhost", "Host"),
    ],
)
def test_another_address_a_proxy_or_another_name_is_not(address: str | None, host: str, header: str) -> None:
    assert from_elsewhere(address, host, [header])


def test_the_committed_configuration_opens_no_address() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert "address" not in config["server"]


@pytest.mark.slow
def test_a_data_directory_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DRYRUN_DATA", str(tmp_path / "file" / "data"))
    said = texts(page("configure"))
    assert f"Nothing can be kept in {tmp_path / 'file' / 'data'}" in said
    assert "set DRYRUN_DATA" in said
