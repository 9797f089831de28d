"""The chart of prominence: its definitions against the best threshold."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxseg import errors
from jaxseg.report import _charts
from jaxseg.report import _palette
from jaxseg.report import _prominence
from jaxseg.report import _style
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]


def prominence(
  rows: Rows, correlations: Rows, title: str, *, objective: str
) -> _charts.Chart:
  """Scatter of the optimal threshold against each definition of prominence.

  Args:
    rows: Table `prominence`, of one scope and aggregate.
    correlations: Table `correlations`, likewise.
    title: What it shows.
    objective: The one whose correlation is told, and which is shown at first.

  Raises:
    DataError: No row is of the objective.
  """
  means = {
    name: _prominence.means([r for r in rows if r["objective"] == name])
    for name in dict.fromkeys(row["objective"] for row in rows)
  }
  if not means.get(objective):
    raise errors.DataError(
      f"chart {title!r}: no finite row of objective {objective!r};"
      " choose one of the objectives in the table"
    )
  looks = _style.objective_styles(list(means))
  found = {(row["definition"], row["objective"]): row for row in correlations}
  names = dict.fromkeys(
    row["structure"] for one in means.values() for row in one
  )
  numbers = {name: place for place, name in enumerate(names, start=1)}
  y = [row["threshold"] for one in means.values() for row in one]
  reach = [max(-0.03, min(y) - 0.08), min(1.03, max(y) + 0.08)]
  panels = []
  for name in dict.fromkeys(row["definition"] for row in means[objective]):
    traces = []
    for one, look in looks.items():
      own = [row for row in means[one] if row["definition"] == name]
      labels = [_wording.structure_label(row["structure"]) for row in own]
      traces.append(
        _charts.trace(
          [round(row["prominence"], 6) for row in own],
          [row["threshold"] for row in own],
          [one],
          name=_charts.text(look.label),
          mode="markers+text",
          marker=_charts.marker(look, size=17),
          text=[str(numbers[row["structure"]]) for row in own],
          textfont={"size": 10, "color": _palette.PAPER},
          hovertext=[
            _charts.text(
              f"{label}, {look.label}: best threshold {row['threshold']:.3f} at"
              f" {row['prominence']:.3g}"
            )
            for label, row in zip(labels, own, strict=True)
          ],
          hovertemplate="%{hovertext}<extra></extra>",
        )
      )
    x = [row["prominence"] for row in means[objective]
         if row["definition"] == name]  # fmt: skip
    log = min(x) > 0 and max(x) / min(x) > 10
    label = _wording.definition_label(name)
    statement = _prominence.statement(found.get((name, objective)))
    panels.append(
      _charts.Panel(
        label[:1].upper() + label[1:],
        traces,
        {
          "xaxis": _charts.axis(label, type="log" if log else "linear"),
          "yaxis": _charts.axis("optimal threshold", range=reach),
          "hovermode": "closest",
        },
        f"Optimal threshold against {label}: {statement}",
        # No line ends within "n = 7".
        note=f"{looks[objective].label}: {statement}".replace(
          " = ", "\u00a0=\u00a0"
        ),
        height=280,
      )
    )
  legend = [
    _charts.Entry(
      name,
      look.label,
      look.color,
      symbol=_charts.symbol(look),
      on=name == objective,
    )
    for name, look in looks.items()
  ]
  legend += [
    _charts.Entry("", f"{place} {_wording.structure_label(name)}", _palette.INK)
    for name, place in numbers.items()
  ]
  return _charts.Chart(title, panels, legend)
