"""Every page as axe sees it, the rules that screen readers and keyboards depend on: in light, in dark, on a phone.

A new page is a line in VIEWS. A view without an address goes on from the one above it, with one thing more done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from lib.domain.batch import Item
from lib.domain.conversation import Asking, Reading
from lib.domain.health import Finding, Gap, Health
from lib.domain.media import Clip, Source
from lib.domain.plan import Part, Plan, Route
from lib.domain.run import Failure, Generation, PartState, RunRequest, Stage
from lib.services import Services
from lib.store import Preferences, Store
from tests.app import PHONE, visits
from tests.browsing import drop_file, switch_to
from tests.editing_fixtures import TWO_CITIES, cues_of, write_run
from tests.services_fixtures import services_beside

pytestmark = pytest.mark.browser

DESK = {"width": 1280, "height": 900}
GEMINI, LITE = "google/gemini-3.8-flash", "google/gemini-3.5-flash-lite"
DONE, RUNNING, FAILED, SUMMARY, OTHER = (f"{number:032x}" for number in range(1, 6))
COMPARISON, BATCH, CONVERSATION = "c" * 32, "b" * 32, "d" * 32
DOCUMENT = """\
# Two cities

A man reads, at [00:01], *what* it was like: the `best` and the worst of times.

## Key points

- Wisdom and [foolishness](https://example.com) came together.

| when | what |
|---|---|
| 00:08 | belief |
"""
SERIOUS = ("serious", "critical")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""All that a theme can change."""


Act = Callable[[Page, Path], None]
"""What is done to a page before it is looked at; there is a video at hand."""


def nothing(page: Page, video: Path) -> None:
    """The page is looked at as it opens."""


def drop_video(page: Page, video: Path) -> None:
    drop_file(page, video)


def choose_stretches(page: Page, video: Path) -> None:
    page.locator("label").filter(has_text="Several stretches").click()


def edit_a_line(page: Page, video: Path) -> None:
    page.locator(".reader .line .time").nth(1).focus()
    page.keyboard.press("e")


def ask_to_run_again(page: Page, video: Path) -> None:
    page.keyboard.press("Escape")
    page.locator(".reader .line .time").nth(2).focus()
    page.keyboard.press("x")
    page.get_by_role("button", name="Run again…").click()


def press(name: str) -> Act:
    return lambda page, video: page.get_by_test_id("stMain").get_by_role("button", name=name).first.click()


def unfold(words: str) -> Act:
    return lambda page, video: page.locator("summary", has_text=words).click()


def look_at(view: str) -> Act:
    return lambda page, video: switch_to(page, view)


@dataclass(frozen=True)
class View:
    """Something to look at: where it is, what tells that it is there, a text or a selector, and what is done first."""

    name: str
    address: str | None
    shows: str
    do: Act = nothing

    def sign(self, page: Page) -> Locator:
        return page.locator(self.shows).first if self.shows[0] in ".[" else page.get_by_text(self.shows).first


VIEWS = (
    View("New run", "/", "Paste a link"),
    View("New run, with the bill", None, "Total:", drop_video),
    View("New run, in stretches", None, ".editor .lane", choose_stretches),
    View("Activity", "/activity", "Out of credit"),
    View("Transcript", f"/transcript?run={DONE}", ".reader .line"),
    View("Transcript, its health", None, "Repair this part", unfold("of the speech has text")),
    View("Transcript, editing", None, ".reader .editor", edit_a_line),
    View("Transcript, find and replace", None, "[aria-label='Replace with']", press("Find and replace")),
    View("Transcript, run again", None, "[role=dialog]", ask_to_run_again),
    View("Transcript that grows", f"/transcript?run={RUNNING}", ".reader .line"),
    View("Transcript that failed", f"/transcript?run={FAILED}", "Out of credit"),
    View("Transcript of no run", "/transcript", "Nothing is open yet."),
    View("Summary", f"/transcript?run={SUMMARY}", "Key points"),
    View("Compare, the list", "/compare", "Two cities"),
    View("Compare", f"/compare?comparison={COMPARISON}", ".cell .differs"),
    View("Compare, adding", None, "Nothing else is asked again.", press("Add a model")),
    View("Compare, figures", f"/compare?comparison={COMPARISON}", "Agreement over time", look_at("Figures")),
    View("Compare, blind", None, "Which one is better?", look_at("Judge blind")),
    View("Ask", "/ask", "Earlier conversations"),
    View("Ask, a conversation", f"/ask?conversation={CONVERSATION}", "not in the video"),
    View("Library", "/library", "[class*=st-key-card_]"),
    View("Library, filters", None, "[aria-label='Tag']", press("Filters")),
    View("Library, deleting", "/library", "[role=dialog]", press("Delete…")),
    View("Library, hits", "/library?said=wisdom", "[class*=st-key-hits_]"),
    View("Library, no hits", "/library?said=xylophone", "Nobody says"),
    View("Batches", "/batch", "Two films"),
    View("Batch", f"/batch?batch={BATCH}", "1 failed"),
    View("Models", "/models", "online models"),
    View("Settings", "/settings", "Tools"),
    View("Status", "/status", "Since the beginning"),
)


@dataclass(frozen=True)
class Excepted:
    """A finding that stays: the rule, which elements, and why nothing of ours can mend it."""

    rule: str
    selector: str
    why: str


EXCEPTED: tuple[Excepted, ...] = ()


UNREST = "[data-test-script-state=running], [data-stale=true], [data-testid=stSkeleton]"
CHECK = r"""async ([options, excepted]) => {
    const how = { resultTypes: ["violations"], elementRef: true, preload: false }; // it would wait for each video
    const { violations } = await axe.run(document, { ...options, ...how });
    return violations.flatMap(({ id, impact, help, nodes }) => nodes.map((node) => ({
        rule: id, impact, where: node.target.flat().join(" >> "), html: node.html.slice(0, 200),
        words: [help, ...node.failureSummary.split("\\n").slice(1)].map((line) => line.trim()).join(". "),
        excepted: excepted.findIndex(([rule, selector]) => rule === id && node.element.matches(selector)),
    })));
}"""


@dataclass(frozen=True)
class Told:
    """One finding about one element, where it was seen; ``excepted`` is the line of EXCEPTED that lets it be."""

    view: str
    look: str
    rule: str
    impact: str
    where: str
    html: str
    words: str
    excepted: int

    def __str__(self) -> str:
        return f"{self.view}, {self.look}: {self.impact} {self.rule} at {self.where}\n    {self.words}\n    {self.html}"


@pytest.fixture(scope="module")
def findings(app, browser, talking_video) -> list[Told]:
    """All that axe finds, on every view in every look."""
    app.wait_for_worker()
    with services_beside(app.data) as services:
        write_what_there_is_to_see(services, services.keep_file(talking_video))
    script, found = Axe().axe_script, []
    with visits(browser, app) as visit:
        page = visit(viewport=DESK, color_scheme="light", reduced_motion="reduce")
        for view in VIEWS:
            if view.address is not None:
                page.goto(app.url + view.address)
                page.evaluate(script)
            view.do(page, talking_video)
            expect(view.sign(page)).to_be_visible()
            found += check(page, view, "light", RULES)
            page.emulate_media(color_scheme="dark")
            found += check(page, view, "dark", COLOURS)
            page.emulate_media(color_scheme="light")
            page.set_viewport_size(PHONE)
            found += check(page, view, "phone", RULES)
            page.set_viewport_size(DESK)
    return found


def check(page: Page, view: View, look: str, rules: object) -> list[Told]:
    settle(page, "dark" if look == "dark" else "light")
    excepted = [(each.rule, each.selector) for each in EXCEPTED]
    return [Told(view.name, look, **each) for each in page.evaluate(CHECK, [{"runOnly": rules}, excepted])]


def settle(page: Page, scheme: str) -> None:
    """Until the page is drawn, nothing on it is faded because it is drawn anew, and its colours are those of the theme:
    they come over some tenths of a second."""
    expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", scheme)
    expect(page.locator(UNREST)).to_have_count(0)
    page.evaluate(
        """() => {
            const ends = document.getAnimations().filter((each) => each.effect.getComputedTiming().endTime < 3000);
            const late = new Promise((done) => setTimeout(done, 3000)); // one that is held never ends
            return Promise.race([late, Promise.allSettled(ends.map((each) => each.finished))]).then(() => null);
        }"""
    )


def test_no_page_has_a_serious_finding(findings):
    """No serious and no critical finding on any view, in either theme, at either width."""
    serious = [each for each in findings if each.impact in SERIOUS and each.excepted < 0]
    others = [each for each in findings if each.impact not in SERIOUS]
    print(*others, sep="\n")
    assert not serious, "\n".join(map(str, serious))


def test_every_exception_is_needed(findings):
    """What Streamlit has mended is excepted no longer."""
    used = {each.excepted for each in findings}
    assert not [each for number, each in enumerate(EXCEPTED) if number not in used]


def write_what_there_is_to_see(services: Services, video: Source) -> None:
    """Runs in every state, and a comparison of two, as a worker would have left them."""
    store = services._tools.store
    services.save_preferences(Preferences(default_models=("local/whisper-base", GEMINI)))
    gap = Gap(24.4, 41.0)
    words = "17 s of speech have no text."
    health = Health(
        coverage=0.6, gaps=(gap,), timed_by_audio=0.9, findings=(Finding("gap", words, gap.start, gap.end),)
    )
    write_run(store, DONE, video, cues_of(), health=health)
    other = [(start, end, text.replace("age", "page"), None) for start, end, text, _ in TWO_CITIES]
    write_run(store, OTHER, video, cues_of(other), model_id=LITE, route=Route.AUDIO, cost="0.0140")
    write_run(store, SUMMARY, video, (), text=DOCUMENT, task="summary", model_id=GEMINI, cost="0.0021")
    store.comparisons.add(COMPARISON, "Two cities")
    for run_id in (DONE, OTHER):
        store.comparisons.add_run(COMPARISON, run_id)
    services.library.tag(video.video_id, "Dickens")
    started = [Item(0, 0, video.title, RunRequest(video, GEMINI), Decimal("0.002"), run_id=DONE)]
    broken = Item(1, 0, "broken.mp4", failure=Failure("NotMedia", "This is no video.", "Choose another file."))
    store.batches.add(BATCH, "Two films", [*started, broken])
    write_conversation(store)

    plan = Plan(GEMINI, Route.AUDIO, "", Clip(0.0, 44.4), (Part(0, 0.0, 20.0, 100), Part(1, 20.0, 44.4, 100)))
    for run_id in (RUNNING, FAILED):
        store.runs.add(run_id, RunRequest(video, GEMINI), plan)
        store.runs.begin(run_id, 1)
        store.runs.set_plan(run_id, 1, plan)
        store.runs.report_part(run_id, 1, 0, state=PartState.OK, partial_text="[00:01] It was the best of times.")
    store.runs.report(run_id=RUNNING, attempt=1, stage=Stage.ASKING, progress=0.4)
    store.runs.report_part(FAILED, 1, 1, state=PartState.FAILED, error_code="OutOfCredit", error="Out of credit.")
    store.runs.fail(
        FAILED, 1, Failure("OutOfCredit", "Out of credit.", "Add credit on openrouter.ai, then press Retry.")
    )


def write_conversation(store: Store) -> None:
    """Two questions, one with its answer, one without."""
    store.conversations.add(CONVERSATION, [DONE])
    for number, question in enumerate(("What was it like?", "And then?")):
        exchange_id = f"{number:032x}"
        store.conversations.add_exchange(exchange_id, CONVERSATION, question, Asking(GEMINI, ""))
        store.conversations.begin(exchange_id, 1)
        if number:
            failure = Failure("OutOfCredit", "Out of credit.", "Add credit, then press Try again.")
            store.conversations.fail(exchange_id, 1, failure, None, "It was")
            continue
        answer = Generation(GEMINI, "It was the **best** of times [00:01], and more [59:00].")
        store.conversations.finish(exchange_id, 1, answer, Reading(6, 6), None, is_remembered=False)
