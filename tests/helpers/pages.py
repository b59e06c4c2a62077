"""The app's pages as scripts, without a browser: opened, read, filled in."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from dryrun.app.shared.access.account import SECRET
from tests.helpers.support import ROOT

# Each AppTest reads the metadata of every installed package again, which takes longer than the page itself.
setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))  # noqa: B010

KINDS = ["title", "header", "subheader", "markdown", "caption", "text", "code"]
KINDS += ["info", "warning", "error", "success"]


def page(name: str = "home", *, browser: str = "", user: Any = None, **parameters: str) -> AppTest:
    """A page after its first run, in the browser with this secret, for the user with these claims."""
    st.cache_resource.clear()
    test = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    if user is not None:
        test.user = user
        test.secrets["auth"] = {"client_id": "dry-run"}
    if browser:
        test.session_state[SECRET] = browser
    if name != "home":
        test.run()  # AppTest knows the other pages only then
        test.switch_page(f"pages/{name}.py")
    for key, value in parameters.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception, test.exception[0].message
    return test


def texts(test: AppTest) -> str:
    """All a person reads in the main part and in the bar below it, escapes taken out."""
    aside = {id(element) for kind in KINDS for element in test.sidebar.get(kind)}
    found = [value(element) for kind in KINDS for element in test.get(kind) if id(element) not in aside]
    return re.sub(r"\\([^A-Za-z0-9\s])", r"\1", "\n".join(found))


def startable(test: AppTest) -> bool:
    """Whether New run's Start can be clicked."""
    return not test.button(key="start").disabled


def value(element: Any) -> str:
    """What an element of text says."""
    return str(element.value)


def group(test: AppTest, key: str) -> Any:
    """The segments or pills with this key."""
    return next(found for found in test.get("button_group") if found.key == key)


def with_dataset(content: str | bytes, tmp_path: Path, name: str = "rows.jsonl") -> AppTest:
    """New run, with a path on this machine as dataset."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    test = page("configure")
    test.text_input(key="dataset_place").set_value(str(path)).run()
    assert not test.exception
    return test


def with_grader(grader: Any) -> AppTest:
    """New run, with the sample data and this grader."""
    return write_grader(page("configure"), grader)


def write_grader(test: AppTest, grader: Any) -> AppTest:
    """Put a grader, text or JSON value, into the editor."""
    test.session_state["grader_text"] = grader if isinstance(grader, str) else json.dumps(grader)
    test.run()
    assert not test.exception
    return test
