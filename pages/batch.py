"""Batch: many videos that were started together, how far they are, and what can be done about them."""

import streamlit as st

from lib.ui.batch import render_batches
from lib.ui.frame import open_page

services = open_page("Batch", icon=":material/stacks:", heading=False)
render_batches(services, st.query_params.get("batch"))
