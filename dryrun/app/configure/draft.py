"""What a reload of New run keeps: the form, without its keys, in this server's memory for an hour.

The page's address names the draft. Where strangers share the server, only the browser, or the person, that
filled in the form gets it back.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dryrun.app.configure.columns import PROMPT_KEY, REFERENCE_KEY, SYSTEM_KEY
from dryrun.app.configure.dataset import GONE, PLACE, TOPIC
from dryrun.app.configure.fill import DONE, NOTES
from dryrun.app.configure.grader import TEXT
from dryrun.app.configure.model import BATCH, Where
from dryrun.app.shared.access.account import holders, visitor
from dryrun.app.shared.launch import FILE, SOURCE, DatasetSource
from dryrun.app.shared.widgets import Upload
from dryrun.core.paths import hosted

DRAFT = "draft"
"""Name of the URL parameter, and of where the session keeps it."""
FIRST = "draft_first"
"""Where the session keeps the form as it was at first."""
UPLOAD = f"{FILE}_kept"
SIZES = ("sample_size", "rollouts", "sampling_seed", "stratified", "cut_reasoning")
RANGE = ("range_own", "range_low", "range_high")
SENT = ("temperature", "top_p", "max_completion_tokens", "seed", "reasoning_effort", "response_format")
LIMITS = ("prompt", "completion", "judge_prompt", "judge_completion", "calls", "tokens", "cost")
KEPT = (
    *(SOURCE, UPLOAD, PLACE, TOPIC, GONE, PROMPT_KEY, REFERENCE_KEY, SYSTEM_KEY),
    *(TEXT, "grader_convention", DONE, NOTES, *SIZES, *RANGE),
    *("model_where", "base_url", "model_name", BATCH, *(f"model_{name}" for name in SENT)),
    *("judge_base_url", "judge_model", "judge_concurrency"),
    *(f"budget_{name}{suffix}" for name in LIMITS for suffix in ("", "_of")),
)
"""All of the form that is kept, by its keys in the session: a list, so that an API key is never among it."""
NOBODY_ELSE = "nobody else"
"""The owner of every draft on one's own machine."""
HOUR = 3600.0
MOST, LARGEST, ALL = 64, 32_000_000, 100_000_000
"""Drafts; bytes of one's file, and of all of them."""


@dataclass(frozen=True, slots=True)
class _Draft:
    owner: str
    values: Mapping[str, Any]
    written: float

    @property
    def size(self) -> int:
        upload = self.values.get(UPLOAD)
        return len(upload.content) if isinstance(upload, Upload) else 0


class Drafts:
    """The newest forms, each for its owner alone; what is too much or too old is forgotten."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Draft] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, name: str, owner: str, values: Mapping[str, Any], now: float) -> None:
        """Keep the form under this name; of a file that is too large its name is kept."""
        upload = values.get(UPLOAD)
        if isinstance(upload, Upload) and len(upload.content) > LARGEST:
            values = {key: value for key, value in values.items() if key != UPLOAD}
            values |= {SOURCE: DatasetSource.GONE, GONE: upload.name}
        with self._lock:
            self._known[name] = _Draft(owner, values, now)
            self._known.move_to_end(name)
            self._forget(now)

    def find(self, name: str, owners: Collection[str], now: float) -> Mapping[str, Any] | None:
        """The form with this name; None where there is none, or where it is nobody's of these."""
        with self._lock:
            self._forget(now)
            draft = self._known.get(name)
        return draft.values if draft is not None and draft.owner in owners else None

    def _forget(self, now: float) -> None:
        while self._known:
            oldest = next(iter(self._known.values()))
            full = len(self._known) > MOST or sum(draft.size for draft in self._known.values()) > ALL
            if not full and now - oldest.written < HOUR:
                return
            self._known.popitem(last=False)


_drafts = Drafts()


def restore_draft() -> None:
    """Fill in the form as the page's address names it, once, before anything of it is drawn."""
    state, name = st.session_state, st.query_params.get(DRAFT)
    if not name or name == state.get(DRAFT):
        return
    values = _drafts.find(name, holders() if hosted() else (NOBODY_ELSE,), time.monotonic())
    if values is None:
        st.query_params.pop(DRAFT, None)
        return
    state[DRAFT] = name
    state.update(values)
    keys = " API keys are never kept: type them again." if values.get("model_where") == Where.ENDPOINT else ""
    st.toast(f"The form is as you left it.{keys}", icon=":material/history:")


def keep_draft() -> None:
    """Keep the form as it is drawn now, once somebody has changed something in it."""
    state = st.session_state
    values = {key: state[key] for key in KEPT if key in state}
    first = state.setdefault(FIRST, values)
    if DRAFT not in state and UPLOAD not in values and values == first:
        return
    name = state.setdefault(DRAFT, secrets.token_urlsafe(16))
    _drafts.keep(name, visitor() if hosted() else NOBODY_ELSE, values, time.monotonic())
    if st.query_params.get(DRAFT) != name:
        st.query_params[DRAFT] = name
