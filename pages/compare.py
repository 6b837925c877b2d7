"""Compare: one video through several models, laid side by side, with what each of them cost."""

import streamlit as st

from lib.ui.compare import render_compare
from lib.ui.frame import open_page

services = open_page("Compare", icon=":material/compare_arrows:", wide=True, heading=False)
render_compare(services, st.query_params.get("comparison"))
