"""Whose a run is, and the links to it: what is kept, what opens it, what does not."""

from __future__ import annotations

import pytest

from dryrun.core.errors import DryRunError
from dryrun.store import access
from dryrun.store.access import LinkKind, ShareLink
from dryrun.store.partition import Store
from dryrun.store.runs import Run
from tests.helpers.support import make_run

NOWHERE = "http://127.0.0.1:1/v1"


@pytest.fixture
def run(store: Store) -> Run:
    return make_run(store, NOWHERE, rows=4)


def kept(run: Run) -> bytes:
    """Every byte of the run's folder, and the names of its files."""
    files = [path for path in run.folder.rglob("*") if path.is_file()]
    return b"".join(str(path).encode() + path.read_bytes() for path in files)


def test_a_run_belongs_to_who_started_it_and_to_nobody_else(run: Run) -> None:
    mine, yours = access.hash_of("browser", "a" * 32), access.hash_of("browser", "b" * 32)
    assert access.owner_of(run) is None
    assert not access.belongs_to(run, [mine, yours, ""])
    access.give_to(run, mine)
    assert access.belongs_to(run, [yours, mine])
    assert not access.belongs_to(run, [yours, "", mine[:-1], "a" * 32])
    assert not access.belongs_to(run, [])
    assert b"a" * 32 not in kept(run)


def test_a_secret_of_one_kind_is_none_of_another() -> None:
    assert len({access.hash_of(what, "x") for what in ("browser", "person", "link")}) == 3


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"owner"', b'"x"', b'{"other": 1}'])
def test_a_run_whose_owner_cannot_be_read_is_nobodys(run: Run, content: bytes) -> None:
    (run.folder / access.OWNER).write_bytes(content)
    assert access.owner_of(run) == access.NOBODY
    assert not access.belongs_to(run, [access.hash_of("browser", "a" * 32), ""])


def test_a_link_opens_its_run_until_it_is_revoked(store: Store, run: Run) -> None:
    other = make_run(store, NOWHERE, rows=5)
    figures, samples = (access.make_link(run, kind) for kind in LinkKind)
    assert figures.encode() not in kept(run)
    assert access.opened_by(store, figures)[0] == run
    assert [link.kind for link in access.links_of(run)] == [LinkKind.FIGURES, LinkKind.SAMPLES]
    assert access.links_of(other) == []
    found, link = access.opened_by(store, samples)
    assert (found, link.kind) == (run, LinkKind.SAMPLES)
    access.revoke(run, link)
    access.revoke(run, link)
    with pytest.raises(DryRunError, match="it was revoked"):
        access.opened_by(store, samples)
    assert access.opened_by(store, figures)[1].kind is LinkKind.FIGURES


@pytest.mark.parametrize(
    "token", ["", "*", "../../x", "a" * 22, "a" * 21 + "*", "A" * 64, "\0" * 22, "[a-z]*"]
)
def test_a_guessed_token_opens_nothing(store: Store, run: Run, token: str) -> None:
    access.make_link(run, LinkKind.SAMPLES)
    with pytest.raises(DryRunError, match="opens nothing"):
        access.opened_by(store, token)


def test_what_is_on_the_disk_opens_nothing(store: Store, run: Run) -> None:
    access.make_link(run, LinkKind.SAMPLES)
    [link] = access.links_of(run)
    with pytest.raises(DryRunError, match="opens nothing"):
        access.opened_by(store, link.hash)
    with pytest.raises(DryRunError, match="opens nothing"):
        access.opened_by(store, run.id)


def test_a_damaged_link_opens_nothing_and_a_deleted_run_neither(store: Store, run: Run) -> None:
    token = access.make_link(run, LinkKind.FIGURES)
    [link] = access.links_of(run)
    path = run.folder / access.LINKS / f"{link.hash}.json"
    whole = path.read_bytes()
    path.write_bytes(b'{"kind": "everything", "made": 1}')
    with pytest.raises(DryRunError, match="opens nothing"):
        access.opened_by(store, token)
    path.write_bytes(whole)
    assert access.opened_by(store, token)[1] == ShareLink(link.hash, link.kind, link.made)
    (run.folder / "config.json").unlink()
    with pytest.raises(DryRunError, match="opens nothing"):
        access.opened_by(store, token)


def test_a_run_has_so_many_links_and_no_more(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "MOST_LINKS", 2)
    for _ in range(2):
        access.make_link(run, LinkKind.FIGURES)
    with pytest.raises(DryRunError, match="Revoke one"):
        access.make_link(run, LinkKind.FIGURES)


def test_the_runs_of_a_person_are_found_among_all(store: Store, run: Run) -> None:
    mine = access.hash_of("person", "issuer ann")
    other = make_run(store, NOWHERE, rows=5)
    access.give_to(run, mine)
    assert access.owned_runs([other, run], [mine]) == [run]
