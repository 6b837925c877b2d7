"""Status: whether all works, and what was worked on, in counters."""

from lib.ui.counters import render_counters
from lib.ui.frame import open_page

services = open_page("Status", icon=":material/monitoring:")
render_counters(services)
