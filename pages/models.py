"""Models: what each one takes, what an hour of video costs, and when it retires."""

from lib.ui.catalogue import render_catalogue
from lib.ui.frame import open_page

services = open_page("Models", icon=":material/neurology:", wide=True)
render_catalogue(services)
