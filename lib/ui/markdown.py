"""A model's Markdown, made safe to show: it loads nothing and leads nowhere but to http(s).

The text is a stranger's. Streamlit already refuses raw HTML; what is left are images (which would tell another
host that the page was opened), links of other kinds, and dollar signs that would turn sentences into formulas.
Images and links are broken with a word joiner, an invisible character, rather than parsed: what Markdown reads
as an image always holds the two characters ``![``, wherever it stands, so nothing slips between two parsers.
"""

from __future__ import annotations

import re

from lib.ui.words import JOINER

INLINE_LINK = re.compile(r"\](?=\((?!\s*<?https?://))", re.IGNORECASE)
REFERENCE = re.compile(r"\](?=:(?!\s*<?https?://))", re.IGNORECASE)
AUTOLINK = re.compile(r"<(?!https?://)(?=[a-z][a-z0-9+.-]*:)", re.IGNORECASE)
CODE = re.compile(r"(```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`)", re.DOTALL)
DOLLAR = re.compile(r"(?<!\\)\$")


def safe_markdown(text: str) -> str:
    """The same document without images, without links other than http(s), without formulas."""
    text = text.replace("![", f"!{JOINER}[")
    text = INLINE_LINK.sub(f"]{JOINER}", text)
    text = REFERENCE.sub(f"]{JOINER}", text)
    text = AUTOLINK.sub(f"<{JOINER}", text)
    prose_and_code = CODE.split(text)
    prose_and_code[::2] = [DOLLAR.sub(r"\$", prose) for prose in prose_and_code[::2]]
    return "".join(prose_and_code)
