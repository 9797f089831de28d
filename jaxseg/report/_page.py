"""The page: one plain HTML file beside the figures and tables it shows."""

from collections.abc import Mapping, Sequence
import dataclasses
import html
import os
import pathlib
import re
from typing import Any
import urllib.parse

from jaxseg import _files
from jaxseg.report import _labels
from jaxseg.report import _page_style
from jaxseg.report import _tables

_PHANTOM = (
  "<strong>Phantom:</strong> synthetic bodies, made by a program. This page"
  " proves the path from data to report; it makes no claim about patients."
)


@dataclasses.dataclass(frozen=True, eq=False)
class Section:
  """One part of the page; what is None or empty is left out.

  Attributes:
    title: Heading.
    text: Plain text; an empty line starts a new paragraph, and words in
      `backticks` are set as code.
    figure: Path of a figure's SVG, or its stem as given to `save`.
    alt: What the figure shows, for those who cannot see it.
    rows: The table's rows.
    columns: The columns shown, or column -> heading; None is all of the
      first row.
    table: Path of the CSV file with the whole table, for a link.
    caption: Says what the table holds; None is the title.
  """

  title: str
  text: str = ""
  figure: pathlib.Path | None = None
  alt: str = ""
  rows: Sequence[Mapping[str, Any]] | None = None
  columns: Sequence[str] | Mapping[str, str] | None = None
  table: pathlib.Path | None = None
  caption: str | None = None


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
  cohort = _escape(provenance.get("cohort", "unknown"))
  parts = [_section(path.parent, n, s) for n, s in enumerate(sections, 1)]
  links = "".join(
    f'<li><a href="#s{number}">{_escape(section.title)}</a></li>\n'
    for number, section in enumerate(sections, 1)
  )
  banner = f'<p class="banner" role="note">{_PHANTOM}</p>\n'
  text = "".join(
    [
      '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
      '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
      '<meta name="color-scheme" content="light dark">\n',
      f"<title>{_escape(title)} – {cohort}</title>\n",
      f"<style>\n{_page_style.CSS}</style>\n</head>\n<body>\n<header>\n",
      f'<p class="cohort">Cohort <strong>{cohort}</strong></p>\n',
      f"<h1>{_escape(title)}</h1>\n",
      banner if provenance.get("synthetic") else "",
      _paragraphs(summary),
      _facts(facts or {}),
      "</header>\n",
      f'<nav aria-label="Contents">\n<ul>\n{links}</ul>\n</nav>\n'
      if len(sections) > 1
      else "",
      "<main>\n",
      *parts,
      "</main>\n",
      _footer(provenance),
      "</body>\n</html>\n",
    ]
  )
  _files.write_text(path, text)


def _escape(value: Any) -> str:
  return html.escape(str(value), quote=True)


def _paragraphs(text: str) -> str:
  blocks = [block.strip() for block in re.split(r"\n\s*\n", text)]
  text = "".join(f"<p>{_escape(block)}</p>\n" for block in blocks if block)
  return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", text)


def _facts(facts: Mapping[str, Any]) -> str:
  if not facts:
    return ""
  pairs = "".join(
    f"<div><dt>{_escape(name)}</dt>"
    f"<dd>{_escape(_labels.format_value(value))}</dd></div>\n"
    for name, value in facts.items()
  )
  return f'<dl class="facts">\n{pairs}</dl>\n'


def _section(folder: pathlib.Path, number: int, section: Section) -> str:
  link = ""
  if section.table is not None:
    href = _relative(folder, section.table)
    name = _escape(section.table.name)
    link = f'<p class="files">Table: <a href="{href}">{name}</a></p>\n'
  return "".join(
    [
      f'<section aria-labelledby="s{number}">\n',
      f'<h2 id="s{number}">{_escape(section.title)}</h2>\n',
      _paragraphs(section.text),
      _figure(folder, section),
      _table(section),
      link,
      "</section>\n",
    ]
  )


def _relative(folder: pathlib.Path, path: pathlib.Path) -> str:
  """An address from the page's folder to a file, ready for an attribute."""
  relative = pathlib.Path(os.path.relpath(path, folder)).as_posix()
  return _escape(urllib.parse.quote(relative))


def _figure(folder: pathlib.Path, section: Section) -> str:
  if section.figure is None:
    return ""
  vector = section.figure
  if vector.suffix not in (".svg", ".png"):
    vector = vector.with_name(f"{vector.name}.svg")
  if not vector.exists():
    return (
      f'<p class="missing">The figure {_escape(vector.name)} is missing;'
      " run its analysis, then write this page again.</p>\n"
    )
  address = _relative(folder, vector)
  files = [
    f'<a href="{_relative(folder, file)}">{file.suffix[1:].upper()}</a>'
    for file in (vector.with_suffix(".svg"), vector.with_suffix(".png"))
    if file.exists()
  ]
  alt = _escape(section.alt or section.title)
  return (
    f'<figure>\n<div class="card" role="region" tabindex="0"'
    f' aria-label="{_escape(f"Figure: {section.title}")}">'
    f'<img src="{address}" alt="{alt}"{_size(vector)}></div>\n'
    f"<figcaption>Figure: {', '.join(files)}</figcaption>\n</figure>\n"
  )


def _size(path: pathlib.Path) -> str:
  """Attributes that keep an SVG's place while it loads, in CSS pixels."""
  if path.suffix != ".svg":
    return ""
  head = path.read_text("utf-8", errors="replace")[:2000]
  found = re.search(r'<svg[^>]*viewBox="0 0 ([0-9.]+) ([0-9.]+)"', head)
  if found is None:
    return ""
  # Matplotlib's units are points: 72 an inch, where CSS has 96.
  width, height = (round(float(side) * 96 / 72) for side in found.groups())
  return f' width="{width}" height="{height}"'


def _table(section: Section) -> str:
  if not section.rows:
    return ""
  caption = _escape(
    section.title if section.caption is None else section.caption
  )
  columns = section.columns
  headings = _tables.named(
    list(section.rows[0]) if columns is None else columns
  )
  values = {c: [row.get(c) for row in section.rows] for c in headings}
  kinds = {
    column: ' class="number"' if _tables.is_numeric(values[column]) else ""
    for column in headings
  }
  head = "".join(
    f'<th scope="col"{kinds[column]}>{_escape(said)}</th>'
    for column, said in headings.items()
  )
  shown = [_labels.format_column(c, values[c]) for c in headings]
  body = "".join(
    "<tr>"
    + "".join(
      f"<td{kind}>{_escape(cell)}</td>"
      for kind, cell in zip(kinds.values(), cells, strict=True)
    )
    + "</tr>\n"
    for cells in zip(*shown, strict=True)
  )
  return (
    f'<div class="scroll" role="region" tabindex="0" aria-label="{caption}">'
    f"\n<table>\n<caption>{caption}</caption>\n"
    f"<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{body}</tbody>\n"
    "</table>\n</div>\n"
  )


def _footer(provenance: Mapping[str, Any]) -> str:
  names = {
    "command": "Command",
    "version": "Version of jaxseg",
    "commit": "Commit",
    "seed": "Seed",
    "date": "Date",
    "cohort": "Cohort",
    "cohort_hash": "Hash of the cohort",
    "synthetic": "Synthetic",
  }
  pairs = []
  for key, name in names.items():
    value = _labels.plain(provenance.get(key))
    # A seed or a version is an identifier: shown with all its digits.
    said = (
      _labels.format_value(value)
      if value is None or isinstance(value, bool)
      else value
    )
    text = _escape(said)
    if key in ("command", "commit", "cohort_hash"):
      # A word of the command each, so that no line ends inside of a flag.
      words = (f"<span>{word}</span>" for word in text.split(" "))
      text = f"<code>{' '.join(words)}</code>"
    pairs.append(f"<div><dt>{name}</dt><dd>{text}</dd></div>\n")
  return (
    f"<footer>\n<h2>Provenance</h2>\n<dl>\n{''.join(pairs)}</dl>\n</footer>\n"
  )
