import html.parser
import importlib.resources
import math
import re

import pytest

from jaxseg import report
from jaxseg.report import _curves
from jaxseg.report import _style
from tests.report import conftest

HOSTILE = "<script>alert('x')</script> & \"quoted\" </title>"
VOID = {"meta", "img", "br", "link", "hr"}


class Reader(html.parser.HTMLParser):
  """Fails on tags that do not nest; keeps what was read."""

  def __init__(self, text):
    super().__init__()
    self.open, self.tags, self.text = [], [], []
    self.feed(text)
    self.close()
    assert not self.open

  def handle_starttag(self, tag, attrs):
    assert len({name for name, _ in attrs}) == len(attrs)
    self.tags.append((tag, dict(attrs)))
    if tag not in VOID:
      self.open.append(tag)

  def handle_endtag(self, tag):
    assert self.open.pop() == tag

  def handle_data(self, data):
    self.text.append(data)

  def all(self, tag):
    return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def write(tmp_path, provenance):
  def write(sections=(), **changed):
    path = tmp_path / "report" / "index.html"
    options = {
      "title": "Thresholds",
      "summary": "One.\n\nTwo.",
      "provenance": provenance,
    }
    report.write_page(path, sections=sections, **(options | changed))
    return path.read_text("utf-8")

  return write


def test_a_page_without_sections(write):
  text = write()
  page = Reader(text)
  assert text.startswith("<!DOCTYPE html>\n")
  assert page.all("html") == [{"lang": "en"}]
  assert {"charset": "utf-8"} in page.all("meta")
  assert any(meta.get("name") == "viewport" for meta in page.all("meta"))
  assert len(page.all("h1")) == 1
  assert page.all("nav") == []
  assert "<p>One.</p>\n<p>Two.</p>" in text
  assert page.all("script") == []


def test_the_banner_of_the_phantom(write, provenance):
  said = "it makes no claim about patients"
  assert said in write()
  assert said not in write(provenance=provenance | {"synthetic": False})


def test_provenance_is_at_the_end(write, provenance):
  text = write()
  footer = Reader(text[text.index("<footer>") : text.index("</body>")])
  said = "".join(footer.text)
  for key in ("cohort_hash", "version", "commit", "command", "date", "seed"):
    assert str(provenance[key]) in said
  Reader(write(provenance={}))


def test_a_section_with_everything(write, tmp_path, curves, objective_rows):
  figure = _style.save(_curves.curves(*curves, "t"), tmp_path / "figures" / "c")
  section = report.Section(
    title="Curves",
    text="What it is.",
    figures={figure[0]: "Three panels"},
    rows=objective_rows,
    columns=["structure", "objective", "hd95_mm"],
    tables=[tmp_path / "tables" / "my table.csv"],
    caption="Distances",
  )
  text = write([section], facts={"Median loss": 0.118, "Patients": 6})
  page = Reader(text)
  [image] = page.all("img")
  assert image["src"] == "../figures/c.svg"
  assert image["alt"] == "Three panels"
  assert image["width"] == "960"
  assert [link["href"] for link in page.all("a")] == [
    "../figures/c.svg",
    "../figures/c.png",
    "../tables/my%20table.csv",
  ]
  assert "<caption>Distances</caption>" in text
  assert '<th scope="col" class="number">HD95 (mm)</th>' in text
  assert '<td>left parotid</td><td>BCE</td><td class="number">4.00</td>' in text
  assert "<dt>Median loss</dt><dd>0.118</dd>" in text


def test_a_figure_by_its_stem(write, tmp_path):
  stem = tmp_path / "figures" / "dice@0.5"
  rows, best = conftest.curve_rows()
  _style.save(_curves.curves(rows, [best], "t"), stem)
  [image] = Reader(write([report.Section("A", figures={stem: ""})])).all("img")
  assert image["src"] == "../figures/dice%400.5.svg"
  assert image["alt"] == "A"


def test_a_missing_figure_is_said(write, tmp_path):
  gone = tmp_path / "figures" / "gone"
  text = write([report.Section("A", figures={gone: "x"})])
  assert Reader(text).all("img") == []
  assert "The figure gone.svg is missing" in text


def test_hostile_text_is_escaped_everywhere(write, tmp_path, provenance):
  name = tmp_path / "figures" / "a\"><b onload='x'>.svg"
  name.parent.mkdir()
  name.write_text("<svg></svg>")
  section = report.Section(
    title=HOSTILE,
    text=HOSTILE,
    figures={name: HOSTILE},
    rows=[{HOSTILE: HOSTILE, "structure": HOSTILE}],
    tables=[tmp_path / 'a" onclick="x".csv', tmp_path / "<b>.csv"],
    caption=HOSTILE,
  )
  text = write(
    [section, section],
    title=HOSTILE,
    summary=HOSTILE,
    facts={HOSTILE: HOSTILE},
    provenance=dict.fromkeys(provenance, HOSTILE),
  )
  page = Reader(text)
  assert page.all("script") == []
  assert page.all("b") == []
  assert not any(
    name.startswith("on") for _, attributes in page.tags for name in attributes
  )


def test_backticks_are_code_and_single_ones_stay(write):
  text = write([report.Section("A", text="`a < b` and a ` alone")])
  Reader(text)
  assert "<p><code>a &lt; b</code> and a ` alone</p>" in text


def test_sections_are_listed_and_every_link_leads_somewhere(write):
  text = write([report.Section("A"), report.Section("B", text="b")])
  page = Reader(text)
  targets = {attributes.get("id") for _, attributes in page.tags}
  links = [link["href"] for link in page.all("a")]
  assert links == ["#s1", "#s2"]
  assert {link[1:] for link in links} <= targets


def test_gaps_in_tables(write):
  rows = [{"a": 1, "b": None}, {"a": math.nan}, {"a": math.inf, "b": "x"}]
  text = write([report.Section("A", rows=rows, columns={"a": "x", "b": "y"})])
  Reader(text)
  assert '<td class="number">n/a</td><td>–</td>' in text
  assert '<td class="number">∞</td><td>x</td>' in text


def test_the_same_page_twice_is_the_same(write, objective_rows):
  sections = [report.Section("A", rows=objective_rows)]
  assert write(sections) == write(sections)


CSS = (
  importlib.resources.files("jaxseg.report").joinpath("page.css").read_text()
)


def test_braces_balance_and_nothing_is_loaded():
  assert CSS.count("{") == CSS.count("}")
  assert not re.search(r"@import|url\(|<", CSS)


def test_every_colour_that_is_used_is_defined_for_dark_and_light():
  used = set(re.findall(r"var\((--[a-z-]+)\)", CSS))
  light, dark = re.findall(r":root \{([^}]*)\}", CSS)
  assert used <= set(re.findall(r"(--[a-z-]+):", light))
  assert used <= set(re.findall(r"(--[a-z-]+):", dark))
  assert "prefers-color-scheme: dark" in CSS


def test_the_style_sheet_is_in_the_page_as_it_is(write):
  assert CSS.strip() in write()
