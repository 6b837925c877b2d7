"""Sees to it that there is a Chromium for the browser tests: one that is installed, or Playwright's, or Debian's.

``python -m tests.browser_install`` gets one where there is none, and says what to install where it cannot.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_browser() -> str | None:
    """The path of a Chromium that starts: the system's, or the one that Playwright downloaded."""
    candidates = [path for name in NAMES if (path := shutil.which(name))]
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    return next((path for path in [*candidates, mac, _playwrights()] if path and _starts(path)), None)


def main() -> int:
    if find_browser():
        return 0
    print("No Chromium found for the browser tests: getting one ...", flush=True)
    subprocess.run([sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"], check=False)
    if not find_browser() and shutil.which("apt-get") and os.geteuid() == 0:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=False, env=environment)
        subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=False, env=environment)
    if find_browser():
        return 0
    print(
        "The browser tests need Chromium, and none could be installed. Install it, then run make test again:\n"
        "  Debian, Ubuntu:  sudo apt-get install chromium\n"
        "  others:          .venv/bin/python -m playwright install --with-deps chromium",
        file=sys.stderr,
    )
    return 1


def _playwrights() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _starts(path: str) -> bool:
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    sys.exit(main())
