import base64
import hashlib
import html.parser
import importlib.resources
import json
import math
import re
import urllib.parse

import markupsafe
import pytest

from jaxseg import errors
from jaxseg import report
from jaxseg.report import _charts
from jaxseg.report import _curves
from jaxseg.report import _style
from tests.report import conftest

HOSTILE = "<script>alert('x')</script> & \"quoted\" </title>"
VOID = {"meta", "img", "br", "link", "hr", "source"}


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


def without_scripts(text):
  """The page, as a parser sees it: a script's content is no markup."""
  return re.sub(
    r"(<script[^>]*>).*?</script>", r"\1</script>", text, flags=re.S
  )


def chart(name="brain"):
  line = _charts.trace([0, 1], [0, 1], [name], name=_charts.text(name))
  return _charts.Chart(
    name,
    [_charts.Panel(name, [line], {"xaxis": _charts.axis(name)}, name, name)],
    [_charts.Entry(name, name, "#0072b2", dash="solid", symbol="circle")],
  )


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
  assert "<p>One.</p>\n<p>Two.</p>" in text
  assert page.all("script") == []
  assert "script-src &#39;none&#39;" in text


def test_the_banner_of_the_phantom(write, provenance):
  said = "it makes no claim about patients"
  assert said in write()
  assert said not in write(provenance=provenance | {"synthetic": False})


def test_files_of_an_earlier_page_go_with_it(write, tmp_path):
  for name in ("new", "old", "theirs"):
    (tmp_path / f"{name}.csv").write_text("a\n")
  old, new = (
    report.Section(name, tables=[tmp_path / f"{name}.csv"])
    for name in ("old", "new")
  )
  write([old, new])
  there = tmp_path / "report" / "tables"
  (there / "theirs.csv").write_text("a\n")
  write([new])
  assert {one.name for one in there.iterdir()} == {"new.csv", "theirs.csv"}
  # A page of someone else's, which is in the way, says nothing of them.
  page = tmp_path / "report" / "index.html"
  page.write_text('<a href="tables/theirs.csv">theirs</a>')
  write([new])
  assert (there / "theirs.csv").exists()


def test_provenance_and_settings_come_before_the_sections(write, provenance):
  text = write([report.Section("First")], settings={"Recipe": "quick"})
  end = text.index('id="s1"')
  said = text[text.index('<dl class="settings">') : end]
  assert "<dt>Recipe</dt><dd>quick</dd>" in said
  for key in ("cohort_hash", "version", "commit", "command", "date", "seed"):
    assert all(word in said for word in str(provenance[key]).split())
  Reader(write(provenance={}))


def test_a_section_with_everything(write, tmp_path, curves, objective_rows):
  table = tmp_path / "tables" / "my table.csv"
  table.parent.mkdir()
  table.write_text("a,b\n")
  figure = _style.save(_curves.curves(*curves, "t"), tmp_path / "figures" / "c")
  section = report.Section(
    title="Curves",
    text="What it is.",
    figures={figure[0]: "Three panels"},
    rows=objective_rows,
    columns=["structure", "objective", "hd95_mm"],
    tables=[table],
    caption="Distances",
  )
  text = write([section], facts={"Median loss": 0.118, "Patients": 6})
  page = Reader(text)
  [image] = page.all("img")
  assert image["src"] == "figures/c.svg"
  assert image["alt"] == "Three panels"
  assert image["width"] == "960"
  links = [link["href"] for link in page.all("a") if link["href"][0] != "#"]
  assert links == [
    "figures/c.svg",  # The picture itself.
    "figures/c.svg",
    "figures/c.png",
    "figures/c.pdf",
    "tables/my%20table.csv",
  ]
  for link in links:
    assert (tmp_path / "report" / urllib.parse.unquote(link)).is_file()
  assert "<caption>Distances</caption>" in text
  assert '<th scope="col" class="number">HD95 (mm)</th>' in text
  assert '<td>left parotid</td><td>BCE</td><td class="number">4.00</td>' in text
  assert "<dt>Median loss</dt><dd>0.118</dd>" in text


def test_a_figure_by_its_stem(write, tmp_path):
  stem = tmp_path / "figures" / "dice@0.5"
  rows, best = conftest.curve_rows()
  _style.save(_curves.curves(rows, [best], "t"), stem)
  [image] = Reader(write([report.Section("A", figures={stem: ""})])).all("img")
  assert image["src"] == "figures/dice%400.5.svg"
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
  tables = [tmp_path / 'a" onclick="x".csv', tmp_path / "<b>.csv"]
  for table in tables:
    table.write_text("a")
  section = report.Section(
    title=HOSTILE,
    text=HOSTILE,
    figures={name: HOSTILE},
    rows=[{HOSTILE: HOSTILE, "structure": HOSTILE}],
    tables=tables,
    charts=[chart(HOSTILE)],
    caption=HOSTILE,
  )
  text = write(
    [section, section],
    title=HOSTILE,
    summary=HOSTILE,
    facts={HOSTILE: HOSTILE},
    settings={HOSTILE: HOSTILE},
    claims=section,
    provenance=dict.fromkeys(provenance, HOSTILE),
  )
  page = Reader(without_scripts(text))
  assert len(page.all("script")) == 6  # The data of 3 charts, colours, 2 ours.
  assert page.all("b") == []
  assert not any(
    name.startswith("on") for _, attributes in page.tags for name in attributes
  )


def test_backticks_are_code_and_single_ones_stay(write):
  text = write([report.Section("A", text="`a < b` and a ` alone")])
  Reader(text)
  assert "<p><code>a &lt; b</code> and a ` alone</p>" in text


def test_lines_with_a_dash_are_a_list(write):
  text = write([report.Section("A", text="Who:\n- <b> - c\n- d\n\ne - f")])
  Reader(text)
  assert (
    "<p>Who:</p>\n<ul>\n<li>&lt;b&gt; - c</li>\n<li>d</li>\n</ul>\n<p>e - f</p>"
    in text
  )


def test_sections_are_listed_and_every_link_leads_somewhere(write):
  text = write([report.Section("A"), report.Section("B", text="b")])
  page = Reader(text)
  targets = {attributes.get("id") for _, attributes in page.tags}
  links = [link["href"] for link in page.all("a")]
  assert links == ["#settings", "#s1", "#s2"]
  assert {link[1:] for link in links} <= targets


def test_a_chart_stands_in_the_page_as_data_that_ends_no_element(write):
  name = "</script><img src=x onerror=alert(1)>"
  text = write([report.Section("A", charts=[chart(name)])])
  [data] = re.findall(
    r'<script type="application/json">(.*?)</script>', text, re.S
  )
  [panel] = json.loads(data)["panels"]
  assert panel["traces"][0]["meta"] == [name]
  # Plotly reads tags in labels, and shows entities as what they stand for.
  assert "<" not in panel["layout"]["xaxis"]["title"]["text"]
  page = Reader(without_scripts(text))
  assert page.all("img") == []
  [plot] = [tag for _, tag in page.tags if tag.get("class") == "plot"]
  assert plot["tabindex"] == "0"
  assert name in plot["aria-label"]


def test_only_the_scripts_of_the_page_may_run(write):
  text = write([report.Section("A", charts=[chart()])])
  [policy] = [
    tag["content"]
    for tag in Reader(without_scripts(text)).all("meta")
    if tag.get("http-equiv") == "Content-Security-Policy"
  ]
  scripts = re.findall(r"<script>(.*?)</script>", text, re.S)
  assert len(scripts) == 2
  for script in scripts:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest())
    assert f"'sha256-{digest.decode()}'" in policy
  assert "default-src 'none'" in policy
  assert "http" not in policy


def test_a_figure_that_is_drawn_is_linked_and_shown_without_scripts(
  write, tmp_path
):
  path = tmp_path / "figures" / "c.svg"
  path.parent.mkdir()
  path.write_text("<svg></svg>")
  text = write([report.Section("A", figures={path: "x"}, charts=[chart()])])
  assert re.search(r"<noscript>.*figures/c.svg.*</noscript>", text)
  assert not (tmp_path / "report" / "figures" / "c-dark.svg").exists()


def test_a_figure_alone_has_colours_for_dark(write, tmp_path):
  path = tmp_path / "figures" / "c.svg"
  path.parent.mkdir()
  path.write_text('<svg style="fill: #ffffff; stroke: #123456"></svg>')
  text = write([report.Section("A", figures={path: "x"})])
  assert 'srcset="figures/c-dark.svg"' in text
  dark = (tmp_path / "report" / "figures" / "c-dark.svg").read_text()
  assert dark == '<svg style="fill: #15181b; stroke: #123456"></svg>'


def test_a_table_that_is_missing_is_refused_by_name(write, tmp_path):
  gone = tmp_path / "tables" / "gone.csv"
  with pytest.raises(
    errors.DataError, match=r"gone\.csv: the page links to it"
  ):
    write([report.Section("A", tables=[gone])])
  assert not (tmp_path / "report" / "index.html").exists()


def test_large_print_and_its_interval(write):
  text = write(facts={"Lost": "2.2 % (1.0 % to 3.0 %)"})
  assert "<dd>2.2 %<small>1.0 % to 3.0 %</small></dd>" in text


def test_the_viewer_stands_behind_the_first_section(write):
  sections = [report.Section("A"), report.Section("B")]
  text = write(sections, viewer=markupsafe.Markup("<section>slices</section>"))
  assert text.index('id="s1"') < text.index("slices") < text.index('id="s2"')
  assert '<a href="#patients">' in text


def test_long_names_of_cases_break_so_that_the_last_column_is_seen(write):
  rows = [{"structure": "brain", "worst_case": f"HN-{number}" * 9}
          for number in (1, 2)]  # fmt: skip
  text = write(sections=[report.Section("Scores", rows=rows)])
  assert text.count('<td class="name">HN-') == 2
  assert re.search(r"\.name \{[^}]*overflow-wrap: anywhere", text)


def test_a_commit_that_is_not_known(write, provenance):
  text = write(provenance={**provenance, "commit": ""})
  assert re.search(r"Commit</dt><dd>(<code>)?(<span>)?–<", text)


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
  light, dark = re.findall(r":root \{([^}]*--[^}]*)\}", CSS)
  assert used <= set(re.findall(r"(--[a-z-]+):", light))
  assert used <= set(re.findall(r"(--[a-z-]+):", dark))
  assert "prefers-color-scheme: dark" in CSS


def test_the_style_sheet_is_in_the_page_as_it_is(write):
  assert CSS.strip() in write()
