"""Which slices are shown, and that every one of them is."""

import hypothesis
from hypothesis import strategies as st
import numpy as np
import pytest

from jaxseg import data
from jaxseg import errors
from tests.cohort_double import Blobs


@pytest.fixture(scope="module")
def store(tmp_path_factory):
  folder = tmp_path_factory.mktemp("batches") / "store"
  return data.write_store(folder, Blobs(), data.PrepareConfig(size=(32, 32)))


def test_slices_beyond_an_open_ended_organ_are_unknown(store):
  patient = store.patients["p0"]
  first, last = patient.contoured["spinal_cord"]
  known = data.known_slices(patient, "spinal_cord")
  np.testing.assert_array_equal(
    np.flatnonzero(known), np.arange(first, last + 1)
  )


def test_slices_beyond_a_closed_organ_are_negative(store):
  known = data.known_slices(store.patients["p0"], "brain")
  np.testing.assert_array_equal(known, store.patients["p0"].scanned)


def test_selection_follows_the_labels(store):
  labels = store.labels("brain")
  found = data.select(store, "brain", ("p0", "p1"), labels)
  assert labels[found.positive].any((1, 2)).all()
  assert not labels[found.negative].any()
  both = np.union1d(found.positive, found.negative)
  allowed = [
    store.patients[p].start + k
    for p in ("p0", "p1")
    for k in range(1, store.patients[p].slices)  # Slice 0 was not scanned.
  ]
  np.testing.assert_array_equal(both, allowed)


def test_patients_without_a_contour_take_no_part(store):
  labels = store.labels("spinal_cord")
  found = data.select(store, "spinal_cord", ("p2", "p3"), labels)
  stop = store.patients["p2"].stop
  assert max(found.positive.max(), *found.negative, 0) < stop
  with pytest.raises(errors.StructureNotFoundError, match="none of 1"):
    data.select(store, "spinal_cord", ("p3",), labels)


@hypothesis.settings(deadline=None, max_examples=50)
@hypothesis.given(
  st.integers(1, 30), st.integers(0, 30), st.floats(0, 3), st.integers(1, 9)
)
def test_an_epoch_shows_each_positive_slice(positive, negative, ratio, size):
  samples = data.Samples(
    np.arange(positive), np.arange(positive, positive + negative)
  )
  order = data.draw(samples, negatives=ratio, seed=1, epoch=0)
  assert len(set(order.tolist())) == len(order)
  assert set(range(positive)) <= set(order.tolist())
  assert len(order) - positive == min(negative, int(ratio * positive))
  cut = data.batches(order, size=size)
  assert cut.shape == (-(-len(order) // size), size)
  assert set(cut.ravel().tolist()) == set(order.tolist())


def test_seed_and_epoch_decide_the_order():
  samples = data.Samples(np.arange(50), np.arange(50, 200))
  first, again, other, later = (
    data.draw(samples, negatives=0.5, seed=s, epoch=e).tolist()
    for s, e in ((0, 0), (0, 0), (1, 0), (0, 1))
  )
  assert first == again
  assert first not in (other, later)


def test_a_limit_shortens_the_epoch():
  assert data.batches(np.arange(100), size=4, limit=3).shape == (3, 4)


@pytest.mark.parametrize("count", [1, 3, 7])
def test_neighbours_are_of_the_same_patient(store, count):
  total = max(p.stop for p in store.patients.values())
  found = data.neighbours(store, np.arange(total), count)
  assert found.dtype == np.int32
  for patient in store.patients.values():
    for k in range(patient.start, patient.stop):
      expected = [
        min(max(k + step, patient.start), patient.stop - 1)
        for step in range(-(count // 2), count // 2 + 1)
      ]
      assert found[k].tolist() == expected
  some = np.array([5, 0, 5])
  np.testing.assert_array_equal(
    data.neighbours(store, some, count), found[some]
  )


def test_they_are_absent_where_the_cohort_was_prepared_so(tmp_path, store):
  config = data.PrepareConfig(size=(32, 32), beyond="absent")
  run = data.prepare_run(tmp_path / "run", Blobs(), config)
  found = data.Store(run.store.folder)
  assert found.content_hash != store.content_hash
  patient = found.patients["p0"]
  np.testing.assert_array_equal(
    data.known_slices(patient, "spinal_cord"), patient.scanned
  )
  labels = found.labels("spinal_cord")
  samples = data.select(found, "spinal_cord", ("p0",), labels)
  assert len(samples.negative) == patient.scanned.sum() - len(samples.positive)
  # It is a setting of the run, and older runs have the other.
  assert run.facts["prepare"]["beyond"] == "absent"
  with pytest.raises(
    errors.ExistingOutputError, match="is absent, asked is un"
  ):
    data.prepare_run(run.folder, Blobs(), data.PrepareConfig(size=(32, 32)))
  assert "beyond" not in data.PrepareConfig(size=(32, 32)).to_json()
  with pytest.raises(errors.ConfigError, match="take unknown or absent"):
    data.PrepareConfig(beyond="dunno")
