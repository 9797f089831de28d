"""What is kept of a choice per case, and what is refused."""

import dataclasses
import json

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import study
from tests.study import made
from tests.study import per_case_test


def test_as_json_it_chooses_the_same():
  learnt = study.Chooser.fit(per_case_test.cases(12, 0, shift=0.06))
  text = json.dumps(learnt.to_json())
  again = study.Chooser.from_json(json.loads(text))
  assert len(text) < 20_000
  others = per_case_test.cases(6, 1, shift=0.06)
  for name, cuts in learnt.choose(others).items():
    np.testing.assert_array_equal(again.choose(others)[name], cuts)


def test_a_map_is_cut_where_its_counts_are():
  maps = made.maps(6)
  learnt = study.Chooser.fit(maps.select())
  for name in study.PER_CASE:
    wanted = learnt.choose(maps.select())[name]
    for seed in range(6):
      p, _ = made.case(seed)
      assert learnt.of_map(p, name, voxel_ml=0.0045) == wanted[seed]


def test_the_dice_told_is_that_of_the_threshold_told():
  """A cut between two counted thresholds was scored at the higher one."""
  maps = made.maps(12)
  rows = study.tables([maps], study.Settings(resamples=2, per_case="volume"))
  assert any(
    r["threshold_volume"] != r["threshold_organ"]
    for r in rows["case_thresholds"]
  )
  for row in rows["case_thresholds"]:
    p, inside = made.case(int(row["case"].removeprefix("case")))
    for name in study.METHODS:
      cut = p >= np.float32(row[f"threshold_{name}"])
      dice = 2 * (cut & inside).sum() / (cut.sum() + inside.sum())
      assert row[f"dice_{name}"] == pytest.approx(dice, abs=1e-9), name


def test_volumes_are_of_one_unit():
  some = per_case_test.cases(12, 0, shift=0.06)
  bare = np.where(np.arange(12) == 3, np.nan, some.voxel_ml)
  mixed = dataclasses.replace(some, voxel_ml=bare)
  assert not study.Chooser.fit(mixed).in_ml
  learnt = study.Chooser.fit(some)
  assert learnt.in_ml
  with pytest.raises(errors.DataError, match="0-3.: the size of its voxels"):
    learnt.choose(mixed)


@pytest.mark.parametrize(
  "change",
  [
    {"organ": 2},
    {"organ": None},
    {"slope": "steep"},
    {"intercept": float("nan")},
    {"frequencies": [[3, 0.1]]},
    {"frequencies": [[0, 1.5]]},
    {"frequencies": []},
    {"range": [1]},
    {"grid": "many"},
  ],
)
def test_what_is_malformed_is_refused(change):
  good = study.Chooser.fit(per_case_test.cases(5, 0)).to_json()
  with pytest.raises(errors.DataError, match="malformed"):
    study.Chooser.from_json({**good, **change})
  with pytest.raises(errors.DataError, match="malformed"):
    study.Chooser.from_json({k: v for k, v in good.items() if k not in change})
  with pytest.raises(errors.DataError, match="malformed"):
    study.Chooser.from_json(None)


def test_counts_on_another_grid_are_refused():
  learnt = study.Chooser.fit(per_case_test.cases(5, 0))
  other = dataclasses.replace(learnt, grid=101)
  with pytest.raises(errors.DataError, match="count again"):
    other.choose(per_case_test.cases(3, 1))
