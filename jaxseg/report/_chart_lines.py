"""Charts of lines against a threshold: Dice, surfaces, calibration."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxseg.report import _charts
from jaxseg.report import _lines
from jaxseg.report import _palette
from jaxseg.report import _style
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]
_TEST, _SEEDS = "test patients", "other seeds"
_UNIT = {"range": [-0.02, 1.02], "tickvals": [0, 0.25, 0.5, 0.75, 1]}
_LEAST = 0.35  # Millimetres, where smaller distances are drawn.
_DISTANCES = (1, 3, 10, 30, 100, 300)  # Millimetres, ticks.


def curves(rows: Rows, optima: Rows, title: str) -> _charts.Chart:
  """Dice against threshold with its intervals.

  Args:
    rows: Table `curve`.
    optima: Table `optimum`, or `sweep` of a run.
    title: What they show.

  Raises:
    DataError: There are no rows, or one lacks a column.
  """
  lines = _lines.of_curves(rows, optima, f"chart {title!r}")
  looks = _lines.looks(lines)
  first = next(row for row in optima if row["aggregate"] == "pooled")
  label = "Dice, validation" if "objective" in first else "Dice"
  extra: dict[str, list[dict[str, Any]]] = {}
  shown = set()
  for (panel, look, group), line in _beside(rows, lines).items():
    shown.add(group)
    own = {"color": looks[look].color, "width": 1.2}
    own["dash"] = "dot" if group == _TEST else _charts.dash(looks[look])
    extra.setdefault(panel, []).append(
      _charts.trace(
        *line,
        [look, group],
        name=_charts.text(f"{looks[look].label}, {group}"),
        mode="lines",
        opacity=1.0 if group == _TEST else 0.45,
        line=own,
        hovertemplate="%{y:.3f}",
      )
    )
  legend = _legend(lines, looks, first)
  signs = {
    _TEST: _charts.Entry(
      _TEST, "on the test patients", _palette.QUIET, dash="dot", on=False
    ),
    _SEEDS: _charts.Entry(
      _SEEDS, _SEEDS, _palette.QUIET, dash="solid", width=1.2, opacity=0.45
    ),
  }
  legend += [sign for group, sign in signs.items() if group in shown]
  panels = [
    _panel(name, own, looks, extra.get(name, ()), "threshold", label)
    for name, own in _by_panel(lines).items()
  ]
  return _charts.Chart(title, panels, legend)


def reliability(rows: Rows, title: str) -> _charts.Chart:
  """Observed frequency against probability.

  Args:
    rows: Table `reliability`.
    title: What it shows.

  Raises:
    DataError: There are no rows, or one lacks a column.
  """
  lines = _lines.of_reliability(rows, f"chart {title!r}")
  looks = _lines.looks(lines)
  labels = "mean probability", "share in the reference"
  panels = []
  for name, own in _by_panel(lines).items():
    panel = _panel(name, own, looks, (), *labels)
    panel.layout["shapes"][:] = [
      {
        "type": "line",
        "x0": 0,
        "x1": 1,
        "y0": 0,
        "y1": 1,
        "layer": "below",
        "line": {"color": _palette.HALF, "width": 1},
      }
    ]
    panels.append(panel)
  named = "objective" in rows[0]
  legend = [_charts.entry(k, v) for k, v in looks.items()] if named else []
  legend.append(_charts.Entry("", "calibrated", _palette.HALF, dash="solid"))
  return _charts.Chart(title, panels, legend)


def surfaces(
  rows: Rows, optima: Rows, title: str, *, column: str | None = None
) -> _charts.Chart:
  """Surface metrics against the threshold.

  Args:
    rows: Table `surfaces`.
    optima: Table `surface_optima`, marked.
    title: What they show.
    column: The metric shown; None shows all three of a single class of maps.

  Raises:
    DataError: There are no rows, or one lacks a column.
  """
  lines = _lines.of_surfaces(rows, optima, f"chart {title!r}", only=column)
  looks = _lines.looks(lines)
  label = _wording.heading(column) if column else ""
  panels = []
  for name, own in _by_panel(lines).items():
    panel = _panel(name, own, looks, (), "threshold", label)
    if "nsd" not in (column or name.lower()):
      values = np.concatenate([line.y for line in own])
      top = float(np.nanmax([1.0, *values[np.isfinite(values)]]))
      # Towards both ends distances are those of the whole image.
      axis = {"type": "log", "range": [-0.5, np.log10(1.5 * top)]}
      panel.layout["yaxis"].update(
        axis,
        tickvals=list(_DISTANCES),
        ticktext=[str(tick) for tick in _DISTANCES],
      )
      for trace in panel.traces:
        # A logarithm has no 0; what is read aloud is the value itself.
        trace["customdata"] = trace["y"]
        trace["y"] = [v if v is None else max(v, _LEAST) for v in trace["y"]]
        trace["hovertemplate"] = "%{customdata:.3g} mm"
    panels.append(panel)
  legend = [_charts.entry(k, v) for k, v in looks.items()] if column else []
  signs = [_sign("best threshold")] if any(one.mark for one in lines) else []
  return _charts.Chart(title, panels, [*legend, *signs, _half()])


def _beside(
  rows: Rows, lines: Sequence[_lines.Line]
) -> dict[tuple[str, str, str], tuple[Any, Any]]:
  """Curves on the test patients, and those of other seeds, of each line."""
  places = dict(zip((k for k, _ in _lines.groups(rows)), lines, strict=False))
  found: dict[tuple[str, str, str], tuple[Any, Any]] = {}
  for key, own in _lines.groups(rows):
    line = places[key]
    if "dice_test" in own[0]:
      y = _lines.column(own, "dice_test")
      found[line.panel, line.look, _TEST] = line.x, y
  others: dict[_lines.Key, list[Any]] = {}
  firsts = {key: own[0] for key, own in _lines.groups(rows)}
  for row in rows:
    key = _lines.model(row)
    seed = row.get("seed")
    if seed == firsts[key].get("seed") or not _lines.same_but_seed(
      row, firsts[key]
    ):
      continue
    own = others.setdefault(key, [[], [], seed])
    if own[2] != seed:  # A gap between two seeds' lines.
      own[0].append(np.nan)
      own[1].append(np.nan)
      own[2] = seed
    own[0].append(row["threshold"])
    own[1].append(row["dice"])
  for key, (x, y, _) in others.items():
    line = places[key]
    found[line.panel, line.look, _SEEDS] = np.array(x), np.array(y)
  return found


def _by_panel(
  lines: Sequence[_lines.Line],
) -> dict[str, list[_lines.Line]]:
  found: dict[str, list[_lines.Line]] = {}
  for line in lines:
    found.setdefault(line.panel, []).append(line)
  return found


def _panel(
  name: str,
  lines: Sequence[_lines.Line],
  looks: Mapping[str, _style.ObjectiveStyle],
  extra: Sequence[dict[str, Any]],
  xlabel: str,
  ylabel: str,
) -> _charts.Panel:
  traces: list[dict[str, Any]] = []
  order = list(looks)
  lines = sorted(lines, key=lambda line: order.index(line.look))
  for line in lines:
    if line.band:
      # Every fifth: more is not seen, and files get large.
      x, low, high = (np.asarray(v)[::5] for v in (line.x, *line.band))
      color = looks[line.look].color
      traces.append(_charts.band(x, low, high, color, [line.look]))
  traces += extra
  for line in lines:
    look = looks[line.look]
    mode = "lines+markers" if line.marker else "lines"
    traces.append(
      _charts.trace(
        line.x,
        line.y,
        [line.look],
        name=_charts.text(look.label),
        mode=mode,
        line={"color": look.color, "width": 2, "dash": _charts.dash(look)},
        marker=_charts.marker(look, size=6),
        hovertemplate="%{y:.3f}",
      )
    )
    if line.mark:
      traces.append(_mark(line, look))
  title = _lines.panel_label(name) if name else ""
  return _charts.Panel(
    title,
    traces,
    {
      "xaxis": _charts.axis(xlabel, **_UNIT),
      "yaxis": _charts.axis(
        ylabel, range=[0, 1.03], tickvals=_UNIT["tickvals"]
      ),
      "shapes": [_charts.upright(0.5, _palette.HALF)],
      "hovermode": "x unified",
    },
    _said(title, lines, looks, ylabel),
    wide=not name,
    height=240 if name else 340,
  )


def _mark(line: _lines.Line, look: _style.ObjectiveStyle) -> dict[str, Any]:
  """The optimum, with the interval of its threshold."""
  x, y = line.mark or (0.0, 0.0)
  options: dict[str, Any] = {}
  said = f"best threshold {x:.3f}"
  if line.interval and np.isfinite(line.interval).all():
    low, high = line.interval
    said += f" ({low:.3f} to {high:.3f})"
    options["error_x"] = {
      "type": "data",
      "symmetric": False,
      "array": [max(0.0, round(high - x, 4))],
      "arrayminus": [max(0.0, round(x - low, 4))],
      "color": look.color,
      "thickness": 1.4,
      "width": 4,
    }
  return _charts.trace(
    [x],
    [y],
    [line.look],
    name=_charts.text(look.label),
    mode="markers",
    marker=_charts.marker(look),
    hoverinfo="skip",
    text=[_charts.text(said)],
    **options,
  )


def _said(
  title: str,
  lines: Sequence[_lines.Line],
  looks: Mapping[str, _style.ObjectiveStyle],
  ylabel: str,
) -> str:
  """What a panel shows, in words."""
  # A panel of one line that names its own axis needs no name of the line.
  several = bool(ylabel) or len(looks) > 1
  found = [
    f"{f'{looks[line.look].label} ' * several}best at {line.mark[0]:.3f} with"
    f" {line.mark[1]:.3f}"
    for line in lines
    if line.mark
  ]
  what = ", ".join(filter(None, (title, ylabel)))
  return f"{what}: {'; '.join(found)}" if found else what


def _legend(
  lines: Sequence[_lines.Line],
  looks: Mapping[str, _style.ObjectiveStyle],
  first: Mapping[str, Any],
) -> list[_charts.Entry]:
  rule = _wording.choice_label(first.get("criterion", "dice"))
  best = "optimum" if rule == "highest Dice" else f"chosen: {rule}"
  signs = []
  if any(line.band for line in lines):
    level = f"{100 * first['level']:g} %" if "level" in first else "its"
    best += f" with its {level} interval"
    signs.append(
      _charts.Entry(
        "",
        f"{level} interval of Dice",
        _palette.QUIET,
        dash="solid",
        width=9,
        opacity=0.25,
      )
    )
  named = [_charts.entry(k or "", v) for k, v in looks.items()]
  return [*named, _sign(best), *signs, _half()]


def _sign(label: str) -> _charts.Entry:
  return _charts.Entry("", label, _palette.QUIET, symbol="circle")


def _half() -> _charts.Entry:
  return _charts.Entry(
    "", "threshold 0.5", _palette.HALF, dash="solid", width=1
  )
