"""Asking about videos: questions, answers that grow, and what they rest on."""

from lib.ui.conversation.page import render_ask_page
from lib.ui.conversation.panel import render_ask

__all__ = ["render_ask", "render_ask_page"]
