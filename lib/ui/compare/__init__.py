"""The Compare page: the columns as they come, the grid, the figures, and the judging."""

from lib.ui.compare.page import render_compare

__all__ = ["render_compare"]
