"""New run: a video or a link, or many, what to ask, which models, and the bill before anything is sent."""

import streamlit as st

from lib.ui.bill import PLAN_NEEDS, plan_bill, press_run, render_bill
from lib.ui.captions import offer_captions
from lib.ui.clip import choose_clip
from lib.ui.frame import open_page
from lib.ui.many import add_to_batch, run_many
from lib.ui.model_picker import choose_models
from lib.ui.question import choose_question
from lib.ui.source import FIRST_STEPS, choose_source
from lib.ui.track import choose_track

services = open_page("New run", icon=":material/add_circle:")

batch_id = st.query_params.get("add_to")
chosen = choose_source(services, added_to=batch_id)
if batch_id:
    if add_to_batch(services, batch_id, chosen):
        st.switch_page("pages/batch.py", query_params={"batch": batch_id})
    st.stop()
if chosen is None:
    st.caption(FIRST_STEPS)
    st.stop()
captioned = offer_captions(services, chosen)
if captioned is not None:
    st.switch_page("pages/transcript.py", query_params={"run": captioned.id})
chosen = choose_track(chosen)
clip = choose_clip(services, chosen.sources, chosen.duration, chosen.track)
question = choose_question(services, chosen.sources)
models = choose_models(services, chosen, is_reading=question.transcript is not None)
if clip is None or not models:
    st.caption(PLAN_NEEDS)
    st.stop()
if chosen.is_several:
    batch_id = run_many(services, chosen, clip, question, models)
    if batch_id:
        st.switch_page("pages/batch.py", query_params={"batch": batch_id})
    st.stop()
bill = plan_bill(services, chosen, clip, question, models)
render_bill(bill, question.task)
begun = press_run(services, bill)
if begun.comparison_id:
    st.switch_page("pages/compare.py", query_params={"comparison": begun.comparison_id})
elif begun.runs:
    st.switch_page("pages/transcript.py", query_params={"run": begun.runs[0].id})
