"""The study of verdicts and real trainings, as the documents have it: no menu leads here, Results does."""

import re

import streamlit as st

from dryrun.app.shared.frame import ensure_frame
from dryrun.core.paths import docs_dir

READ = 840
"""Pixels of a line that is read with ease."""
PICTURE = re.compile(r"!\[([^]]*)\]\(([\w/.]+)\)\n")
"""A picture between two paragraphs: its words, its file."""

ensure_frame()

page = docs_dir() / "evidence.md"
if not page.is_file():
    st.title("Does GO predict that training learns?", anchor=False)
    st.info("This copy of Dry Run came without its documents.", icon=":material/info:")
    st.stop()
title, _, rest = page.read_text("utf-8").removeprefix("# ").partition("\n")
text, *parts = PICTURE.split(rest)
with st.container(width=READ):
    st.title(title, anchor=False)
    st.markdown(text)
    for words, file, after in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        st.image(str(page.parent / file), alt=words)
        st.markdown(after)
