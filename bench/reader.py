"""Ten thousand lines, ten hours of speech, in the reader: real app, real browser.

    python -m bench.reader [--lines 10000]

* From the address to the first line on the screen, against a transcript of ten lines.
* Frames while the lines are scrolled, a little at a time and by pages: how many take longer than 50 ms.
* From the last letter typed in a line to its being in the database, and until the page has heard of it.

Exits with 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page

from lib.domain.transcript import Cue, TimedBy
from lib.services import Services
from tests.app import RunningApp, open_browser, running_app
from tests.conftest import asset_of
from tests.editing_fixtures import write_run
from tests.services_fixtures import services_beside

SAID = "the of time age wisdom foolishness epoch belief season light darkness spring hope winter despair heaven"
WORDS = SAID.split()
FRAMES = 240
SLOW_MS = 50
TIMES_AS_LONG, SLOW_FRAMES, SECONDS = 2.0, 0.05, 1.0
FIRST_LINE = """() => [...document.querySelectorAll("*")].some((node) => node.shadowRoot?.querySelector(".line"))"""
SCROLL = """async ([step, frames]) => {
  const root = [...document.querySelectorAll("*")].find((node) => node.shadowRoot?.querySelector(".line")).shadowRoot;
  const scroller = root.querySelector(".scroller");
  const lengths = [];
  let last = performance.now();
  for (let frame = 0; frame < frames; frame += 1) {
    scroller.scrollTop += step;
    await new Promise(requestAnimationFrame);
    lengths.push(performance.now() - last);
    last = performance.now();
  }
  return lengths;
}"""
NOTHING_WAITS = "() => !Object.keys(sessionStorage).some((key) => key.startsWith('cuewise.changes'))"


def main() -> int:
    parser = argparse.ArgumentParser(description="Many lines in the reader.")
    parser.add_argument("--lines", type=int, default=10_000)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_app(Path(folder)) as app,
        open_browser() as browser,
        services_beside(app.data) as services,
    ):
        source = services.keep_file(asset_of("moonshine_voice", "assets", "beckett.wav"))
        for run, count in (("few", 10), ("many", options.lines)):
            write_run(services._tools.store, run, source, lines(count), end=count * 3.6)
        print("| what | measured | limit |\n|---|---|---|", flush=True)
        kept = (
            first_line(browser, app, options.lines),
            frames(browser, app, options.lines),
            typing(browser, app, services, options.lines),
        )
    return 0 if all(kept) else 1


def lines(count: int) -> list[Cue]:
    chance = random.Random(1)
    return [
        Cue(at * 3.6, at * 3.6 + 3.4, " ".join(chance.choices(WORDS, k=chance.randint(4, 14))), None, TimedBy.AUDIO)
        for at in range(count)
    ]


def first_line(browser: Browser, app: RunningApp, count: int) -> bool:
    """In turns, so that both meet the same load."""
    seconds: dict[str, list[float]] = {"few": [], "many": []}
    for _ in range(4):
        for run, found in seconds.items():
            began = time.perf_counter()
            page = open_run(browser, app, run)
            found.append(time.perf_counter() - began)
            page.context.close()
    few, many = (statistics.median(found[1:]) for found in seconds.values())
    print(
        f"| from the address to the first of {count:,} lines ({many:.1f} s), against ten ({few:.1f} s) "
        f"| {many / few:.2f} times | {TIMES_AS_LONG:.0f} times |",
        flush=True,
    )
    return many <= TIMES_AS_LONG * few


def frames(browser: Browser, app: RunningApp, count: int) -> bool:
    page = open_run(browser, app, "many")
    page.wait_for_timeout(2000)
    is_kept = True
    for words, step in (("line by line", 60), ("page by page", 700)):
        lengths = page.evaluate(SCROLL, [step, FRAMES])
        slow = sum(length > SLOW_MS for length in lengths) / len(lengths)
        is_kept = is_kept and slow <= SLOW_FRAMES
        print(
            f"| frames over {SLOW_MS} ms while {count:,} lines are scrolled {words} "
            f"(median {statistics.median(lengths):.0f} ms, longest {max(lengths):.0f} ms) "
            f"| {slow:.1%} | {SLOW_FRAMES:.0%} |",
            flush=True,
        )
    page.context.close()
    return is_kept


def typing(browser: Browser, app: RunningApp, services: Services, count: int) -> bool:
    page = open_run(browser, app, "many")
    page.wait_for_timeout(3000)
    line = page.locator(".reader .line").nth(count // 2)
    line.scroll_into_view_if_needed()
    line.locator(".time").focus()
    page.keyboard.press("e")
    in_database, heard = [], []
    for number in range(5):
        text = f"Typed {number}"
        began = time.perf_counter()
        page.locator(".reader textarea").fill(text)
        in_database.append(seconds_until(lambda text=text: is_newest(services, count // 2, text), began))
        page.wait_for_function(NOTHING_WAITS)
        heard.append(time.perf_counter() - began)
        page.wait_for_timeout(500)
    page.context.close()
    median = statistics.median(in_database)
    print(
        f"| from the last letter to the database, in one of {count:,} lines "
        f"(until the page has heard of it: {statistics.median(heard):.1f} s) | {median:.2f} s | {SECONDS:.0f} s |",
        flush=True,
    )
    return median <= SECONDS


def is_newest(services: Services, number: int, text: str) -> bool:
    # The log holds the line alone: reading ten thousand of them each time would be what is measured.
    store = services._tools.store.transcripts
    log = store.log("many", store.versions("many")[0].number)
    return bool(log) and any(cue.text == text for splice in log[-1].edit.splices for cue in splice.new)


def seconds_until(condition, began: float) -> float:
    while not condition():
        if time.perf_counter() - began > 60:
            raise TimeoutError("it was not kept within a minute")
        time.sleep(0.01)
    return time.perf_counter() - began


def open_run(browser: Browser, app: RunningApp, run: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{app.url}/transcript?run={run}")
    page.wait_for_function(FIRST_LINE)
    return page


if __name__ == "__main__":
    sys.exit(main())
