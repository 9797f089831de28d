"""The chart of sensitivity: what a shift of the threshold costs."""

from collections.abc import Mapping, Sequence
import math
from typing import Any

import numpy as np

from jaxseg.report import _charts
from jaxseg.report import _palette
from jaxseg.report import _sensitivity
from jaxseg.report import _style
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]
_SIDES = {
  "reduction": "validation patients, as in the paper",
  "reduction_test": "test patients",
}


def sensitivity(rows: Rows, title: str) -> _charts.Chart:
  """Relative Dice reduction about the optimum, beside the paper's median.

  Args:
    rows: Table `sensitivity`, of one scope and aggregate.
    title: What it shows.
  """
  looks = _style.objective_styles([row["objective"] for row in rows])
  names = sorted({row["structure"] for row in rows})
  near: list[dict[str, Any]] = []
  far: list[dict[str, Any]] = []
  shown = [side for side in _SIDES if any(side in row for row in rows)]
  for place, (objective, look) in enumerate(looks.items()):
    own = [row for row in rows if row["objective"] == objective]
    for side in shown:
      groups = [objective, side]
      near.append(_at_paper(own, side, look, names, place, len(looks), groups))
      far += _medians(own, side, look, groups)
  legend = [_charts.entry(name, look) for name, look in looks.items()]
  legend += [
    _charts.Entry(
      side,
      _SIDES[side],
      _palette.QUIET,
      symbol="triangle-right" if side == "reduction" else "triangle-right-open",
      dash="solid" if side == "reduction" else "dot",
      on=side == "reduction",
    )
    for side in shown
  ]
  paper = _sensitivity.PAPER
  legend.append(
    _charts.Entry(
      "", f"Bice et al. 2021 reported {paper:g} %", _palette.INK, dash="dot"
    )
  )
  far.append(
    _charts.trace(
      [-0.05, 0.05],
      [paper, paper],
      [],
      name="Bice et al. 2021",
      mode="markers",
      marker={"symbol": "x-thin-open", "size": 10, "color": _palette.INK},
      hovertemplate="%{y:.1f} %",
    )
  )
  said = f"Bice et al. 2021 reported a median of {paper:g} %."
  left = _charts.Panel(
    "Each structure at ±0.05",
    near,
    {
      "xaxis": _charts.axis("Dice lost, relative", ticksuffix=" %"),
      "yaxis": _charts.categories(names),
      "shapes": [
        *_charts.stripes(len(names)),
        _charts.upright(paper, _palette.INK, dashed="dot"),
      ],
      "hovermode": "closest",
    },
    f"Dice lost by each structure at a shift of ±0.05. {said}",
    note="◂ below the optimum, ▸ above; a side that leaves [0, 1] is left out",
    height=max(260, 110 + 34 * len(names)),
    wide=True,
  )
  right = _charts.Panel(
    "Median over structures",
    far,
    {
      "xaxis": _charts.axis("threshold minus optimum"),
      "yaxis": _charts.axis("Dice lost, relative", ticksuffix=" %"),
      "hovermode": "x unified",
    },
    f"Median Dice lost against the shift of the threshold. {said}",
    note="band: quartiles over structures",
    height=left.height,
  )
  return _charts.Chart(title, [left, right], legend)


def _at_paper(
  rows: Rows,
  side: str,
  look: _style.ObjectiveStyle,
  names: Sequence[str],
  place: int,
  count: int,
  groups: Sequence[str],
) -> dict[str, Any]:
  """Each structure's loss at both shifts of the paper's size."""
  kept = [
    row
    for row in rows
    if math.isclose(abs(row["perturbation"]), 0.05, abs_tol=1e-6)
    and _charts.number(row.get(side))
  ]
  open_ = "" if side == "reduction" else "-open"
  return _charts.trace(
    [100 * row[side] for row in kept],
    [
      names.index(row["structure"]) + _charts.offset(place, count)
      for row in kept
    ],
    groups,
    name=_charts.text(look.label),
    mode="markers",
    marker={
      "symbol": [
        f"triangle-{'right' if row['perturbation'] > 0 else 'left'}{open_}"
        for row in kept
      ],
      "size": 10,
      "color": look.color,
    },
    text=[
      _charts.text(
        f"{_wording.structure_label(row['structure'])}, {look.label},"
        f" {row['perturbation']:+.2f}: {100 * row[side]:.2f} %"
      )
      for row in kept
    ],
    hovertemplate="%{text}<extra></extra>",
  )


def _medians(
  rows: Rows, side: str, look: _style.ObjectiveStyle, groups: Sequence[str]
) -> list[dict[str, Any]]:
  """Median and quartiles over the structures at each shift."""
  values: dict[float, list[float]] = {0.0: [0.0]}
  for row in rows:
    if _charts.number(row.get(side)):
      # Rounded: steps of 0.01 made by addition are not one float.
      step = round(float(row["perturbation"]), 6) + 0.0
      values.setdefault(step, []).append(100 * row[side])
  steps = sorted(values)
  low, middle, high = np.transpose(
    [np.percentile(values[step], (25, 50, 75)) for step in steps]
  )
  dashed = "solid" if side == "reduction" else "dot"
  return [
    _charts.band(steps, low, high, look.color, groups),
    _charts.trace(
      steps,
      middle,
      groups,
      name=_charts.text(look.label),
      mode="lines",
      line={"color": look.color, "width": 2, "dash": dashed},
      hovertemplate="%{y:.2f} %",
    ),
  ]
