"""The folder of a page: copies, packed tables, scripts."""

import zipfile

import pytest

from jaxseg import errors
from jaxseg.report import _bundle


def test_a_large_table_is_packed_and_the_same_bytes_twice(tmp_path):
  path = tmp_path / "curve.csv"
  path.write_text("threshold,dice\n" * 80_000)
  for folder in (tmp_path / "a", tmp_path / "b"):
    name, address = _bundle.table(folder, path)
    assert (name, address) == ("curve.csv.zip", "tables/curve.csv.zip")
  with zipfile.ZipFile(tmp_path / "a" / address) as archive:
    assert archive.read("curve.csv") == path.read_bytes()
  assert (tmp_path / "a" / address).read_bytes() == (
    tmp_path / "b" / address
  ).read_bytes()


def test_a_copy_that_stands_is_not_written_again(tmp_path):
  path = tmp_path / "a.csv"
  path.write_text("a\n")
  copy = tmp_path / "page" / _bundle.table(tmp_path / "page", path)[1]
  before = copy.stat()
  _bundle.table(tmp_path / "page", path)
  assert copy.stat().st_ino == before.st_ino
  path.write_text("b\n")
  _bundle.table(tmp_path / "page", path)
  assert copy.read_text() == "b\n"


@pytest.mark.parametrize("end", ["</script>", "</SCRIPT ", "<!-- "])
def test_a_script_that_would_end_its_element_is_refused(end):
  with pytest.raises(errors.DataError, match="would end it"):
    _bundle.inline(f"const a = '{end}';")


def test_our_scripts_and_plotlys_stand_in_a_page_as_they_are():
  for script in (_bundle.plotly(), _bundle.own("charts.js")):
    assert _bundle.inline(script) == script


def test_nothing_of_ours_names_an_address_of_a_network():
  for name in ("charts.js", "page.css", "page.html", "charts.html"):
    assert "http:" not in _bundle.own(name)
    assert "https:" not in _bundle.own(name)


def test_parts_of_a_script_come_before_what_starts_it():
  names = [text[:40] for text in _bundle.own_all("charts", "js")]
  assert names == [_bundle.own("charts.js")[:40]]
  assert _bundle.own_all("nothing", "js") == []
