"""The slices of each scope, and that what is kept hangs on nothing else."""

import dataclasses
import itertools

import numpy as np
import pytest

from jaxseg import data
from tests import tiny


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
  run = tiny.prepare(tmp_path_factory.mktemp("scopes") / "run")
  name = run.store.contoured("spinal_cord")[0]
  return run.store.patients[name]


@pytest.mark.parametrize("structure", ["brain", "spinal_cord"])
@pytest.mark.parametrize("negatives", [0, 0.25, 0.5, 1, 100])
def test_what_each_scope_counts(patient, structure, negatives):
  shows = np.arange(patient.stop - patient.start) % 3 == 1
  found = data.scopes(patient, structure, shows, negatives=negatives)
  assert tuple(found) == data.SCOPES
  known = data.known_slices(patient, structure)
  np.testing.assert_array_equal(found["known"], known)
  np.testing.assert_array_equal(found["volume"], patient.drawable(structure))
  np.testing.assert_array_equal(found["organ"], known & shows)
  others = found["kept"] & ~found["organ"]
  assert not (others & ~known).any() and found["organ"][known & shows].all()
  wanted = int(negatives * found["organ"].sum())
  assert others.sum() == min(wanted, (known & ~shows).sum())


def test_fewer_negatives_are_a_part_and_patients_differ(patient):
  shows = np.arange(patient.stop - patient.start) % 3 == 1
  kept = [
    data.scopes(patient, "brain", shows, negatives=n)["kept"]
    for n in (0.25, 0.5, 0.5, 1)
  ]
  np.testing.assert_array_equal(kept[1], kept[2])
  for few, more in itertools.pairwise(kept):
    assert not (few & ~more).any()
  drawn = {
    data.scopes(
      dataclasses.replace(patient, name=name), "brain", shows, negatives=0.5
    )["kept"].tobytes()
    for name in "abcdef"
  }
  assert len(drawn) > 1
