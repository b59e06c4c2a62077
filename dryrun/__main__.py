"""``python -m dryrun``."""

import gc
import os
import sys
from typing import Any

from dryrun.cli.main import main


class NoPandas:
    """An import hook under which there is no pandas."""

    @staticmethod
    def find_spec(name: str, *_: Any) -> None:
        """Refuse pandas; leave every other module to the other finders."""
        if name == "pandas":
            raise ImportError("not wanted in this process", name=name)


def keep_pandas_out() -> None:
    """Let pyarrow find no pandas in this process, which never asks for it.

    pyarrow imports pandas, where it is installed, at the first conversion of a Python list: 0.2 s and
    30 MB. It looks once, so pandas is hidden for that one look. Only in a process of our own: in a
    notebook or the app others need the conversion.
    """
    arrow = sys.modules.get("pyarrow")
    if arrow is None or "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, NoPandas)
    try:
        arrow.scalar("")
    finally:
        sys.meta_path.remove(NoPandas)


ALLOCATIONS = 50_000
"""New objects before garbage is looked for; Python's own 700 come many times a second."""


def settle_imports() -> None:
    """What is done in a process of our own between the imports and the command."""
    keep_pandas_out()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS)
    gc.enable()


def command() -> None:
    """What ``python -m dryrun`` and the installed command ``dryrun`` run."""
    # Read when pyarrow is first imported, by a command: the system's allocator gives memory back sooner.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # Read when NumPy is: its products are small here, and a second thread would wait for them in a busy loop.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.disable()  # what is imported stays: to look through it for garbage is in vain
    sys.exit(main(prepare=settle_imports))


if __name__ == "__main__":
    command()
