"""One look for all figures, and files that are the same bytes each time."""

from collections.abc import Iterator, Sequence
import contextlib
import dataclasses
import io
import pathlib
import textwrap
from typing import Any

import matplotlib
from matplotlib import artist as mpl_artist
from matplotlib import axes as mpl_axes
from matplotlib import figure as mpl_figure
from matplotlib import lines as mpl_lines

from jaxseg import _files
from jaxseg import errors
from jaxseg import structures
from jaxseg.report import _palette
from jaxseg.report import _wording

WIDTH = 10.0  # Inches; at a page's 96 points an inch, text keeps its size.
INK, QUIET, GRID = _palette.INK, _palette.QUIET, _palette.GRID

# Okabe and Ito's palette: told apart with any common colour blindness.
_KNOWN = {
  "bce": ("#0072b2", "o", "-"),
  "dice": ("#d55e00", "s", "-"),
  "bce_dice": ("#009e73", "D", "-"),
  "dice_batch": ("#e69f00", "s", "--"),
  "bce_dice_batch": ("#56b4e9", "D", "--"),
}
_SPARE = (
  ("#cc79a7", "^", "--"),
  ("#7a5195", "v", "--"),
  ("#8c564b", "P", "--"),
  ("#000000", "X", "--"),
)
_SIZES = {"o": 6.5, "s": 6.0, "D": 5.5}  # Of equal weight to the eye, points.
_RC = {
  "axes.axisbelow": True,
  "axes.edgecolor": QUIET,
  "axes.grid": True,
  "axes.labelcolor": INK,
  "axes.labelsize": 10.0,
  "axes.linewidth": 0.8,
  "axes.spines.right": False,
  "axes.spines.top": False,
  "axes.titlelocation": "left",
  "axes.titlesize": 10.0,
  "figure.constrained_layout.h_pad": 0.08,
  "figure.constrained_layout.w_pad": 0.08,
  "figure.titlesize": 13.0,
  "font.family": ["DejaVu Sans"],  # Comes with Matplotlib: same anywhere.
  "font.size": 10.0,
  "grid.color": GRID,
  "grid.linewidth": 0.8,
  "legend.fontsize": 9.5,
  "legend.frameon": False,
  "lines.linewidth": 1.8,
  "path.simplify": True,
  "pdf.fonttype": 42,  # Text that journals can edit; Type 3 is refused.
  "savefig.dpi": 150.0,
  "savefig.facecolor": "white",
  "svg.fonttype": "path",  # Looks the same where the font is missing.
  "svg.hashsalt": "jaxseg",  # Else the identifiers in the file are random.
  "text.color": INK,
  "text.parse_math": False,  # A name with two $ is a name, not a formula.
  "xtick.color": QUIET,
  "xtick.labelcolor": INK,
  "xtick.labelsize": 9.5,
  "ytick.color": QUIET,
  "ytick.labelcolor": INK,
  "ytick.labelsize": 9.5,
}


@dataclasses.dataclass(frozen=True)
class ObjectiveStyle:
  """How one training objective looks in every figure.

  Attributes:
    label: Name for people.
    color: Hexadecimal RGB.
    marker: Matplotlib's code of the marker.
    size: The marker's size, points.
    line: Matplotlib's code of the line.
  """

  label: str
  color: str
  marker: str
  size: float
  line: str


@contextlib.contextmanager
def style() -> Iterator[None]:
  """Our settings of Matplotlib in a block; the caller's come back after."""
  defaults: dict[Any, Any] = {**matplotlib.rcParamsDefault}
  for kept in ("backend", "interactive", "toolbar", "timezone"):
    defaults.pop(kept, None)  # Belong to the session, not to the look.
  defaults.update(_RC)
  with matplotlib.rc_context(defaults):
    yield


def new_figure(title: str, height: float) -> mpl_figure.Figure:
  """An empty figure of the common width, its wrapped title at the left.

  Args:
    title: May be long.
    height: Inches, without the title.
  """
  lines = textwrap.wrap(title, 84) or [""]
  figure = mpl_figure.Figure(
    figsize=(WIDTH, height + 0.22 * len(lines)), layout="constrained"
  )
  figure.suptitle("\n".join(lines), x=0.012, ha="left", weight="bold")
  return figure


def wrap(text: str, width: int) -> list[str]:
  """Lines of so many characters; words that are longer break behind a `_`."""
  lines = []
  for line in textwrap.wrap(text, width, break_long_words=False):
    while len(line) > width and (cut := line.rfind("_", 1, width)) > 0:
      lines.append(line[: cut + 1])
      line = line[cut + 1 :]
    lines.append(line)
  return lines


def objective_styles(objectives: Sequence[str]) -> dict[str, ObjectiveStyle]:
  """How to draw objectives, in the order they are listed in legends.

  Args:
    objectives: Names of losses, in any order, repeated or not.

  Returns:
    Name -> style: the study's three first, then others by name. Where more
    than four others share a figure, their colours repeat.
  """
  names = set(objectives)
  looks = {name: look for name, look in _KNOWN.items() if name in names}
  for number, name in enumerate(sorted(names.difference(_KNOWN))):
    looks[name] = _SPARE[number % len(_SPARE)]
  return {
    name: ObjectiveStyle(
      _wording.objective_label(name),
      color,
      marker,
      _SIZES.get(marker, 6.5),
      line,
    )
    for name, (color, marker, line) in looks.items()
  }


def structure_color(name: str) -> str:
  """A structure's hexadecimal RGB; grey for one outside of the vocabulary."""
  try:
    red, green, blue = structures.get(name).color
  except errors.StructureNotFoundError:
    return "#7f7f7f"
  return f"#{red:02x}{green:02x}{blue:02x}"


def add_legend(
  figure: mpl_figure.Figure, handles: Sequence[mpl_artist.Artist]
) -> None:
  """One legend below the panels, read by rows.

  At most four entries a row, and no more than the figure is wide.
  """
  count, width = len(handles), figure.bbox.width
  for rows in range(-(-count // 4), count + 1):
    columns = -(-count // rows)
    # Matplotlib fills column by column; short columns stand at the end.
    order = [
      one for column in range(columns) for one in handles[column::columns]
    ]
    legend = figure.legend(
      handles=order, loc="outside lower center", ncols=columns
    )
    # Letters are up to 3 % wider at the resolution of a file.
    if rows == count or legend.get_window_extent().width <= 0.95 * width:
      return
    legend.remove()


def handle(label: str, **options: Any) -> mpl_lines.Line2D:
  """An entry of a legend, drawn as a line with these options."""
  return mpl_lines.Line2D([], [], label=label, **options)


def stripe(panel: mpl_axes.Axes, count: int) -> None:
  """Shades every other row of a dot plot; rows are at y = 0, 1, ..."""
  panel.tick_params(axis="y", length=0)
  panel.grid(axis="y", visible=False)
  for place in range(0, count, 2):
    panel.axhspan(
      place - 0.5, place + 0.5, color=_palette.STRIPE, lw=0, zorder=0
    )


def save(
  figure: mpl_figure.Figure, stem: pathlib.Path
) -> tuple[pathlib.Path, ...]:
  """Writes a figure as SVG, PNG and PDF, each in one step.

  Args:
    figure: A figure of this package, or one made inside of `style()`.
    stem: Path without an ending; its folder is made.

  Returns:
    The paths written: stem.svg, stem.png, stem.pdf. The same figure gives the
    same bytes: the files hold no date and no random identifiers.
  """
  paths = []
  for kind, metadata in (
    ("svg", {"Date": None, "Creator": None}),
    ("png", {"Software": None}),
    ("pdf", {"CreationDate": None, "Creator": None, "Producer": None}),
  ):
    content = io.BytesIO()
    with style():
      figure.savefig(content, format=kind, metadata=metadata)
    # Not with_suffix: it would cut a stem such as "dice@0.5".
    path = stem.with_name(f"{stem.name}.{kind}")
    _files.write_bytes(path, content.getvalue())
    paths.append(path)
  return tuple(paths)
