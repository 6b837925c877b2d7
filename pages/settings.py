"""Settings: the key, what may be spent, what is chosen by default, and the health of the tools."""

from lib.ui.cue_shape import render_cue_shape
from lib.ui.frame import open_page
from lib.ui.key import render_key
from lib.ui.preferences import render_health, render_preferences, render_storage

services = open_page("Settings", icon=":material/tune:")
render_key(services)
render_preferences(services)
render_cue_shape(services)
render_storage(services)
render_health(services)
