"""The page: one HTML file that works from disk, and what it links to."""

from collections.abc import Mapping, Sequence
import dataclasses
import pathlib
import re
from typing import Any

import jinja2
import jinja2.utils
import markupsafe

from jaxseg import _files
from jaxseg.report import _bundle
from jaxseg.report import _charts
from jaxseg.report import _palette
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
# Anyone's names, which may break anywhere, lest a table grow too wide.
_NAMES = ("case", "worst_case")
_CODE = ("command", "commit", "cohort_hash")
_PERCENT = re.compile(r"(n/a|[-−]?[0-9.]+) ?%?")
_LONG = 40  # Characters of a cell that may break into lines.
_VERDICTS = (
  "confirmed",
  "agrees",
  "same order",
  "refuted",
  "undecided",
  "not tested",
)


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
    charts: What is drawn instead of the figures, which are then linked.
    said: What the page's summary says of it.
    facts: Results of it worth large print, as of `write_page`.
    stacked: Whether the rows of the table stand as blocks on a phone.
  """

  title: str
  text: str = ""
  figures: Mapping[pathlib.Path, str] = dataclasses.field(default_factory=dict)
  rows: Sequence[Mapping[str, Any]] = ()
  columns: Sequence[str] | Mapping[str, str] | None = None
  tables: Sequence[pathlib.Path] = ()
  caption: str | None = None
  charts: Sequence[_charts.Chart] = ()
  said: str = ""
  facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
  stacked: bool = False

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
  claims: Section | None = None,
  settings: Mapping[str, Any] | None = None,
  viewer: markupsafe.Markup | None = None,
) -> list[str]:
  """Writes the page, in one step, and what it links to beside it.

  The page holds its scripts, styles and charts, and may load nothing from a
  network. Figures and tables are copied into its folder, which can be moved,
  zipped or put on a server as it is; the file alone shows all but pictures.
  What an earlier page there linked to, and this one does not, is deleted.

  Args:
    path: The file, such as RUN/report/index.html; its folder is made.
    title: Heading.
    summary: Text below it, as a section's.
    provenance: cohort, cohort_hash, synthetic (a banner says so if true),
      seed, version, commit, command, date.
    sections: In order; write the figures before the page.
    facts: The few results worth large print: name -> number or text.
    claims: What stands before all other sections.
    settings: More about the cohort and what was done with it: name -> value.
    viewer: What `viewer_html` gave: slices of patients.

  Returns:
    What was deleted, from the page's folder on: tables/NAME, figures/NAME.

  Raises:
    DataError: A table is missing.
    MissingExtraError: plotly is missing.
  """
  folder = path.parent
  shown = [_section(folder, one) for one in sections]
  first = None if claims is None else _section(folder, claims)
  drawn = any(one["charts"] for one in (*shown, *([first] if first else ())))
  styles, scripts = [_bundle.own("page.css")], []
  if drawn:
    scripts += [_bundle.plotly(), _bundle.own("charts.js")]
  if viewer:
    styles += _bundle.own_all("viewer", "css")
    scripts += _bundle.own_all("viewer", "js")
  text = (
    _environment()
    .get_template("page.html")
    .render(
      title=title,
      cohort=provenance.get("cohort", "unknown"),
      synthetic=provenance.get("synthetic"),
      version=provenance.get("version", ""),
      summary=summary,
      facts=[(name, *_large(value)) for name, value in (facts or {}).items()],
      claims=first,
      sections=shown,
      settings=_settings(settings or {}, provenance),
      viewer=viewer or "",
      has_charts=drawn,
      dark=_palette.dark(),
      policy=_bundle.policy(scripts),
      styles=[markupsafe.Markup(style) for style in styles],
      scripts=[_bundle.inline(script) for script in scripts],
    )
  )
  before = _bundle.linked(path)
  _files.write_text(path, text)
  gone = sorted(before - _bundle.linked(path))
  for address in gone:
    (folder / address).unlink(missing_ok=True)
  return gone


def forget(output: pathlib.Path, gone: Sequence[str]) -> None:
  """Deletes what an earlier page was made from, and the present one is not.

  Args:
    output: Folder that has tables and figures, and the page's folder.
    gone: What `write_page` gave.
  """
  for address in gone:
    (output / address.removesuffix(".zip")).unlink(missing_ok=True)


def _large(value: Any) -> tuple[str, str]:
  """What stands in large print, and its interval, which does not."""
  said = _wording.format_value(value)
  found = re.fullmatch(r"(.+?) \((.+)\)", said)
  return (found[1], found[2]) if found else (said, "")


def _settings(
  settings: Mapping[str, Any], provenance: Mapping[str, Any]
) -> list[tuple[str, list[str], bool]]:
  """Name, words of the value, and whether it is code."""
  found = [(k, _origin(v).split(" "), False) for k, v in settings.items()]
  for name, said in _PROVENANCE.items():
    if name not in _ASIDE or provenance.get(name):
      words = _origin(provenance.get(name)).split(" ")
      found.append((said, words, name in _CODE))
  return found


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
    "json": _json,
    "prose": _prose,
    "value": _wording.format_value,
  }
  return environment


def _prose(text: str) -> markupsafe.Markup:
  """Paragraphs, lines with a dash as lists, words in backticks as code."""
  blocks = [block.strip() for block in re.split(r"\n\s*\n", text)]
  safe = "".join(_block(block) for block in blocks if block)
  return markupsafe.Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", safe))


def _block(text: str) -> str:
  """A paragraph, and the lines behind it that begin with a dash as a list."""
  lead, *items = re.split(r"(?:^|\n)- ", text)
  safe = f"<p>{markupsafe.escape(lead)}</p>\n" if lead else ""
  if items:
    each = "".join(f"<li>{markupsafe.escape(item)}</li>\n" for item in items)
    safe += f"<ul>\n{each}</ul>\n"
  return safe


def _breakable(text: str) -> markupsafe.Markup:
  """Text whose long names may break behind an underscore."""
  return markupsafe.escape(text).replace("_", markupsafe.Markup("_<wbr>"))


def _origin(value: Any) -> str:
  # A seed or a version is an identifier: shown with all its digits.
  value = _wording.plain(value)
  if value == "":  # Such as the commit of what lies in no repository.
    value = None
  whole = value is not None and not isinstance(value, bool)
  return str(value) if whole else _wording.format_value(value)


def _section(folder: pathlib.Path, section: Section) -> dict[str, Any]:
  """A section as the template takes it."""
  values = {c: [r.get(c) for r in section.rows] for c in section.headings}
  shown = [_wording.format_column(c, column) for c, column in values.items()]
  kinds = [
    _kinds(name, own, said)
    for (name, own), said in zip(values.items(), shown, strict=True)
  ]
  headings = list(section.headings.values())
  return {
    "title": section.title,
    "text": section.text,
    "caption": section.title if section.caption is None else section.caption,
    "stacked": section.stacked,
    "charts": [_chart(chart) for chart in section.charts],
    "figures": [
      _bundle.figure(
        folder, figure, alt or section.title, shown=not section.charts
      )
      for figure, alt in section.figures.items()
    ],
    "head": [
      (heading, own[0] if own and own[0] == "number" else None)
      for heading, own in zip(headings, kinds, strict=True)
    ],
    "body": [
      [
        (column[place], own[place], heading)
        for column, own, heading in zip(shown, kinds, headings, strict=True)
      ]
      for place in range(len(section.rows) if headings else 0)
    ],
    "tables": dict(_bundle.table(folder, path) for path in section.tables),
  }


def _kinds(
  column: str, values: Sequence[Any], shown: Sequence[str]
) -> list[str | None]:
  """The class of each cell of a column."""
  percent = [isinstance(v, str) and _PERCENT.fullmatch(v) for v in values]
  if _wording.is_numeric(values) or (values and all(percent)):
    return ["number"] * len(values)
  if column == "verdict":
    return [
      f"verdict {value.replace(' ', '-')}" if value in _VERDICTS else None
      for value in values
    ]
  if column in _NAMES:
    return ["name"] * len(shown)
  return ["long" if len(text) > _LONG else None for text in shown]


def _chart(chart: _charts.Chart) -> dict[str, Any]:
  """A chart as the template takes it."""
  panels = [
    {"traces": one.traces, "layout": one.layout} for one in chart.panels
  ]
  return {
    "title": chart.title,
    "panels": chart.panels,
    "legend": [
      {**dataclasses.asdict(one), "dark": _palette.of_dark(one.color)}
      for one in chart.legend
    ],
    "json": _json({"panels": panels}),
  }


def _json(content: Any) -> markupsafe.Markup:
  """JSON that may stand in a page: no character in it ends an element."""
  return jinja2.utils.htmlsafe_json_dumps(
    content, separators=(",", ":"), allow_nan=False
  )
