import pytest

from jaxseg import cohorts
from jaxseg import errors
from tests.cohorts import drawn


def _matched(ours, theirs, **how):
  return {
    one.structure: (one.ours, one.theirs, bool(one.refused))
    for one in cohorts.match_structures(ours, theirs, **how)
  }


def test_structures_are_matched_by_what_their_names_mean():
  found = _matched(
    ["parotid_left", "Node 2", "Lens"], ["Parotid_L", "node-2", "SpinalCord"]
  )
  assert found == {
    "parotid_left": (("parotid_left",), ("Parotid_L",), False),
    "node-2": (("Node 2",), ("node-2",), False),
    "spinal_cord": ((), ("SpinalCord",), False),
    "Lens": (("Lens",), (), False),
  }


def test_a_single_structure_on_both_sides_is_one():
  assert _matched(["1"], ["GTV_x"]) == {"GTV_x": (("1",), ("GTV_x",), False)}
  assert _matched(["SpinalCord"], ["label"]) == {
    "spinal_cord": (("SpinalCord",), ("label",), False)
  }


@pytest.mark.parametrize(
  ("ours", "theirs"),
  [("Brain", "SpinalCord"), ("Parotid_R", "Parotid_L"), ("PTV_70", "GTV")],
)
def test_two_that_are_known_and_differ_are_two(ours, theirs):
  found = cohorts.match_structures([ours], [theirs])
  assert [(one.ours, one.theirs, one.alone) for one in found] == [
    ((), (theirs,), False),
    ((ours,), (), False),
  ]


def test_two_of_a_table_of_ones_own_are_known():
  own = {"a": "spinal_cord"}
  found = cohorts.match_structures(["a"], ["Brain"], our_aliases=own)
  assert len(found) == 2


@pytest.mark.parametrize(
  ("on_two", "ours", "refused"),
  [
    ("refuse", ("Cord", "Cord#7"), True),
    ("first", ("Cord",), False),
    ("union", ("Cord", "Cord#7"), False),
  ],
)
def test_two_that_fit(on_two, ours, refused):
  found = _matched(["Cord", "Cord#7"], ["SpinalCord"], on_two=on_two)
  assert found == {"spinal_cord": (ours, ("SpinalCord",), refused)}


def test_several_of_the_same_names_are_each_their_own():
  found = _matched(["GTV-1", "GTV-2"], ["gtv 2", "gtv 1"])
  assert found == {
    "gtv 2": (("GTV-2",), ("gtv 2",), False),
    "gtv 1": (("GTV-1",), ("gtv 1",), False),
  }


def test_own_names_may_differ_between_sides():
  found = _matched(
    ["1", "2"],
    ["2", "SpinalCord"],
    our_aliases={"1": "spinal_cord", "2": None},
    their_aliases={"2": "brain"},
  )
  assert found == {
    "brain": ((), ("2",), False),
    "spinal_cord": (("1",), ("SpinalCord",), False),
  }


def test_cases_are_paired_by_series_before_names(tmp_path):
  for name in ("P1", "P2"):
    drawn.patient(tmp_path / "in", name)
    drawn.patient(tmp_path / "in2", name, apart=tmp_path / "rt")
  # The same seeds, so the same series.
  ours = cohorts.open_side(tmp_path / "rt", beside=[tmp_path / "in"])
  theirs = cohorts.open_side(tmp_path / "in")
  assert cohorts.pair_cases(ours, theirs) == [("p1", "p1"), ("p2", "p2")]
  drawn.labels(tmp_path / "maps" / "p2", drawn.CORD)
  drawn.labels(tmp_path / "maps" / "p9", drawn.CORD)
  maps = cohorts.open_side(tmp_path / "maps")
  assert cohorts.pair_cases(maps, theirs) == [("p2", "p2")]


def test_nothing_is_compared_with_itself(tmp_path):
  drawn.labels(tmp_path / "a" / "p2", drawn.CORD)
  side = cohorts.open_side(tmp_path / "a")
  with pytest.raises(errors.DataError, match="compared with itself"):
    cohorts.pair_cases(side, cohorts.open_side(tmp_path / "a"))


def test_cases_that_are_others_are_refused(tmp_path):
  for folder, name in (("a", "p1"), ("a", "p2"), ("b", "p3"), ("b", "p4")):
    drawn.labels(tmp_path / folder / name, drawn.CORD)
  sides = (cohorts.open_side(tmp_path / one) for one in "ab")
  with pytest.raises(errors.DataError, match="no pairs: none of 2 cases"):
    cohorts.pair_cases(*sides)
