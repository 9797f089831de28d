"""Tables for a paper, in LaTeX."""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any

from jaxseg import _files
from jaxseg.report import _wording

_ESCAPED = {
  "\\": r"\textbackslash{}",
  "&": r"\&",
  "%": r"\%",
  "$": r"\$",
  "#": r"\#",
  "_": r"\_",
  "{": r"\{",
  "}": r"\}",
  "~": r"\textasciitilde{}",
  "^": r"\textasciicircum{}",
  "±": r"$\pm$",
  "−": r"$-$",
  "–": "--",
  "∞": r"$\infty$",
  "≥": r"$\geq$",
  "≤": r"$\leq$",
  "×": r"$\times$",
  "ρ": r"$\rho$",
}
_ESCAPED |= {
  sign: f"$^{{{digit}}}$"
  for sign, digit in zip("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789", strict=True)
}


def write_latex(
  path: pathlib.Path,
  rows: Sequence[Mapping[str, Any]],
  columns: Mapping[str, str],
  caption: str,
  provenance: Mapping[str, Any],
) -> pathlib.Path:
  r"""Writes a `table` with a `tabular` in it, for \input; needs booktabs.

  Args:
    path: The file, replaced in one step; its folder is made.
    rows: Column -> text, number, bool or None.
    columns: The columns shown -> their headings.
    caption: Stands above the table; of made-up patients it says so.
    provenance: What `report.provenance` gave; a comment says the origin.

  Returns:
    The path.
  """
  cells = [
    _wording.format_column(name, [row.get(name) for row in rows])
    for name in columns
  ]
  numeric = [
    _wording.is_numeric([row.get(name) for row in rows]) for name in columns
  ]
  if provenance.get("synthetic"):
    caption += " Synthetic patients: no claim about real ones."
  origin = ", ".join(
    f"{name} {provenance[name]}"
    for name in ("cohort", "version", "commit", "date", "command")
    if provenance.get(name)
  )
  lines = [
    f"% {' '.join(origin.split())}",
    r"\begin{table}",
    rf"\caption{{{_text(caption)}}}",
    rf"\begin{{tabular}}{{{''.join('r' if n else 'l' for n in numeric)}}}",
    r"\toprule",
    _line(list(columns.values())),
    r"\midrule",
    *(_line(list(row)) for row in zip(*cells, strict=True)),
    r"\bottomrule",
    r"\end{tabular}",
    r"\end{table}",
  ]
  _files.write_text(path, "\n".join(lines) + "\n")
  return path


def _line(cells: Sequence[str]) -> str:
  return " & ".join(map(_text, cells)) + r" \\"


def _text(text: str) -> str:
  return "".join(_ESCAPED.get(sign, sign) for sign in " ".join(text.split()))
