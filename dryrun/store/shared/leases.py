"""Which machine works on a run: an object of its own for each machine, put again and again while it works.

A store has no lock. A machine that wants a run puts its own lease first, then looks for others: of two that
come at once at least one sees the other's lease, and who sees one steps back. Ages are compared by the
store's own clock. A machine that cannot reach the store for `LEASE_SECONDS` may lose the run; then two work
on it until the first looks again. That costs calls made twice and loses nothing.
"""

from __future__ import annotations

import contextlib
import random
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from dryrun.core.errors import DryRunError, StoreError
from dryrun.core.paths import hosted
from dryrun.store.shared.objects import Listing, Objects

FOLDER = "leases"
LEASE_SECONDS, RENEW_SECONDS = 90.0, 15.0
AT_ONCE, TRIES = 5.0, 4
"""Leases whose ages differ by fewer seconds than this were put at the same moment."""
_NAMED = re.compile(rf"(.*runs/[0-9a-f]{{32}})/{FOLDER}/([A-Za-z0-9-]+)\.([0-9a-f]+)\.([0-9a-f]+)\Z")
_MACHINE = ".machine"


def machine_of(root: Path) -> str:
    """What names this machine's copy: random, made once."""
    path = root / _MACHINE
    with contextlib.suppress(OSError):
        if known := path.read_text():
            return known
    path.write_text(secrets.token_hex(6))
    return path.read_text()


class Leases:
    """The leases of one store, as this machine sees them.

    Parameters
    ----------
    objects : Objects
    machine : str
        As `machine_of` gives it: leases that a killed process of this machine left behind do not count.
    """

    def __init__(self, objects: Objects, machine: str) -> None:
        self._objects, self._machine = objects, machine
        self._host = re.sub("[^A-Za-z0-9-]+", "-", socket.gethostname())[:40] or "machine"
        self._seen: dict[str, dict[str, float]] = {}

    def note(self, folder: str, listing: Listing) -> None:
        """Remember which leases of others a listing shows in a folder."""
        leases: dict[str, dict[str, float]] = {}
        for name in listing.below(folder):
            if (named := _NAMED.match(name)) and named[3] != self._machine:
                leases.setdefault(named[1], {})[named[2]] = listing.versions[name][1] / 1e9
        inside = [run for run in self._seen if f"{run}/".startswith(f"{folder}/")]
        self._seen = {run: seen for run, seen in self._seen.items() if run not in inside} | leases

    def holder(self, run: str) -> str | None:
        """The host that works on a run, as far as was seen last; None where it is free."""
        seen = self._seen.get(run, {})
        live = [host for host, put in seen.items() if time.time() - put < LEASE_SECONDS]
        return live[0] if live else None

    def take(self, run: str) -> str:
        """Be the machine that works on a run; the name of the lease.

        Raises
        ------
        DryRunError
            Another one does.
        StoreError
            The store cannot be reached.
        """
        name = f"{run}/{FOLDER}/{self._host}.{self._machine}.{secrets.token_hex(4)}"
        for _ in range(TRIES):
            self._objects.put(name, b"{}")
            others = self.others(name)
            if others == {}:
                return name
            self.give_back(name)
            host, older = max((others or {self._host: 0.0}).items(), key=lambda other: other[1])
            if older > AT_ONCE:
                raise DryRunError(_taken(host))
            time.sleep(random.uniform(0.3, 2.0))
        raise DryRunError(_taken(host))

    def others(self, name: str) -> dict[str, float] | None:
        """Hosts that hold the run of this lease besides it, with the seconds by which their leases are older.

        None where the lease itself is gone: it had run out, and somebody else took the run.

        Raises
        ------
        StoreError
            The store cannot be reached.
        """
        folder = name.rpartition("/")[0]
        listing = self._objects.list(folder)
        if name not in listing.versions:
            return None
        own = listing.versions[name][1]
        holders: dict[str, float] = {}
        for other, (_, put) in listing.versions.items():
            named = _NAMED.match(other)
            if other == name or named is None:
                continue
            age = (own - put) / 1e9
            if age > LEASE_SECONDS or named[3] == self._machine:
                with contextlib.suppress(StoreError):
                    self._objects.remove(other)
            else:
                holders[named[2]] = age
        return holders

    def give_back(self, name: str) -> None:
        """Let others have the run; where that cannot be put, the lease ends by itself."""
        with contextlib.suppress(StoreError):
            self._objects.remove(name)


def _taken(host: str) -> str:
    where = "another machine" if hosted() else f"the machine {host}"
    return (
        f"Somebody on {where} is already working on this run; watch it instead of starting it again. Where "
        f"that machine has died, the run is free {LEASE_SECONDS:.0f} seconds after."
    )


class Heartbeat:
    """Renews a lease on a thread of its own until it is ended.

    Parameters
    ----------
    leases : Leases
    objects : Objects
    name : str
        Of the lease.
    on_lost : callable
        Called when another machine has taken the run.
    on_stop : callable
        Called when somebody elsewhere asks the run to stop early.
    """

    def __init__(
        self,
        leases: Leases,
        objects: Objects,
        name: str,
        on_lost: Callable[[], None],
        on_stop: Callable[[], None],
    ) -> None:
        self._leases, self._objects, self._name = leases, objects, name
        self._on_lost, self._on_stop = on_lost, on_stop
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="dryrun-lease", daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        run = self._name.partition(f"/{FOLDER}/")[0]
        while not self._ended.wait(RENEW_SECONDS):
            with contextlib.suppress(StoreError):  # tried again in a moment
                if self._leases.others(self._name) != {}:
                    self._on_lost()
                    return
                self._objects.put(self._name, b"{}")
                if self._objects.has(f"{run}/stop"):
                    self._on_stop()

    def end(self) -> None:
        """Renew no more."""
        self._ended.set()
        self._thread.join(timeout=5.0)
