"""What to say of shared stores at the end of a command and above a page."""

from __future__ import annotations

from dryrun.core.text import plural
from dryrun.store.shared import registry


def unshared_words(patience: float | None = None) -> list[str]:
    """Sentences about what could not be put into a shared store, and what could not be fetched from it.

    Parameters
    ----------
    patience : float, optional
        How many seconds without success to wait for what is under way. Default: nothing is waited for, and
        only what has failed is named.
    """
    sentences = []
    for copy in registry.copies():
        unsent = copy.unsent() if patience is None else copy.drain(patience)
        if unsent.count and (unsent.why or patience is not None):
            reason = unsent.why.removeprefix(f"{copy.address}: ")
            why = f" ({reason})" if reason else ""
            are = "is" if unsent.count == 1 else "are"
            sentences.append(
                f"{plural(unsent.count, 'file')} {are} not in {copy.address} yet{why}. Nothing is lost, this "
                "machine keeps a copy. `python -m dryrun cache --push` tries again."
            )
        elif copy.trouble:
            sentences.append(f"What others wrote since could not be fetched. {copy.trouble}")
    return sentences
