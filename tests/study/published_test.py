"""The study's published tables are those of its published counts."""

import math

import pytest

from jaxseg import study
from tests.cli import command
from tests.conftest import ROOT

FOLDER = ROOT / "experiments" / "results" / "study"


def table(name):
  """Rows of a table by what tells them apart."""
  return command.rows(FOLDER / "tables" / f"{name}.csv")


def same(row, published, names):
  """Whether numbers are equal to the digits that a table has."""
  for name in names:
    value, text = row[name], published[name]
    if isinstance(value, float) and math.isnan(value):
      assert text in ("", "nan"), (name, text)
    elif isinstance(value, int | float) and not isinstance(value, bool):
      assert float(text) == pytest.approx(value, rel=1e-5, abs=1e-9), name
    elif not isinstance(value, bool):
      assert text == str(value), name


def test_a_models_row_is_that_of_its_counts():
  path = FOLDER / "counts" / "authors" / "larynx-bce-0.npz"
  (row,) = study.causes([study.CohortCounts.read(path)], scopes=("kept",))
  key = ("structure", "dropout_at", "seed", "scope")
  wanted = tuple(str(row[name]) for name in key)
  (published,) = [
    one
    for one in table("causes")
    if tuple(one[name] for name in key) == wanted
    and float(one["negatives"]) == row["negatives"]
    and one["objective"] == "bce"
  ]
  same(row, published, row)


def test_each_model_is_in_the_tables_and_none_else():
  counted = {path.stem for path in FOLDER.glob("counts/*/*.npz")}
  published = {
    f"{row['structure']}-{row['objective']}-{row['seed']}"
    for row in table("causes")
  }
  assert {name.partition("-negatives")[0] for name in counted} == published


@pytest.mark.slow
def test_claims_are_those_of_the_counts_alone():
  results = study.read_counts(sorted((FOLDER / "counts").iterdir()))
  seed = int(table("claims")[0]["seed"])
  rows = study.claims(results, seed=seed)
  published = table("claims")
  assert len(rows) == len(published)
  for row, one in zip(rows, published, strict=True):
    same(row, one, row)
