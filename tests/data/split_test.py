"""Splits: whole patients, every structure in each part."""

import collections
import json

import hypothesis
from hypothesis import strategies as st
import pytest

from jaxseg import data
from jaxseg import errors

PARTS = ("train", "validation", "test")


@st.composite
def cohort(draw):
  count = draw(st.integers(10, 40))
  return {
    f"p{k}": tuple(
      s
      for s in ("brain", "parotid_left", "larynx")
      if s == "brain" or draw(st.integers(0, 9)) < 7
    )
    for k in range(count)
  }


@hypothesis.settings(deadline=None, max_examples=40)
@hypothesis.given(cohort(), st.integers(0, 2**31))
def test_parts_are_disjoint_complete_and_have_every_structure(patients, seed):
  split = data.make_split(patients, seed=seed)
  parts = [split.part(name) for name in PARTS]
  assert sorted(sum(parts, ())) == sorted(patients)
  count = collections.Counter(s for v in patients.values() for s in v)
  present = {s for s, n in count.items() if n >= 3}
  for part in parts:
    assert {s for p in part for s in patients[p]} >= present


def test_the_seed_decides():
  patients = {f"p{k}": ("brain",) for k in range(30)}
  first, again, other = (data.make_split(patients, seed=s) for s in (1, 1, 2))
  assert first == again
  assert first != other


def test_a_rare_structure_has_no_say():
  patients = {f"p{k}": ("brain",) for k in range(9)}
  with_rare = {**patients, "p0": ("brain", "larynx"), "p1": ("larynx",)}
  split = data.make_split(with_rare, seed=0)
  for part in PARTS:
    assert any("brain" in with_rare[p] for p in split.part(part))


def test_few_patients_get_larger_parts_for_validation_and_test():
  # One structure is missing on every second patient.
  patients = {f"p{k}": ("brain", "larynx")[: 1 + k % 2] for k in range(8)}
  for seed in range(20):
    split = data.make_split(patients, seed=seed)
    for part in PARTS:
      assert any("larynx" in patients[p] for p in split.part(part))


def test_what_cannot_be_split_is_refused():
  with pytest.raises(errors.StructureNotFoundError, match="three of 2"):
    data.make_split({"a": ("brain",), "b": ("brain",)}, seed=0)
  exclusive = {f"{s}{k}": (s,) for s in "xyz" for k in range(3)}
  split = data.make_split(exclusive, seed=0)
  assert [len(split.part(p)) for p in PARTS] == [3, 3, 3]


def test_fractions_must_be_shares():
  with pytest.raises(errors.ConfigError, match="shares"):
    data.make_split({"p": ("brain",)}, seed=0, fractions=(0.5, 0.5, 0.5))


def test_a_file_comes_back(tmp_path):
  split = data.Split(("a", "b"), ("c",), ("d",))
  split.write(tmp_path / "split.json")
  assert data.Split.read(tmp_path / "split.json") == split


@pytest.mark.parametrize(
  ("content", "text"),
  [
    ([], "not a split"),
    ({"train": ["a"], "test": ["b"]}, "not a split"),
    ({"train": "a", "validation": ["b"], "test": ["c"]}, "not a split"),
    ({"train": [1], "validation": ["b"], "test": ["c"]}, "not a split"),
    (
      {"train": ["a"], "validation": ["b"], "test": ["a"]},
      "a is in train and in test",
    ),
  ],
)
def test_a_wrong_file_is_refused(tmp_path, content, text):
  path = tmp_path / "split.json"
  path.write_text(json.dumps(content))
  with pytest.raises(errors.DataError, match=f"split.json.*{text}"):
    data.Split.read(path)


def test_a_split_of_other_patients_is_refused():
  split = data.Split(("a",), ("b",), ("c",))
  with pytest.raises(errors.DataError, match=r"c \(test\) is not in"):
    split.check({"a": (), "b": ()})
