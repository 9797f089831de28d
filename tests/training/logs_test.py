"""The files that tell how a training went."""

import signal

import pytest

from jaxseg import _interrupts
from jaxseg.training import _logs


class Events:
  """A writer into whose work an interrupt comes."""

  def __init__(self):
    self.done = []

  def add_scalar(self, name, value, step):
    if not self.done:
      signal.raise_signal(signal.SIGINT)
    self.done.append((name, value, step))

  def flush(self):
    self.done.append("flush")

  def close(self):
    self.done.append("close")


def test_an_interrupt_waits_until_events_are_written(tmp_path):
  events = Events()
  row = {"epoch": 0, "step": 4, "loss": 0.5, "dice_best": 0.25}
  with pytest.raises(KeyboardInterrupt):
    with _interrupts.watched(), _logs.MetricFiles(tmp_path) as files:
      files._events = events
      files.write([row])
  scalars = [("loss", 0.5, 4), ("dice_best", 0.25, 4)]
  assert events.done == [*scalars, "flush", "close"]
  assert (tmp_path / "metrics.csv").read_text().startswith("epoch,step,loss")
