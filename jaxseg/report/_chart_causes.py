"""The chart of causes: kinds of network, and what calibration would allow."""

from collections.abc import Mapping, Sequence
import math
import textwrap
from typing import Any

import numpy as np

from jaxseg import study
from jaxseg.report import _charts
from jaxseg.report import _palette
from jaxseg.report import _style
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]
_SETTINGS = (
  "network",
  "dropout_at",
  "steps_asked",
  "epochs_asked",
  "objective",
  "negatives",
)
_COLORS = (
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#000000",
)
_MARKERS = "osD^vPX"
_BOUND = "what a calibrated map can lose"
_TICK = 22  # Characters of a line, so that a phone has room for the values.
_STEPS = 24  # Of the line of the bound.


def causes(rows: Rows, arms: Rows, title: str) -> _charts.Chart:
  """What a shift costs each kind of network, beside theory.

  Args:
    rows: Table `causes`, of one scope.
    arms: Table `cause_arms`, of the same.
    title: What it shows.
  """
  of = looks(arms)
  panels = [
    _costs(arms, of),
    *(_bound(rows, of, side) for side in ("minus", "plus")),
    _half_rule(rows, of),
  ]
  legend = [_charts.entry(look.label, look, line=False) for look in of.values()]
  legend.append(_charts.Entry("", _BOUND, _palette.INK, dash="solid"))
  return _charts.Chart(title, panels, legend)


def looks(arms: Rows) -> dict[tuple[Any, ...], _style.ObjectiveStyle]:
  """How each kind of network is drawn."""
  return {
    one: _style.ObjectiveStyle(
      name, _COLORS[k % len(_COLORS)], _MARKERS[k % len(_MARKERS)], 6.0, "-"
    )
    for k, (one, name) in enumerate(labels(arms).items())
  }


def labels(arms: Rows) -> dict[tuple[Any, ...], str]:
  """Kinds of network, told apart by the settings that differ."""
  differ = [
    name for name in _SETTINGS[2:] if len({row.get(name) for row in arms}) > 1
  ]
  found = {}
  for row in arms:
    said = str(row["network"])
    if said == "bice2020":
      said += f", dropout at {row['dropout_at']}"
    said = _wording.network_label(said).replace(",", ", ").replace(",  ", ", ")
    for name in differ:
      value = row.get(name)
      if name == "objective":
        said += f", {_wording.objective_label(str(value))}"
      elif name == "steps_asked":
        said += "" if value is None else f", at most {value:,g} steps"
      elif name == "epochs_asked":
        said += "" if value is None else f", at most {value:,g} epochs"
      elif value is not None:
        said += f", negatives {value:g}"
    found[kind(row)] = said
  return found


def _costs(
  arms: Rows, looks: Mapping[tuple[Any, ...], _style.ObjectiveStyle]
) -> _charts.Panel:
  """The cost of each kind, with its interval."""
  kinds = list(looks)[::-1]
  traces = []
  for row in arms:
    look = looks[kind(row)]
    value, low, high = (
      100 * float(row[name]) for name in ("lost", "lost_low", "lost_high")
    )
    said = f"{look.label}: {value:.1f} %"
    bar: dict[str, Any] = {}
    if math.isfinite(low) and math.isfinite(high):
      said += f" ({low:.1f} to {high:.1f} %)"
      bar["error_x"] = {
        "type": "data",
        "symmetric": False,
        "array": _charts.numbers([max(0.0, high - value)]),
        "arrayminus": _charts.numbers([max(0.0, value - low)]),
        "color": look.color,
        "thickness": 1.6,
        "width": 5,
      }
    traces.append(
      _charts.trace(
        [value],
        [kinds.index(kind(row))],
        [look.label],
        name=_charts.text(look.label),
        mode="markers",
        marker=_charts.marker(look, size=11),
        text=[_charts.text(said)],
        hovertemplate="%{text}<extra></extra>",
        **bar,
      )
    )
  axis = _charts.categories([])
  ticks = [
    "<br>".join(map(_charts.text, textwrap.wrap(looks[one].label, _TICK)))
    for one in kinds
  ]
  lines = max(1 + one.count("<br>") for one in ticks)
  axis |= {"tickvals": list(range(len(kinds))), "ticktext": ticks}
  axis["range"] = [-0.6, len(kinds) - 0.4]
  return _charts.Panel(
    "Dice lost at ±0.05, median, test patients",
    traces,
    {
      "xaxis": _charts.axis(ticksuffix=" %", rangemode="tozero"),
      "yaxis": axis,
      "shapes": _charts.stripes(len(kinds)),
      "hovermode": "closest",
    },
    "Dice lost at ±0.05 by each kind of network; the table has the values",
    note="with the 95 % interval over patients, organs and seeds",
    height=max(220, 90 + len(kinds) * max(44, 10 + 14 * lines)),
    wide=True,
  )


def _bound(
  rows: Rows,
  looks: Mapping[tuple[Any, ...], _style.ObjectiveStyle],
  side: str,
) -> _charts.Panel:
  """Each model's cost on one side, and the most that calibration allows."""
  shift = -study.PAPER if side == "minus" else study.PAPER
  where = "below" if side == "minus" else "above"
  dice = np.linspace(0.3, 0.99, _STEPS)
  bound = [100 * study.calibrated_bound(float(d), shift) for d in dice]
  line = _charts.trace(
    dice,
    bound,
    [],
    name=_BOUND,
    mode="lines",
    line={"color": _palette.INK, "width": 1.5},
    hoverinfo="skip",
  )
  points = _points(rows, looks, "dice", f"lost_{side}", percent=True)
  highest = max([20.0, *(1.15 * y for one in points for y in one["y"])])
  return _charts.Panel(
    f"0.05 {where} the optimum",
    [line, *points],
    {
      "xaxis": _charts.axis("Dice at the optimum, validation"),
      "yaxis": _charts.axis(
        "Dice lost, relative", ticksuffix=" %", range=[-1, min(102, highest)]
      ),
      "hovermode": "closest",
    },
    f"Dice lost 0.05 {where} the optimum against the Dice there; models above"
    " the line are not calibrated",
    note="a model above the line is not calibrated",
    height=280,
  )


def _half_rule(
  rows: Rows, looks: Mapping[tuple[Any, ...], _style.ObjectiveStyle]
) -> _charts.Panel:
  diagonal = {
    "type": "line",
    "x0": 0,
    "x1": 0.5,
    "y0": 0,
    "y1": 0.5,
    "layer": "below",
    "line": {"color": _palette.HALF, "width": 1},
  }
  return _charts.Panel(
    "Best threshold and half of the best Dice",
    _points(rows, looks, "half_of_dice", "threshold"),
    {
      "xaxis": _charts.axis("half of the best Dice", range=[0, 0.52]),
      "yaxis": _charts.axis("best threshold, validation", range=[0, 1.02]),
      "shapes": [diagonal],
      "hovermode": "closest",
    },
    "Best threshold against half of the best Dice, where that of a calibrated"
    " map lies",
    note="of a calibrated map the two are equal: the line",
    height=280,
  )


def _points(
  rows: Rows,
  looks: Mapping[tuple[Any, ...], _style.ObjectiveStyle],
  x: str,
  y: str,
  *,
  percent: bool = False,
) -> list[dict[str, Any]]:
  """A marker for each model, in a trace for each kind."""
  traces = []
  for one, look in looks.items():
    own = [
      row
      for row in rows
      if kind(row) == one and all(map(_wording.is_finite, (row[x], row[y])))
    ]
    scale = 100 if percent else 1
    unit = " %" if percent else ""
    traces.append(
      _charts.trace(
        [row[x] for row in own],
        [scale * row[y] for row in own],
        [look.label],
        name=_charts.text(look.label),
        mode="markers",
        marker=_charts.marker(look),
        text=[
          _charts.text(
            f"{_wording.structure_label(row['structure'])}, {look.label}, seed"
            f" {row['seed']}: {scale * row[y]:.3g}{unit} at {row[x]:.3f}"
          )
          for row in own
        ],
        hovertemplate="%{text}<extra></extra>",
      )
    )
  return traces


def kind(row: Mapping[str, Any]) -> tuple[Any, ...]:
  """The settings that tell kinds of network apart."""
  return tuple(row.get(name) for name in _SETTINGS)
