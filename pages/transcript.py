"""Transcript: what was said in one run, beside its player."""

import streamlit as st

from lib.ui.frame import open_page
from lib.ui.transcript import render_transcript

services = open_page("Transcript", icon=":material/article:", wide=True, heading=False)
render_transcript(services, st.query_params.get("run"), st.query_params.get("t"))
