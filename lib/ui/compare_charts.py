"""Two charts of a comparison: what each model costs for how good it is, and where in the video they agree.

Streamlit colours them by its theme. Both give None when there is nothing to draw.
"""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import altair as alt

from lib.ui.words import clock, money

HEIGHT = 280
NARROWEST = 250
"""How wide a chart is at least between its axes, on a phone: where labels keep apart there, they do so everywhere."""
LABEL_HEIGHT = 17
LETTER_WIDTH = 7
LABEL_WIDTH = 170
"""Longer names end in an ellipsis, and are whole when pointed at. All these are pixels."""
LABEL_DISTANCE = 12
DOT_RADIUS = 7
NUM_COLOURS = 6
"""Of the theme: models after these are drawn with broken lines."""
MOST_TICKS = 6
TIME_STEPS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
CLOCK = (
    "(datum.value >= 3600 ? floor(datum.value / 3600) + ':' : '')"
    " + format(floor(datum.value % 3600 / 60), datum.value >= 3600 ? '02d' : 'd')"
    " + ':' + format(datum.value % 60, '02d')"
)
"""A place in a video as :func:`lib.ui.words.clock` says it, in the language of Vega."""
# The height is that of the drawing alone; Streamlit's own way lets axes and words take theirs from it.
FIT = alt.AutoSizeParams(type="fit-x", contains="padding")
ON_TOP = {"titleAngle": 0, "titleAlign": "left", "titleAnchor": "end", "titleX": -34, "titleY": -14}
"""An axis title that is read without turning one's head, and takes no width."""


class Measure(StrEnum):
    """What stands for good, as a share: agreement with the other models, or WER against a reference."""

    AGREEMENT = "Agreement with the others"
    WER = "WER (lower is better)"

    @property
    def is_bounded(self) -> bool:
        """Agreement ends at 1; a WER does not."""
        return self is Measure.AGREEMENT


@dataclass(frozen=True, slots=True)
class CostPoint:
    """A model with what it cost, where nothing is free and None not known, and its share of :class:`Measure`."""

    name: str
    cost_usd: Decimal | None
    share: float

    def __post_init__(self) -> None:
        if self.share < 0 or (self.cost_usd is not None and self.cost_usd < 0):
            raise ValueError(f"neither cost nor share is below zero: {self}")


@dataclass(frozen=True, slots=True)
class AgreementLine:
    """A model with its agreement over time: pairs of a second of the video and a share from 0 to 1, in order."""

    name: str
    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if any(second < 0 or not 0 <= share <= 1 for second, share in self.points):
            raise ValueError("agreement is from 0 to 1, at seconds from 0")


@dataclass(frozen=True, slots=True)
class Dot:
    """A dot, in pixels from the left and from below, and the stretch from it to the far end of its label."""

    x: float
    y: float
    label_from: float
    label_to: float


def cost_chart(points: Sequence[CostPoint], measure: Measure = Measure.AGREEMENT) -> alt.LayerChart | None:
    """One labelled dot a model, cost to the right and the measure upwards.

    Models whose price is not known are left out, and named below.
    """
    priced = [point for point in points if point.cost_usd is not None]
    if not priced:
        return None
    dearest = float(max(point.cost_usd for point in priced)) or 0.01
    low, high = _domain([point.share for point in priced])
    rows = _cost_rows(priced, short_names([point.name for point in points]), dearest, (low, high))
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X(
            "cost:Q",
            title="Cost (USD)",
            scale=alt.Scale(domain=[-dearest * 0.05, dearest * 1.05], nice=False),
            axis=alt.Axis(
                values=_ticks(0, dearest),
                labelExpr=f"datum.value == 0 ? 'free' : format(datum.value, '{_money_format(dearest)}')",
            ),
        ),
        color=_colour([point.name for point in points]),
        tooltip=[
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip("cost_words:N", title="Cost"),
            alt.Tooltip("share:Q", title=str(measure), format=".1%"),
        ],
    )
    share = alt.Y(
        "share:Q",
        title=str(measure),
        scale=alt.Scale(domain=[low, high], nice=False),
        axis=alt.Axis(format="%", values=_ticks(max(low, 0), min(high, 1) if measure.is_bounded else high), **ON_TOP),
    )
    layers = [layer for is_left in (True, False) for layer in _labels(base, share, is_left)]
    layers.append(base.mark_circle(size=150, opacity=1).encode(y=share))
    return _titled(alt.layer(*layers).properties(height=HEIGHT, autosize=FIT), _unpriced_words(points))


def _cost_rows(
    priced: Sequence[CostPoint], names: dict[str, str], dearest: float, domain: tuple[float, float]
) -> list[dict[str, object]]:
    low, high = domain
    labels = [names[point.name] + (" (free)" if point.cost_usd == 0 else "") for point in priced]
    dots = [
        _dot(float(point.cost_usd) / dearest, (point.share - low) / (high - low), label)
        for point, label in zip(priced, labels, strict=True)
    ]
    return [
        {
            "model": point.name,
            "label": label,
            "cost": float(point.cost_usd),
            "cost_words": "free" if point.cost_usd == 0 else money(point.cost_usd),
            "share": point.share,
            "label_share": low + place / HEIGHT * (high - low),
            "is_left": dot.label_from < dot.x,
        }
        for point, label, dot, place in zip(priced, labels, dots, spread(dots), strict=True)
    ]


def _dot(along: float, up: float, label: str) -> Dot:
    """A dot at shares of the width and the height. In the left half its label is to its right, in the right half to
    its left: there is room for it."""
    x = (0.05 + along) / 1.1 * NARROWEST
    far = LABEL_DISTANCE + min(LABEL_WIDTH, len(label) * LETTER_WIDTH)
    return Dot(x, up * HEIGHT, *((x - far, x) if along > 0.5 else (x, x + far)))


def _labels(base: alt.Chart, share: alt.Y, is_left: bool) -> tuple[alt.Chart, alt.Chart]:
    """The labels on one side of their dots, and the threads that tie them to these."""
    side = base.transform_filter(f"datum.is_left == {str(is_left).lower()}")
    away = -LABEL_DISTANCE if is_left else LABEL_DISTANCE
    # For the eye alone: to a screen reader the threads would be marks without a name.
    threads = side.mark_rule(x2Offset=away * 0.8, opacity=0.6, aria=False)
    threads = threads.encode(x2="cost:Q", y=share, y2="label_share:Q")
    names = side.mark_text(
        align="right" if is_left else "left", baseline="middle", dx=away, fontSize=13, limit=LABEL_WIDTH
    )
    return threads, names.encode(y=alt.Y("label_share:Q"), text="label:N")


def agreement_chart(lines: Sequence[AgreementLine]) -> alt.LayerChart | None:
    """Agreement over time, one line a model; a click on a name in the legend lets its line stand out."""
    shorter = short_names([line.name for line in lines])
    rows = [
        {"model": line.name, "second": second, "time": clock(second), "share": share}
        for line in lines
        for second, share in line.points
    ]
    if not rows:
        return None
    names = [line.name for line in lines]
    first, last = min(row["second"] for row in rows), max(row["second"] for row in rows)
    # Below the lowest point, and never at the top: models that agree on everything have a line there, too.
    floor = min(0.9, int(min(row["share"] for row in rows) * 10) / 10)
    chosen = alt.selection_point(fields=["model"], bind="legend")
    legend = alt.Legend(
        title=None,
        orient="bottom",
        direction="vertical",
        columns=2,
        columnPadding=12,
        labelLimit=LABEL_WIDTH,
        symbolType="stroke",
        labelExpr=f"({json.dumps(shorter)})[datum.label]",
    )
    base = (
        alt.Chart(alt.Data(values=rows))
        .encode(
            x=alt.X(
                "second:Q",
                title=None,
                scale=alt.Scale(domain=[first, last], nice=False),
                axis=alt.Axis(values=_time_ticks(first, last), labelExpr=CLOCK, grid=False),
            ),
            y=alt.Y(
                "share:Q",
                title=str(Measure.AGREEMENT),
                scale=alt.Scale(domain=[floor, 1.0]),
                axis=alt.Axis(format="%", values=_ticks(floor, 1.0), **ON_TOP),
            ),
            color=_colour(names, legend),
            opacity=alt.condition(chosen, alt.value(1.0), alt.value(0.12)),
        )
        .add_params(chosen)
    )
    dashes = [[1, 0] if at < NUM_COLOURS else [5, 4] for at in range(len(names))]
    drawn = base.mark_line(strokeWidth=2).encode(
        strokeDash=alt.StrokeDash("model:N", sort=names, scale=alt.Scale(domain=names, range=dashes), legend=legend)
    )
    # What is pointed at; a line of a single point is seen by it.
    is_short = any(len(line.points) == 1 for line in lines)
    pointed = base.mark_circle(size=90).encode(
        opacity=alt.value(0.9 if is_short else 0.0),
        tooltip=[
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip("time:N", title="Time"),
            alt.Tooltip("share:Q", title=str(Measure.AGREEMENT), format=".1%"),
        ],
    )
    return alt.layer(drawn, pointed).properties(height=HEIGHT, autosize=FIT)


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Each name without the vendor that stands before a colon, unless two would then be the same."""
    shorter = {name: name.rpartition(": ")[2] or name for name in names}
    return shorter if len(set(shorter.values())) == len(shorter) else {name: name for name in names}


def spread(dots: Sequence[Dot]) -> list[float]:
    """How high to write each label: as near to its dot as can be, over no other label and, where there is room, no
    other dot. As a chart grows wider its dots move apart and its labels keep their length: what is free stays free."""
    places: dict[int, float] = {}
    for number in sorted(range(len(dots)), key=lambda at: dots[at].y, reverse=True):
        dot = dots[number]
        labels = [place for at, place in places.items() if _overlap(dot, dots[at].label_from, dots[at].label_to)]
        others = [
            other.y
            for at, other in enumerate(dots)
            if at != number and _overlap(dot, other.x - DOT_RADIUS, other.x + DOT_RADIUS)
        ]
        free = _nearest_free(dot.y, labels, others)
        places[number] = _nearest_free(dot.y, labels, []) if free is None else free
    return [places[number] for number in range(len(dots))]


def _overlap(dot: Dot, start: float, end: float) -> bool:
    return dot.label_from < end and start < dot.label_to


def _nearest_free(wanted: float, labels: Sequence[float], dots: Sequence[float]) -> float | None:
    edge = LABEL_HEIGHT / 2
    for distance in range(HEIGHT):
        for place in (wanted + distance, wanted - distance):
            is_inside = edge <= place <= HEIGHT - edge
            clears_labels = all(abs(place - label) >= LABEL_HEIGHT for label in labels)
            if is_inside and clears_labels and all(abs(place - dot) >= edge + DOT_RADIUS for dot in dots):
                return place
    return None


def _domain(shares: Sequence[float]) -> tuple[float, float]:
    """The stretch of shares to show: theirs, with room around it, and never so little that noise looks large."""
    low, high = min(shares), max(shares)
    room = max(0.02, (high - low) * 0.2)
    return low - room, high + room


def _money_format(dearest: float) -> str:
    return "$,.2f" if dearest >= 0.5 else "$,.4~f"


def _colour(names: Sequence[str], legend: alt.Legend | None = None) -> alt.Color:
    """The theme's colours in the order of the models, the same in both charts."""
    return alt.Color("model:N", sort=list(names), scale=alt.Scale(domain=list(names)), legend=legend)


def _ticks(low: float, high: float) -> list[float]:
    """Round figures from low to high, at most :data:`MOST_TICKS`."""
    power = 10.0 ** (math.floor(math.log10(high - low)) - 1)
    step = next(
        step for step in (power * factor for factor in (1, 2, 5, 10, 20, 50, 100)) if (high - low) / step < MOST_TICKS
    )
    return [round(at * step, 9) for at in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _time_ticks(first: float, last: float) -> list[int]:
    step = next((step for step in TIME_STEPS if (last - first) / step < MOST_TICKS), TIME_STEPS[-1])
    return list(range(math.ceil(first / step) * step, int(last) + 1, step))


def _unpriced_words(points: Sequence[CostPoint]) -> str:
    unpriced = [point.name for point in points if point.cost_usd is None]
    return f"Left out, price unknown: {', '.join(unpriced)}." if unpriced else ""


def _titled(chart: alt.LayerChart, words: str) -> alt.LayerChart:
    """Words below a chart, broken into lines that a phone can hold."""
    if not words:
        return chart
    lines = textwrap.wrap(words, 48)
    return chart.properties(
        title=alt.TitleParams(lines, orient="bottom", anchor="start", offset=14, fontSize=13, fontWeight="normal")
    )
