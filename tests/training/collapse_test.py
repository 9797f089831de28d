"""A learning rate that ruins a training is warned of, others are not."""

import numpy as np
import pytest

from jaxseg import training
from jaxseg.training import _collapse
from tests import tiny

NETWORK = {**tiny.NETWORK, "blocks": 1}


class Notes(training.Silent):
  def __init__(self):
    self.notes = []

  def note(self, text):
    self.notes.append(text)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return tiny.prepare(tmp_path_factory.mktemp("run") / "run")


@pytest.mark.parametrize(
  ("objective", "rate", "warned"),
  [("bce", 1e3, True), ("dice", 1e3, True), ("bce", 0.01, False)],
)
def test_it_is_said_in_one_line(run, tmp_path, objective, rate, warned):
  config = tiny.config(
    "spinal_cord",
    objective=objective,
    network=NETWORK,
    learning_rate=rate,
    epochs=4,
    steps_per_epoch=12,
  )
  told = Notes()
  done = tiny.train(run, config, folder=tmp_path, reporter=told)[0]
  print(done, told.notes)
  assert bool(told.notes) == warned, (done, told.notes)
  for note in told.notes:
    assert "has learned nothing" in note and "--learning_rate" in note
    assert "\n" not in note and f"learning rate {rate:g}" in note


class Half:
  """Slices half of whose pixels, or a quarter, show the structure."""

  def __init__(self, share):
    self.labels = np.zeros((2, 8, 8), np.uint8)
    self.labels[:, : int(8 * share)] = 1

  def batches(self, config, epoch):
    return np.zeros((3, 2), np.int32)

  def take(self, index):
    return None, self.labels


@pytest.mark.parametrize("share", [0.5, 0.25])
def test_the_best_constant_of_cross_entropy_is_the_entropy(share):
  found = _collapse._constant(tiny.config(), Half(share), 0)
  entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
  np.testing.assert_allclose(found, entropy, rtol=0.01)
