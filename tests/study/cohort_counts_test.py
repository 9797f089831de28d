"""CohortCounts: kept in a file, joined, merged and selected from."""

import dataclasses
import json

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import study
from jaxseg import thresholds
from tests.study import made


@pytest.fixture(scope="module")
def found():
  return made.maps()


@pytest.fixture(scope="module")
def with_surfaces():
  return made.maps(surfaces=True)


def same(one, other):
  assert one.names == other.names
  assert one.parts == other.parts
  assert one.keys == other.keys
  assert one.facts == other.facts
  assert one.grid == other.grid
  assert list(one.scopes) == list(other.scopes)
  np.testing.assert_array_equal(one.voxel_ml, other.voxel_ml)
  for scope, counts in one.scopes.items():
    for name in ("thresholds", "positive", "negative"):
      mine = getattr(counts, name)
      theirs = getattr(other.scopes[scope], name)
      assert mine.dtype == theirs.dtype
      np.testing.assert_array_equal(mine, theirs)
  if one.surfaces is None:
    assert other.surfaces is None
  else:
    np.testing.assert_array_equal(one.surfaces, other.surfaces)
    np.testing.assert_array_equal(one.cuts, other.cuts)


def test_counts_come_back_from_their_file(with_surfaces, tmp_path):
  for k, counts in enumerate((made.maps(2), with_surfaces, made.run_counts())):
    path = tmp_path / f"{k}.npz"
    counts.write(path)
    same(study.CohortCounts.read(path), counts)
    with np.load(path, allow_pickle=False) as file:
      assert int(file["format"]) == 2
      assert all(file[name].dtype != object for name in file.files)


def broken(path):
  """Ways in which a file of counts may be of no use, and what is said."""
  whole = path.read_bytes()
  with np.load(path) as file:
    arrays = {name: file[name] for name in file.files}
  yield b"rubbish", ""
  yield b"", ""
  yield b"PK torn", ""
  yield whole[:-30], ""  # A zip archive without its end.
  yield whole[: len(whole) // 2], ""
  damaged = bytearray(whole)
  damaged[len(whole) // 2] ^= 255
  yield bytes(damaged), ""
  for change, said in (
    ({"format": np.int64(1)}, "written as version 1, this one reads 2"),
    ({"format": None}, "written as version 0"),
    ({"positive": None}, "lack positive"),
    ({"positive": arrays["positive"][..., :-1]}, "are not counts"),
    ({"positive": arrays["positive"].astype(float)}, "are not integers"),
    ({"grid": np.int64(11)}, "not fine_grid"),
    ({"names": arrays["names"][:1]}, "1 names, but parts of 2"),
    ({"scopes": np.array(["known", "volume"])}, ""),
    ({"facts": np.array("{")}, ""),
    ({"facts": np.array("3")}, ""),
    ({"voxel_ml": np.float64(1)}, ""),
    ({"surfaces": np.zeros((2, 4, 3))}, "surfaces of shape"),
  ):
    kept = {k: v for k, v in {**arrays, **change}.items() if v is not None}
    np.savez(path, **kept)
    yield path.read_bytes(), said


def test_older_and_damaged_files_end_in_one_line(tmp_path):
  path = tmp_path / "c.npz"
  made.maps(2).write(path)
  number = 0
  for content, said in broken(path):
    path.write_bytes(content)
    with pytest.raises(errors.DataError, match=r"c\.npz: not readable") as e:
      study.CohortCounts.read(path)
    assert said in str(e.value)
    assert str(e.value).endswith("delete it and sweep again")
    assert "\n" not in str(e.value)
    number += 1
  assert number == 18
  for missing in (tmp_path / "none.npz", tmp_path):
    with pytest.raises(errors.DataError, match="not readable"):
      study.CohortCounts.read(missing)


def test_files_of_the_versions_before_are_refused(tmp_path):
  counts = made.maps(2).scopes["volume"]
  of_maps = {
    "format": np.int64(1),
    "names": np.array(["a", "b"]),
    "voxel_ml": np.ones(2),
    "grid": np.int64(1001),
    "keys": np.array(["", ""]),
    **counts.to_arrays(),
  }
  of_a_model = {
    "identity": np.array(["brain", "bce", "0", "abc"]),
    "negatives": np.float64(1),
    "thresholds": thresholds.grid(),
  }
  for arrays, version in ((of_maps, 1), (of_a_model, 0)):
    np.savez(tmp_path / "old.npz", **arrays)
    with pytest.raises(errors.DataError, match=f"written as version {version}"):
      study.CohortCounts.read(tmp_path / "old.npz")


def test_merging_parts_is_the_whole(found, tmp_path):
  parts = []
  for number, which in enumerate(([0, 1], [1, 2, 3, 4])):
    part = dataclasses.replace(
      found,
      names=tuple(found.names[k] for k in which),
      parts=("",) * len(which),
      keys=tuple(found.keys[k] for k in which),
      scopes={"volume": found.scopes["volume"][which]},
      voxel_ml=found.voxel_ml[which],
    )
    part.write(tmp_path / f"{number}.npz")
    parts.append(study.CohortCounts.read(tmp_path / f"{number}.npz"))
  same(study.CohortCounts.merge(parts[::-1]), found)


def test_what_does_not_merge(found):
  counts = found.scopes["volume"]
  other = dataclasses.replace(
    found,
    scopes={
      "volume": thresholds.Counts(
        counts.thresholds, counts.positive + 1, counts.negative
      )
    },
  )
  with pytest.raises(errors.DataError, match="'case0' is there twice"):
    study.CohortCounts.merge([found, other])
  with pytest.raises(errors.DataError, match="no counts"):
    study.CohortCounts.merge([])
  p, y = made.case(0)
  coarse = study.count_arrays(p, y, name="x", grid=101, facts=found.facts)
  with pytest.raises(errors.DataError, match="grids of 1001 and 101"):
    study.CohortCounts.merge([found, coarse])
  elsewhere = dataclasses.replace(found, scopes={"known": counts})
  with pytest.raises(errors.DataError, match="with scopes"):
    study.CohortCounts.merge([found, elsewhere])


def test_counts_of_other_classes_do_not_merge(found):
  other = made.maps(label=1)
  with pytest.raises(
    errors.DataError, match="'case0' was .* label None, .* with 1;"
  ):
    study.CohortCounts.merge([found, other])


def test_counts_with_keys_of_others_merge(found):
  other = dataclasses.replace(found, keys=("mine",) * 5)
  again = dataclasses.replace(other, names=tuple("abcde"))
  assert len(study.CohortCounts.merge([other, again]).names) == 10


def test_surfaces_of_some_cases_only_are_refused(found, with_surfaces):
  some = made.maps(2, surfaces=True)
  for order in ([found, some], [some, found]):
    with pytest.raises(errors.DataError, match="case2.* without surfaces"):
      study.CohortCounts.merge(order)
  # Of a case with and without surfaces those with are kept.
  whole = study.CohortCounts.merge([with_surfaces, found])
  same(whole, with_surfaces)


def test_selecting_a_part_and_a_scope(results):
  counts = results[1]
  validation, test = counts.sides()
  assert not set(validation.names) & set(test.names)
  assert validation.surfaces is None
  assert test.surfaces.shape == (len(test.names), 4, len(test.cuts))
  assert counts.select(part="test", scope="volume").surfaces is None
  assert counts.select().names == validation.names + test.names
  for wrong in ({"part": "train"}, {"scope": "body"}):
    with pytest.raises(errors.DataError, match="no counts of part"):
      counts.select(**wrong)


def test_of_maps_both_sides_are_all_cases(found):
  choose_on, score_on = found.sides()
  assert choose_on is score_on
  assert choose_on.names == found.names
  assert found.columns() == {}
  assert found.name == "5 cases"


def test_a_run_says_whose_rows_they_are():
  counts = made.run_counts()
  assert counts.name == "brain, bce, seed 0"
  assert counts.columns("volume") == {
    "structure": "brain",
    "objective": "bce",
    "seed": 0,
    "negatives": 0.5,
    "scope": "volume",
  }
  json.dumps(dict(counts.facts))


def test_surfaces_at_a_threshold_that_has_none(with_surfaces, found):
  cases = with_surfaces.select()
  np.testing.assert_array_equal(
    cases.surfaces_at(0.4), with_surfaces.surfaces[:, :, 40]
  )
  for where, cut in ((cases, 0.123), (found.select(), 0.5)):
    with pytest.raises(errors.DataError, match="no surfaces .* at threshold"):
      where.surfaces_at(cut)


def test_the_index_is_the_nearest_threshold(found):
  cases = found.select()
  assert cases.index(0.5) == 500
  assert cases.index(0.3004) == 300
  assert cases.index(2.0) == 1000


def test_lengths_must_agree(found):
  with pytest.raises(errors.DataError, match="5 names, but keys of 1"):
    dataclasses.replace(found, keys=("",))
  with pytest.raises(errors.DataError, match="no counts"):
    dataclasses.replace(found, scopes={})
