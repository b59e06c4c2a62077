"""Errors as a viewer sees them: one sentence, then the places, as plain text."""

from __future__ import annotations

import streamlit as st

from dryrun.core.errors import DryRunError, ProblemsError
from dryrun.core.text import plain


def show_error(error: DryRunError) -> None:
    """The error's sentence; for a list of problems, each with its place below."""
    if not isinstance(error, ProblemsError):
        st.error(plain(error, 600), icon=":material/error:")
        return
    st.error(plain(error.summary, 600), icon=":material/error:")
    if error.problems:
        lines = [str(problem) for problem in error.problems]
        hidden = error.total - len(error.problems)
        if hidden > 0:
            lines.append(f"... and {hidden:,} more")
        st.code("\n".join(lines), language=None, wrap_lines=True)
