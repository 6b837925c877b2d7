"""Activity: every run, what it is doing, and what can be done about it."""

from lib.ui.activity import render_activity
from lib.ui.frame import open_page

services = open_page("Activity", icon=":material/pending_actions:")
render_activity(services)
