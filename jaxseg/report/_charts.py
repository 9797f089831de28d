"""Interactive charts: what plotly.js draws, as plain data.

A chart is panels that share a legend. Python says what is in them; how they
look in light, dark and print, and how they answer to mouse and keys, is in
`charts.js`.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import math
from typing import Any, TypeGuard

import markupsafe
import numpy as np

from jaxseg.report import _palette
from jaxseg.report import _style
from jaxseg.report import _wording

_DASHES = {"-": "solid", "--": "dash", ":": "dot"}
_SYMBOLS = {
  "o": "circle",
  "s": "square",
  "D": "diamond",
  "^": "triangle-up",
  "v": "triangle-down",
  "P": "cross",
  "X": "x",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Entry:
  """One entry of a legend: a switch of the traces of a group.

  Attributes:
    group: Its name in the traces' `meta`; "" is a sign that switches nothing.
    label: For people.
    color: Hexadecimal RGB.
    dash: Of the line: solid, dash, dot; "" draws none.
    symbol: Plotly's name of the marker; "" draws none.
    width: Of the line, pixels.
    opacity: Of the line.
    on: Whether the group is shown at first.
  """

  group: str
  label: str
  color: str
  dash: str = ""
  symbol: str = ""
  width: float = 2.0
  opacity: float = 1.0
  on: bool = True


@dataclasses.dataclass(frozen=True, eq=False)
class Panel:
  """One pair of axes.

  Attributes:
    title: Above it; "" has none.
    traces: As plotly.js takes them; `meta` lists the groups of the legend
      that must be on for it to show.
    layout: Likewise.
    said: What it shows, for those who cannot see it.
    note: A line below the title.
    height: Pixels.
    wide: Whether it takes the room of two.
  """

  title: str
  traces: Sequence[dict[str, Any]]
  layout: dict[str, Any]
  said: str
  note: str = ""
  height: int = 240
  wide: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Chart:
  """Panels with one legend.

  Attributes:
    title: What they show.
    panels: At least one.
    legend: Entries.
  """

  title: str
  panels: Sequence[Panel]
  legend: Sequence[Entry] = ()


def entry(
  group: str, look: _style.ObjectiveStyle, *, line: bool = True
) -> Entry:
  """The legend's entry of an objective."""
  return Entry(
    group,
    look.label,
    look.color,
    dash=dash(look) if line else "",
    symbol=symbol(look),
  )


def dash(look: _style.ObjectiveStyle) -> str:
  """Plotly's name of an objective's line."""
  return _DASHES.get(look.line, "solid")


def symbol(look: _style.ObjectiveStyle) -> str:
  """Plotly's name of an objective's marker; "" has none."""
  return _SYMBOLS.get(look.marker, "")


def numbers(values: Any) -> list[float | None]:
  """Values with five digits; None for what JSON cannot say."""
  return [
    float(f"{value:.5g}") if math.isfinite(value) else None
    for value in np.asarray(values, np.float64).ravel()
  ]


def text(value: str) -> str:
  """Text that plotly.js shows as it is: it reads a few tags in labels."""
  return str(markupsafe.escape(value))


def trace(
  x: Any, y: Any, groups: Sequence[str], **options: Any
) -> dict[str, Any]:
  """A trace of plotly.js of the type scatter.

  Args:
    x: Values.
    y: Likewise.
    groups: Groups of the legend that it belongs to.
    **options: Of plotly.js.
  """
  return {
    "type": "scatter",
    "x": numbers(x),
    "y": numbers(y),
    "meta": list(groups),
    **options,
  }


def band(
  x: Any, low: Any, high: Any, color: str, groups: Sequence[str]
) -> dict[str, Any]:
  """A band between two lines, as one closed shape."""
  x, low, high = (np.asarray(v, np.float64) for v in (x, low, high))
  kept = np.isfinite(low) & np.isfinite(high)
  x, low, high = x[kept], low[kept], high[kept]
  return trace(
    np.concatenate([x, x[::-1]]),
    np.concatenate([low, high[::-1]]),
    groups,
    mode="lines",
    line={"width": 0},
    fill="toself",
    fillcolor=_palette.faded(color),
    hoverinfo="skip",
  )


def marker(
  look: _style.ObjectiveStyle, *, hollow: bool = False, size: float = 9.0
) -> dict[str, Any]:
  """A marker of an objective."""
  name = symbol(look) or "circle"
  return {
    "symbol": f"{name}-open" if hollow else name,
    "size": size,
    "color": look.color,
    "line": {
      "color": look.color if hollow else _palette.PAPER,
      "width": 1.6 if hollow else 0.8,
    },
  }


def upright(x: float, color: str, *, dashed: str = "solid") -> dict[str, Any]:
  """A line across a panel at a value of x."""
  return {
    "type": "line",
    "xref": "x",
    "yref": "paper",
    "x0": x,
    "x1": x,
    "y0": 0,
    "y1": 1,
    "layer": "below",
    "line": {"color": color, "width": 1, "dash": dashed},
  }


def axis(title: str = "", **options: Any) -> dict[str, Any]:
  """An axis of plotly.js with its title."""
  said = {"title": {"text": text(title)}} if title else {}
  return {**said, **options}


def categories(names: Sequence[str]) -> dict[str, Any]:
  """An axis of structures, a row each, from below."""
  return {
    "tickvals": list(range(len(names))),
    "ticktext": [text(_wording.structure_label(n)) for n in names],
    "range": [-0.6, len(names) - 0.4],
    "showgrid": False,
    "automargin": True,
    "ticklen": 0,
  }


def stripes(count: int) -> list[dict[str, Any]]:
  """Every other row shaded."""
  return [
    {
      "type": "rect",
      "xref": "paper",
      "x0": 0,
      "x1": 1,
      "y0": place - 0.5,
      "y1": place + 0.5,
      "layer": "below",
      "line": {"width": 0},
      "fillcolor": _palette.STRIPE,
    }
    for place in range(0, count, 2)
  ]


def offset(place: int, count: int) -> float:
  """Where an objective stands beside a structure's row."""
  return round((place - (count - 1) / 2) * min(0.26, 0.6 / count), 3)


def infinite(rows: Sequence[Mapping[str, Any]], column: str) -> int:
  """How many rows have an infinite value."""
  values = [row.get(column) for row in rows]
  return sum(number(value) and math.isinf(value) for value in values)


def number(value: Any) -> TypeGuard[float]:
  """Whether a cell holds a number, finite or not."""
  return value is not None and not math.isnan(value)
