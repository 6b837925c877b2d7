"""The charts of a comparison: what they show and leave out, and that their words can be read."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Page, expect

from lib.ui.compare_charts import (
    DOT_RADIUS,
    HEIGHT,
    LABEL_HEIGHT,
    AgreementLine,
    CostPoint,
    Dot,
    Measure,
    agreement_chart,
    cost_chart,
    short_names,
    spread,
)
from tests.app import PHONE, WAIT_MS, assert_fits, open_browser, running_script, visits

HOSTILE = "<img src=x onerror=alert(1)> datum['model']"
CROWD = [
    CostPoint("Google: Gemini 3.8 Flash", Decimal("0.0123"), 0.93),
    CostPoint("Whisper base", Decimal(0), 0.93),
    CostPoint("Qwen: Qwen 3.8 Omni Flash", Decimal("0.011"), 0.93),
    CostPoint("Xiaomi: MiMo V2.5", Decimal("0.0119"), 0.925),
    CostPoint("Meta: Muse Spark 1.3", Decimal("0.05"), 0.96),
    CostPoint(HOSTILE, Decimal("0.0475"), 0.958),
    CostPoint("Z.ai: GLM 5.3 Flash", Decimal("0.0118"), 0.926),
    CostPoint("Moonshot: Kimi K3", Decimal("0.0301"), 0.93),
]
PAGE = """
import streamlit as st

from lib.ui.compare_charts import AgreementLine, agreement_chart, cost_chart
from tests.test_compare_charts import CROWD

st.altair_chart(cost_chart(CROWD))
st.altair_chart(agreement_chart([AgreementLine(each.name, ((0.0, each.share), (60.0, 0.9))) for each in CROWD]))
"""
# Every text beside a dot, and every dot, as boxes on the screen.
BOXES = """chart => {
    const marks = chart.querySelectorAll(".mark-text.role-mark text, .mark-symbol.role-mark path");
    return [...marks].map((mark) => {
        const box = mark.getBoundingClientRect();
        return {text: mark.textContent, left: box.left, right: box.right, top: box.top, bottom: box.bottom};
    });
}"""


def rows_of(chart: object) -> list[dict[str, object]]:
    return chart.to_dict()["data"]["values"]


def test_each_priced_model_is_a_labelled_dot():
    """Cost and share are those of the model; a free one says so, and a vendor's name is left out of the label."""
    rows = {row["model"]: row for row in rows_of(cost_chart(CROWD))}
    assert len(rows) == len(CROWD)
    gemini, whisper = rows["Google: Gemini 3.8 Flash"], rows["Whisper base"]
    assert (gemini["cost"], gemini["share"], gemini["cost_words"]) == (0.0123, 0.93, "$0.0123")
    assert gemini["label"] == "Gemini 3.8 Flash"
    assert (whisper["cost"], whisper["label"], whisper["cost_words"]) == (0.0, "Whisper base (free)", "free")


def test_a_model_without_a_price_is_left_out_and_named():
    """No dot at zero for a price nobody knows: the words below the chart say whose it is."""
    spec = cost_chart([*CROWD, CostPoint("Mystery: Box", None, 0.5)]).to_dict()
    assert "Mystery: Box" not in [row["model"] for row in spec["data"]["values"]]
    assert " ".join(spec["title"]["text"]) == "Left out, price unknown: Mystery: Box."
    assert "title" not in cost_chart(CROWD).to_dict()


def test_without_anything_to_draw_there_is_no_chart():
    """Nothing known, or nothing at all: the page says so itself."""
    assert cost_chart([]) is None
    assert cost_chart([CostPoint("Mystery", None, 0.5)]) is None
    assert agreement_chart([]) is None


def test_models_that_agree_on_everything_have_a_line_too():
    """All at the top: the axis still has a length, and round figures on it."""
    chart = agreement_chart([AgreementLine("a", ((0.0, 1.0), (60.0, 1.0))), AgreementLine("b", ((0.0, 1.0),))])
    axis = chart.to_dict()["layer"][0]["encoding"]["y"]
    assert axis["scale"]["domain"] == [0.9, 1.0]
    assert axis["axis"]["values"][-1] == 1.0
    assert agreement_chart([AgreementLine("Gemini", ())]) is None


@pytest.mark.parametrize("shares", [[0.9], [0.9, 0.9], [0.0, 0.0], [1.0, 1.0], [0.31, 1.7]])
@pytest.mark.parametrize("costs", [["0", "0"], ["0.00002", "0"], ["12.5", "3"]])
@pytest.mark.parametrize("measure", Measure)
def test_any_two_models_make_a_chart(shares, costs, measure):
    """Equal, extreme, all free or beyond 100 %: every figure has a place, and each axis has figures within it."""
    points = [CostPoint(f"Model {at}", Decimal(costs[at]), share) for at, share in enumerate(shares)]
    spec = cost_chart(points, measure).to_dict()
    for layer in spec["layer"]:
        for axis in ("x", "y"):
            if "scale" not in layer["encoding"].get(axis, {}):
                continue
            low, high = layer["encoding"][axis]["scale"]["domain"]
            assert 1 <= len(layer["encoding"][axis]["axis"]["values"]) <= 7
            assert all(low <= tick <= high for tick in layer["encoding"][axis]["axis"]["values"])
            field = layer["encoding"][axis]["field"]
            assert all(low < row[field] < high for row in spec["data"]["values"])


def test_agreement_has_one_line_a_model_over_the_clock():
    """Each line keeps its points; the seventh and eighth model, whose colours come again, are broken lines."""
    chart = agreement_chart([AgreementLine(point.name, ((0.0, 0.5), (3700.0, 0.9))) for point in CROWD])
    rows = rows_of(chart)
    assert [row["time"] for row in rows[:2]] == ["0:00", "1:01:40"]
    assert len({row["model"] for row in rows}) == len(CROWD)
    line = chart.to_dict()["layer"][0]["encoding"]
    assert line["x"]["axis"]["values"] == [0, 900, 1800, 2700, 3600]
    assert line["strokeDash"]["scale"]["range"] == [[1, 0]] * 6 + [[5, 4]] * 2
    assert line["color"]["scale"]["domain"] == [point.name for point in CROWD]


def test_names_are_short_unless_they_would_be_the_same():
    """A vendor's name is left out only where every model is still told from every other."""
    assert short_names(["Google: Gemini", "Whisper"]) == {"Google: Gemini": "Gemini", "Whisper": "Whisper"}
    same = ["Google: Large", "Meta: Large"]
    assert short_names(same) == {name: name for name in same}


def test_figures_that_cannot_be_are_refused():
    """Nothing costs less than nothing, and agreement is a share of a whole."""
    with pytest.raises(ValueError, match="below zero"):
        CostPoint("Gemini", Decimal("-0.1"), 0.9)
    with pytest.raises(ValueError, match="from 0 to 1"):
        AgreementLine("Gemini", ((0.0, 1.2),))


@given(st.lists(st.tuples(st.floats(0, 240), st.floats(10, HEIGHT - 10), st.floats(20, 140)), min_size=1, max_size=8))
def test_labels_never_lie_over_each_other(made):
    """However eight dots lie, labels that share a stretch of the width keep a line's height apart."""
    dots = [Dot(x, y, *((x, x + width) if x < 125 else (x - width, x))) for x, y, width in made]
    places = spread(dots)
    for (one, place), (other, beside) in combinations(zip(dots, places, strict=True), 2):
        if one.label_from < other.label_to and other.label_from < one.label_to:
            assert abs(place - beside) >= LABEL_HEIGHT
    assert all(LABEL_HEIGHT / 2 <= place <= HEIGHT - LABEL_HEIGHT / 2 for place in places)


def test_a_label_stands_beside_its_dot_where_there_is_room():
    """Only what would overlap is moved; a label makes room for a dot on its way."""
    assert spread([Dot(10, 100, 10, 90), Dot(200, 100, 110, 200)]) == [100, 100]
    moved = spread([Dot(10, 100, 10, 90), Dot(60, 100, 60, 140)])
    assert abs(moved[0] - 100) >= LABEL_HEIGHT / 2 + DOT_RADIUS


@pytest.mark.browser
def test_eight_models_can_be_read_on_a_desk_and_on_a_phone(tmp_path):
    """In a real browser no label lies over another or over a dot, none is cut off, and a hostile name is text."""
    expect.set_options(timeout=WAIT_MS)
    with running_script(tmp_path, PAGE) as app, open_browser() as browser, visits(browser, app) as visit:
        for size in (PHONE, {"width": 1280, "height": 900}):
            page = visit(viewport=size)
            chart = page.get_by_test_id("stVegaLiteChart").first
            expect(chart.get_by_text("Gemini 3.8 Flash")).to_be_visible()
            expect(page.get_by_test_id("stVegaLiteChart").last.get_by_text("Kimi K3")).to_be_visible()
            assert_nothing_overlaps(page, chart.evaluate(BOXES))
            assert_fits(page)
            expect(page.locator("[data-testid=stVegaLiteChart] :is(img, script)")).to_have_count(0)


def assert_nothing_overlaps(page: Page, boxes: list[dict[str, object]]) -> None:
    labels = [box for box in boxes if box["text"]]
    assert len(labels) == len(boxes) - len(labels) == len(CROWD)
    assert all(box["left"] >= 0 and box["right"] <= page.viewport_size["width"] for box in labels), labels
    for label in labels:
        for other in boxes:
            shares_width = label["left"] < other["right"] and other["left"] < label["right"]
            shares_height = label["top"] + 2 < other["bottom"] and other["top"] + 2 < label["bottom"]
            assert label is other or not (shares_width and shares_height), (label, other)
