"""Addresses of shared stores, and what is said of those that cannot be used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dryrun.cli.main import main
from dryrun.core.errors import StoreError
from dryrun.store.shared.address import StoreAddress
from tests.helpers.object_store import REFUSED, ObjectStore
from tests.helpers.support import ROOT


@pytest.mark.parametrize(
    ("text", "place", "base"),
    [
        ("s3://bucket/a/b/", "bucket", "bucket/a/b"),
        ("s3://bucket", "bucket", "bucket"),
        ("gs://bucket/a", "bucket", "bucket/a"),
        ("az://container/a", "container", "container/a"),
        ("file:///mnt/team data", "", "/mnt/team data"),
    ],
)
def test_an_address_names_a_bucket_and_a_prefix(text: str, place: str, base: str) -> None:
    address = StoreAddress.of(text)
    assert (address.place, address.base) == (place, base)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ftp://host/data", "is not an address of a data directory: write s3://"),
        ("s3:///data", "names no bucket: write s3://bucket/prefix"),
        ("s3://key:secret@bucket/data", "AWS_ACCESS_KEY_ID"),
        ("s3://bucket/data?region=x", "a bucket and a prefix alone"),
        ("file://host/data", "write file:/// and the folder's whole path"),
    ],
)
def test_a_wrong_address_is_explained(text: str, words: str) -> None:
    with pytest.raises(StoreError) as raised:
        StoreAddress.of(text)
    assert words in str(raised.value)
    assert "secret" not in str(raised.value).replace("SECRET", "")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("s3://no-such-bucket/x", "there is no bucket 'no-such-bucket'. Make it, or correct the address."),
        ("ftp://host/x", "is not an address of a data directory"),
    ],
)
def test_the_command_line_says_what_is_wrong(
    bucket: ObjectStore, capsys: pytest.CaptureFixture[str], address: str, words: str
) -> None:
    assert main(["runs", "--data", address]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.slow
def test_access_that_is_denied(bucket: ObjectStore, capsys: pytest.CaptureFixture[str]) -> None:
    bucket.trouble = lambda method, path: REFUSED
    assert main(["runs", "--data", "s3://bucket/x"]) == 2
    assert "s3://bucket/x cannot be used: credentials are missing or refused" in capsys.readouterr().err


def test_no_credentials(
    bucket: ObjectStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    bucket.trouble = lambda method, path: REFUSED
    assert main(["runs", "--data", "s3://bucket/x"]) == 2
    assert "no credentials were found; set AWS_ACCESS_KEY_ID" in capsys.readouterr().err


@pytest.mark.slow
def test_no_network(
    bucket: ObjectStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert main(["runs", "--data", "s3://bucket/x"]) == 2
    assert (
        "s3://bucket/x cannot be reached. Check the network and AWS_ENDPOINT_URL." in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("text", "said", "words"),
    [
        (
            "gs://b/x",
            "Could not create a OAuth2 access token to authenticate",
            "GOOGLE_APPLICATION_CREDENTIALS",
        ),
        ("gs://b/x", "PerformWork() - CURL error [6]=Could not resolve hostname", "Check the network."),
        ("az://b/x", "AzureOptions doesn't contain a valid account name", "AZURE_STORAGE_ACCOUNT"),
        (
            "az://b/x",
            "Fail to get a new connection for: https://a.blob.core.windows.net",
            "Check the network.",
        ),
        (
            "s3://b/x",
            "AWS Error SLOW_DOWN during PutObject operation",
            "s3://b/x: PutObject was answered SLOW_DOWN.",
        ),
    ],
)
def test_errors_of_the_file_systems_are_explained(text: str, said: str, words: str) -> None:
    assert words in str(StoreAddress.of(text).trouble(OSError(said)))


def test_pushing_is_for_shared_stores(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "--push"]) == 2
    assert "--push is for a shared store" in capsys.readouterr().err


@pytest.mark.slow
def test_a_local_data_directory_imports_none_of_it(tmp_path: Path) -> None:
    script = (
        "import sys; from dryrun.cli.main import main; main(['runs']); "
        "print(sorted(name[20:] for name in sys.modules if name.startswith('dryrun.store.shared.')))"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "['registry']"
