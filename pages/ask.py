"""Ask: questions about one video or several, answered with the seconds that the answers rest on."""

from lib.ui.conversation import render_ask_page
from lib.ui.frame import open_page

services = open_page("Ask", icon=":material/forum:")
render_ask_page(services)
