"""Each colour of the figures, and what it becomes on a dark page.

The colours of data are Okabe and Ito's, told apart with any common colour
blindness; those for dark are the same hues, lighter.
"""

import re

INK = "#222222"
QUIET = "#6b6b6b"
GRID = "#e3e3e3"
STRIPE = "#f5f5f5"
HALF = "#9a9a9a"
PAPER = "#ffffff"
_FADED = 0.15  # Opacity of bands.
_DARK = {
  INK: "#e6e8ea",
  QUIET: "#a0a8b0",
  GRID: "#363c42",
  STRIPE: "#1f2429",
  HALF: "#7d858c",
  PAPER: "#15181b",
  "#0072b2": "#4aa8e8",
  "#d55e00": "#ff8c42",
  "#009e73": "#2fcf9f",
  "#cc79a7": "#e39ac4",
  "#e69f00": "#f2b530",
  "#56b4e9": "#8fd0f7",
  "#000000": "#fafafa",
}


def faded(color: str) -> str:
  """The colour of a band about a line, as CSS has it."""
  parts = ",".join(str(int(color[k : k + 2], 16)) for k in (1, 3, 5))
  return f"rgba({parts},{_FADED})"


def dark() -> dict[str, str]:
  """Each colour of a light page -> that of a dark one, bands too."""
  bands = {faded(a): faded(b) for a, b in _DARK.items()}
  return {**_DARK, **bands}


def of_dark(color: str) -> str:
  """A colour on a dark page; one that is not ours stays."""
  return _DARK.get(color, color)


def darkened(svg: str) -> str:
  """An SVG of Matplotlib with its colours for a dark page."""
  return re.sub(r"#[0-9a-f]{6}\b", lambda found: of_dark(found[0]), svg)
