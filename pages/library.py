"""Library: everything that was watched, and what was said in it."""

from lib.ui.farewell import tell_of_deletion
from lib.ui.frame import open_page
from lib.ui.hits import render_hits
from lib.ui.ledger import render_ledger
from lib.ui.library import ask_library, render_videos

services = open_page("Library", icon=":material/video_library:", wide=True)
tell_of_deletion()
words, filters = ask_library(services)
if words:
    render_hits(services, words, filters)
else:
    render_ledger(services)
    render_videos(services, filters)
