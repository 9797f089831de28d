import io
import math

import hypothesis
from hypothesis import strategies as st
import numpy as np
import pytest
import rich.console

from jaxseg import errors
from jaxseg import report

HOSTILE = [
  "a,b",
  'say "no"',
  "two\nlines",
  "cr\r\nlf",
  "Ösophagus – 食道",
  "007",
  "1e5",
  "nan",
  "true",
  "",
  " padded ",
]


def read_back(path, rows, provenance):
  report.write_csv(path, rows, provenance)
  return report.read_csv(path)


def test_round_trip_keeps_types(tmp_path, provenance):
  row = {
    "structure": "brain",
    "n": 3,
    "whole": 1.0,
    "dice": 0.8125,
    "missed": True,
    "gap": None,
    "far": math.inf,
    "below": -math.inf,
    "large": 2**70,
  }
  [back] = read_back(tmp_path / "new" / "t.csv", [row], provenance)
  assert {name: back[name] for name in row} == row
  assert [type(back[name]) for name in row] == [type(v) for v in row.values()]


def test_nan_is_written_as_nan(tmp_path, provenance):
  [back] = read_back(tmp_path / "t.csv", [{"x": math.nan}], provenance)
  assert math.isnan(back["x"])
  assert (tmp_path / "t.csv").read_text().splitlines()[1].startswith("nan,")


@pytest.mark.parametrize("text", HOSTILE)
def test_text_comes_back_as_it_was(tmp_path, provenance, text):
  row = {"x": text, f"{text}_": 1}
  [back] = read_back(tmp_path / "t.csv", [row], provenance)
  assert {name: back[name] for name in row} == row


@hypothesis.settings(
  deadline=None,
  max_examples=100,
  suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(
  values=st.lists(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from([0.5, 1e-12, -3.25e20, math.inf]),
    min_size=1,
    max_size=6,
  )
)
def test_any_row_comes_back(tmp_path, provenance, values):
  row = {f"column{k}": value for k, value in enumerate(values)}
  [back] = read_back(tmp_path / "t.csv", [row], provenance)
  assert {name: back[name] for name in row} == row


def test_floats_have_six_digits_and_numpy_scalars_are_numbers(
  tmp_path, provenance
):
  row = {"a": 0.1 + 0.2, "b": np.float32(0.305), "c": np.int64(4), "d": 1 / 3}
  [back] = read_back(tmp_path / "t.csv", [row], provenance)
  assert [back[name] for name in "abcd"] == [0.3, 0.305, 4, 0.333333]


def test_each_row_carries_the_provenance_once(tmp_path, provenance):
  rows = [{"seed": 1, "x": 2}, {"seed": 2, "x": 3, "late": 4}]
  back = read_back(tmp_path / "t.csv", rows, provenance)
  assert list(back[0]) == [
    "seed",
    "x",
    "late",
    "cohort",
    "cohort_hash",
    "version",
    "commit",
    "command",
    "date",
  ]
  assert [row["seed"] for row in back] == [1, 2]
  assert [row["late"] for row in back] == [None, 4]
  assert {row["commit"] for row in back} == {"1234567"}  # No number.


def test_a_table_without_rows_has_a_header(tmp_path, provenance):
  assert read_back(tmp_path / "t.csv", [], provenance) == []


def test_no_temporary_file_stays(tmp_path, provenance):
  report.write_csv(tmp_path / "t.csv", [{"a": 1}], provenance)
  assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_what_spreadsheets_write_is_read(tmp_path):
  path = tmp_path / "t.csv"
  path.write_bytes("\ufeffname,x\r\nÖ,1.5\r\n\r\n".encode())
  assert report.read_csv(path) == [{"name": "Ö", "x": 1.5}]


@pytest.mark.parametrize(
  ("content", "message"),
  [
    ("", "the table is empty"),
    ("\n\n", "the table is empty"),
    ("a,b\n1,2\n3\n", "line 3: 1 cells under a header of 2"),
    ("a,b\n1,2,3\n", "line 2: 3 cells under a header of 2"),
    ('a,b\n"x\ny",1\n2\n', "line 4: 1 cells"),  # Lines of the file.
    ('a,b\n1,"cut off', "line 2: a quotation mark out of place"),
    ('a,b\n1,x"y\n', "line 2: a quotation mark out of place"),
    ("1,2\n3,4\n", "line 1: 1 is no column's name; the header is missing"),
    ("a,\n3,4\n", "line 1: – is no column's name"),
    ("a,a\n3,4\n", "line 1: the column a is there twice"),
  ],
)
def test_corrupt_tables(tmp_path, content, message):
  path = tmp_path / "t.csv"
  path.write_text(content, newline="")
  with pytest.raises(errors.DataError, match=message) as caught:
    report.read_csv(path)
  assert str(path) in str(caught.value)
  assert "\n" not in str(caught.value)


def test_a_missing_file_and_one_that_is_no_text(tmp_path):
  with pytest.raises(errors.DataError, match="no such file; run"):
    report.read_csv(tmp_path / "t.csv")
  (tmp_path / "t.csv").write_bytes(b"a\n\xff\xfe\n")
  with pytest.raises(errors.DataError, match="not readable as UTF-8"):
    report.read_csv(tmp_path / "t.csv")
  with pytest.raises(errors.DataError, match="not readable"):
    report.read_csv(tmp_path)


def test_rich_table_shows_labels_and_no_markup():
  rows = [
    {"structure": "parotid_left", "objective": "[red]bce", "dice": 0.5},
    {"structure": "brain", "objective": None, "dice": math.nan},
  ]
  table = report.rich_table(
    "Dice [test]", rows, ("structure", "objective", "dice"), caption="[b]"
  )
  assert [column.justify for column in table.columns] == [
    "left",
    "left",
    "right",
  ]
  console = rich.console.Console(file=io.StringIO(), width=80)
  console.print(table)
  text = console.file.getvalue()
  for said in ("Dice [test]", "left parotid", "[red]bce", "0.500", "n/a"):
    assert said in text
  assert "[b]" in text


def test_rich_table_takes_headings():
  table = report.rich_table("", [{"a": 1}], {"a": "Alpha"})
  assert str(table.columns[0].header) == "Alpha"
