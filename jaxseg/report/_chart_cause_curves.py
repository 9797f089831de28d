"""The chart of Dice against threshold, one network beside the other."""

from collections.abc import Mapping, Sequence
import dataclasses
from typing import Any

import numpy as np

from jaxseg.report import _chart_causes
from jaxseg.report import _charts
from jaxseg.report import _palette
from jaxseg.report import _style
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]
_TICKS = [0, 0.25, 0.5, 0.75, 1]


def cause_curves(
  curves: Rows, rows: Rows, arms: Rows, title: str
) -> _charts.Chart:
  """A panel per structure, a line per network, and where each model cuts.

  Args:
    curves: Table `cause_curves`, at least one row.
    rows: Table `causes`, of models that learnt.
    arms: Table `cause_arms`, whose colours the networks have.
    title: What it shows.
  """
  known = _chart_causes.looks(arms)
  looks = {
    kind: dataclasses.replace(known.get(kind, look), label=look.label)
    for kind, look in _chart_causes.looks(curves).items()
  }
  names = dict.fromkeys(str(row["structure"]) for row in curves)
  panels = [
    _panel(
      name,
      [row for row in curves if row["structure"] == name],
      [row for row in rows if row["structure"] == name],
      looks,
    )
    for name in names
  ]
  legend = [_charts.entry(look.label, look) for look in looks.values()]
  signs = (
    ("range of the seeds", {"width": 9, "opacity": 0.25, "dash": "solid"}),
    ("chosen on the validation patients", {"symbol": "circle"}),
  )
  legend += [
    _charts.Entry("", label, _palette.QUIET, **how) for label, how in signs
  ]
  legend.append(
    _charts.Entry("", "threshold 0.5", _palette.HALF, dash="solid", width=1)
  )
  return _charts.Chart(title, panels, legend)


def _panel(
  name: str,
  curves: Rows,
  rows: Rows,
  looks: Mapping[tuple[Any, ...], _style.ObjectiveStyle],
) -> _charts.Panel:
  bands, lines, dots, said = [], [], [], []
  for kind, look in looks.items():
    own = [row for row in curves if _chart_causes.kind(row) == kind]
    if not own:
      continue
    x, y, low, high = (
      np.array([row[column] for row in own], np.float64)
      for column in (
        "threshold", "dice_test", "dice_test_least", "dice_test_most",
      )
    )  # fmt: skip
    group = [look.label]
    bands.append(_charts.band(x, low, high, look.color, group))
    lines.append(
      _charts.trace(
        x,
        y,
        group,
        name=_charts.text(look.label),
        mode="lines",
        line={"color": look.color, "width": 2},
        hovertemplate="%{y:.3f}",
      )
    )
    models = [row for row in rows if _chart_causes.kind(row) == kind]
    dots.append(
      _charts.trace(
        [row["threshold"] for row in models],
        [row["dice_test"] for row in models],
        group,
        name=_charts.text(look.label),
        mode="markers",
        marker=_charts.marker(look),
        hoverinfo="skip",
        text=[
          _charts.text(f"seed {row['seed']} cuts at {row['threshold']:.3f}")
          for row in models
        ],
      )
    )
    best = int(np.nanargmax(y))
    said.append(f"{look.label} highest at {x[best]:.2f} with {y[best]:.3f}")
  title = _wording.structure_label(name)
  return _charts.Panel(
    title,
    [*bands, *lines, *dots],
    {
      "xaxis": _charts.axis("threshold", range=[-0.02, 1.02], tickvals=_TICKS),
      "yaxis": _charts.axis(
        "Dice, unseen patients", range=[0, 1.03], tickvals=_TICKS
      ),
      "shapes": [_charts.upright(0.5, _palette.HALF)],
      "hovermode": "x unified",
    },
    f"{title}, Dice of unseen patients: {'; '.join(said)}",
  )
