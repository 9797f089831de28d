"""The page: one plain HTML file beside the figures and tables it shows."""

from collections.abc import Mapping, Sequence
import dataclasses
import os
import pathlib
import re
from typing import Any
import urllib.parse

import jinja2
import markupsafe

from jaxseg import _files
from jaxseg.report import _wording

_PROVENANCE = {
  "command": "Command",
  "version": "Version of jaxseg",
  "commit": "Commit",
  "seed": "Seed",
  "date": "Date",
  "cohort": "Cohort",
  "cohort_hash": "Hash of the cohort",
  "synthetic": "Synthetic",
  "missing_models": "Models that are missing",
}
# Of these nothing is said where there is nothing to say.
_ASIDE = ("missing_models",)
_CODE = ("command", "commit", "cohort_hash")


@dataclasses.dataclass(frozen=True, eq=False)
class Section:
  """One part of the page; what is None or empty is left out.

  Attributes:
    title: Heading.
    text: Plain text; an empty line starts a new paragraph, and words in
      `backticks` are set as code.
    figures: Path of each figure's SVG, or its stem as given to `save` -> what
      the figure shows, for those who cannot see it.
    rows: The table's rows.
    columns: The columns shown, or column -> heading; None is all of the first
      row.
    tables: Paths of CSV files with the whole tables, for links.
    caption: Says what the table holds; None is the title.
  """

  title: str
  text: str = ""
  figures: Mapping[pathlib.Path, str] = dataclasses.field(default_factory=dict)
  rows: Sequence[Mapping[str, Any]] = ()
  columns: Sequence[str] | Mapping[str, str] | None = None
  tables: Sequence[pathlib.Path] = ()
  caption: str | None = None

  @property
  def headings(self) -> dict[str, str]:
    """The columns shown, with their headings."""
    columns = self.columns
    if columns is None:
      columns = list(self.rows[0]) if self.rows else ()
    if isinstance(columns, Mapping):
      return dict(columns)
    return {column: _wording.heading(column) for column in columns}


def write_page(
  path: pathlib.Path,
  *,
  title: str,
  summary: str,
  provenance: Mapping[str, Any],
  sections: Sequence[Section],
  facts: Mapping[str, Any] | None = None,
) -> None:
  """Writes the page, in one step.

  It has no script and loads nothing but the figures, by relative paths: a
  run folder can be moved, zipped or put on a server as it is.

  Args:
    path: The file, such as RUN/report/index.html; its folder is made.
    title: Heading.
    summary: Text below it, as a section's.
    provenance: cohort, cohort_hash, synthetic (a banner says so if true),
      seed, version, commit, command, date.
    sections: In order; write the figures before the page.
    facts: The few results worth large print: name -> number or text.
  """
  text = (
    _environment()
    .get_template("page.html")
    .render(
      title=title,
      cohort=provenance.get("cohort", "unknown"),
      synthetic=provenance.get("synthetic"),
      summary=summary,
      facts=facts or {},
      sections=[_section(path.parent, one) for one in sections],
      provenance=[
        (said, _origin(provenance.get(name)).split(" "), name in _CODE)
        for name, said in _PROVENANCE.items()
        if name not in _ASIDE or provenance.get(name)
      ],
    )
  )
  _files.write_text(path, text)


def _environment() -> jinja2.Environment:
  environment = jinja2.Environment(
    loader=jinja2.PackageLoader("jaxseg.report", ""),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
  )
  environment.filters |= {
    "breakable": _breakable,
    "prose": _prose,
    "value": _wording.format_value,
  }
  return environment


def _prose(text: str) -> markupsafe.Markup:
  """Paragraphs, and words in backticks as code."""
  blocks = [block.strip() for block in re.split(r"\n\s*\n", text)]
  safe = "".join(
    f"<p>{markupsafe.escape(block)}</p>\n" for block in blocks if block
  )
  return markupsafe.Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", safe))


def _breakable(text: str) -> markupsafe.Markup:
  """Text whose long names may break behind an underscore."""
  return markupsafe.escape(text).replace("_", markupsafe.Markup("_<wbr>"))


def _origin(value: Any) -> str:
  # A seed or a version is an identifier: shown with all its digits.
  value = _wording.plain(value)
  whole = value is not None and not isinstance(value, bool)
  return str(value) if whole else _wording.format_value(value)


def _section(folder: pathlib.Path, section: Section) -> dict[str, Any]:
  """A section as the template takes it."""
  values = {c: [r.get(c) for r in section.rows] for c in section.headings}
  kinds = [
    "number" if _wording.is_numeric(column) else None
    for column in values.values()
  ]
  shown = [_wording.format_column(c, column) for c, column in values.items()]
  return {
    "title": section.title,
    "text": section.text,
    "caption": section.title if section.caption is None else section.caption,
    "figures": [
      _figure(folder, figure, alt or section.title)
      for figure, alt in section.figures.items()
    ],
    "head": list(zip(section.headings.values(), kinds, strict=True)),
    "body": [
      list(zip(cells, kinds, strict=True)) for cells in zip(*shown, strict=True)
    ],
    "tables": {path.name: _relative(folder, path) for path in section.tables},
  }


def _relative(folder: pathlib.Path, path: pathlib.Path) -> str:
  """An address from the page's folder to a file."""
  relative = pathlib.Path(os.path.relpath(path, folder)).as_posix()
  return urllib.parse.quote(relative)


def _figure(
  folder: pathlib.Path, vector: pathlib.Path, alt: str
) -> dict[str, Any]:
  if vector.suffix not in (".svg", ".png"):
    vector = vector.with_name(f"{vector.name}.svg")
  if not vector.exists():
    return {"missing": vector.name}
  files = (vector.with_suffix(".svg"), vector.with_suffix(".png"))
  return {
    "missing": "",
    "alt": alt,
    "address": _relative(folder, vector),
    "size": _size(vector),
    "files": {
      file.suffix[1:].upper(): _relative(folder, file)
      for file in files
      if file.exists()
    },
  }


def _size(path: pathlib.Path) -> dict[str, int]:
  """Attributes that keep an SVG's place while it loads, in CSS pixels."""
  if path.suffix != ".svg":
    return {}
  head = path.read_text("utf-8", errors="replace")[:2000]
  found = re.search(r'<svg[^>]*viewBox="0 0 ([0-9.]+) ([0-9.]+)"', head)
  if found is None:
    return {}
  # Matplotlib's units are points: 72 an inch, where CSS has 96.
  width, height = (round(float(side) * 96 / 72) for side in found.groups())
  return {"width": width, "height": height}
