import csv
import math

import hypothesis
from hypothesis import strategies as st
import numpy as np
import pytest

from jaxseg import report

HOSTILE = [
  "a,b",
  'say "no"',
  "two\nlines",
  "cr\r\nlf",
  "lone\rcr",
  "Ösophagus – 食道",
  "007",
  "1e5",
  "nan",
  "true",
  "",
  " padded ",
]


def read_back(path, rows, provenance):
  assert report.write_csv(path, rows, provenance) == path
  with open(path, encoding="utf-8", newline="") as file:
    return list(csv.DictReader(file, strict=True))


def test_cells_by_type(tmp_path, provenance):
  row = {
    "structure": "brain",
    "n": 3,
    "whole": 1.0,
    "dice": 0.8125,
    "missed": True,
    "found": np.bool_(False),
    "gap": None,
    "far": math.inf,
    "below": -math.inf,
    "undefined": math.nan,
    "large": 2**70,
  }
  [back] = read_back(tmp_path / "new" / "t.csv", [row], provenance)
  assert [back[name] for name in row] == [
    "brain", "3", "1.0", "0.8125", "true", "false", "", "inf", "-inf", "nan",
    str(2**70),
  ]  # fmt: skip
  assert [float(back[k]) for k in ("far", "whole")] == [math.inf, 1.0]


def test_bytes(tmp_path, provenance):
  rows = [{"x": math.nan, "name": 'a "b", c'}, {"x": 1.5}]
  report.write_csv(tmp_path / "t.csv", rows, provenance)
  end = (
    'phantom,0123456789abcdef,7,0.1.0,1234567,"reproduce --cohort=phantom'
    ' --structures=brain,cord",2026-01-02\n'
  )
  assert (tmp_path / "t.csv").read_bytes().decode() == (
    "x,name,cohort,cohort_hash,seed,version,commit,command,date\n"
    f'nan,"a ""b"", c",{end}1.5,,,,,,,,\n'
  )


@pytest.mark.parametrize("text", HOSTILE)
def test_text_comes_back_as_it_was(tmp_path, provenance, text):
  row = {"x": text, f"{text}_": 1}
  [back] = read_back(tmp_path / "t.csv", [row], provenance)
  assert [back["x"], back[f"{text}_"]] == [text, "1"]


@hypothesis.settings(
  deadline=None,
  max_examples=100,
  suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(
  values=st.lists(
    st.integers()
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    | st.sampled_from([0.5, 1e-12, -3.25e20, math.inf]),
    min_size=1,
    max_size=6,
  )
)
def test_any_row_comes_back(tmp_path, provenance, values):
  row = {f"column{k}": value for k, value in enumerate(values)}
  [back] = read_back(tmp_path / "t.csv", [row], provenance)
  assert [type(v)(back[k]) for k, v in row.items()] == values


def test_floats_have_six_digits_and_numpy_scalars_are_numbers(
  tmp_path, provenance
):
  row = {"a": 0.1 + 0.2, "b": np.float32(0.305), "c": np.int64(4), "d": 1 / 3}
  [back] = read_back(tmp_path / "t.csv", [row], provenance)
  assert [back[name] for name in "abcd"] == ["0.3", "0.305", "4", "0.333333"]


def test_the_first_row_carries_the_provenance(tmp_path, provenance):
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
  assert [row["seed"] for row in back] == ["1", "2"]
  assert [row["late"] for row in back] == ["", "4"]
  assert [row["commit"] for row in back] == ["1234567", ""]


def test_a_table_without_rows_has_a_header(tmp_path, provenance):
  assert read_back(tmp_path / "t.csv", [], provenance) == []


def test_no_temporary_file_stays(tmp_path, provenance):
  report.write_csv(tmp_path / "t.csv", [{"a": 1}], provenance)
  assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
