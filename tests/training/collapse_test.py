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
    if not text.startswith(("Slices: ", "a step of")):
      self.notes.append(text)


@pytest.mark.parametrize(
  ("objective", "rate", "warned"),
  [
    ("bce", 1e3, True),
    pytest.param("dice", 1e3, True, marks=pytest.mark.slow),
    pytest.param("bce", 0.01, False, marks=pytest.mark.slow),
  ],
)
def test_it_is_said_in_one_line(tmp_path, objective, rate, warned):
  run = tiny.prepare(tmp_path / "run")
  config = tiny.config(
    "spinal_cord",
    objective=objective,
    network=NETWORK,
    learning_rate=rate,
    steps_per_epoch=8,
  )
  told = Notes()
  done = tiny.train(run, config, reporter=told)[0]
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

  def masks(self, index):
    return self.labels


@pytest.mark.parametrize("share", [0.5, 0.25])
def test_the_best_constant_of_cross_entropy_is_the_entropy(share):
  found = _collapse._constant(tiny.config(), Half(share), 0)
  entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
  np.testing.assert_allclose(found, entropy, rtol=0.01)


@pytest.mark.parametrize(
  ("dice", "loss", "epochs", "over", "warned"),
  [
    (0.05, 0.7, 3, False, True),
    (0.05, 0.7, 2, False, False),  # It may still be warming up.
    (0.05, 0.7, 4, False, False),  # It was said.
    (0.05, 0.7, 2, True, True),
    (0.50, 0.7, 3, False, False),
    (0.05, 0.5, 3, False, False),  # A small organ, slowly learned.
  ],
)
def test_when_it_is_said(dice, loss, epochs, over, warned):
  history = [{"epoch": 0, "loss": loss, "dice_best": dice}] * epochs
  told = _collapse.warning(tiny.config(), Half(0.5), history, over=over)
  assert (told is not None) == warned


@pytest.mark.parametrize("over", [False, True])
def test_a_loss_that_still_falls_is_given_time(over):
  history = [
    {"epoch": epoch, "loss": loss, "dice_best": 0.002}
    for epoch, loss in enumerate((0.9, 0.8, 0.74))
  ]
  told = _collapse.warning(tiny.config(), Half(0.5), history, over=over)
  assert (told is not None) == over
