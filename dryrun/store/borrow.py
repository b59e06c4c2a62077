"""Taking over another store's responses, so that grading them again costs no call."""

from __future__ import annotations

from dryrun.store.partition import Store, write_aside
from dryrun.store.runs import Run


def borrow_samples(run: Run, store: Store) -> int:
    """Copy the stored responses of `run` into `store`: whole parts, under their own names.

    Parts are immutable and their names random, so copying twice changes nothing.

    Returns
    -------
    int
        The number of parts copied.

    Raises
    ------
    StoreError
        `store` cannot be written.
    """
    planned = run.plan()
    if planned is None:
        return 0
    _, samples, _ = planned
    target = store.samples(samples.folder.name)
    missing = [part for part in samples.parts() if not (target.folder / part.name).exists()]
    about = samples.folder / "about.json"
    for path in [*missing, *([about] if about.is_file() else [])]:
        write_aside(target.folder / path.name, path.read_bytes())
    return len(missing)
