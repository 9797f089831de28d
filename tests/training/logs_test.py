"""The files that tell how a training went."""

import signal
import struct

import pytest
from tensorboardX.proto import event_pb2

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


def points(folder):
  """(step, loss) as TensorBoard shows them: a new session drops what it redoes.

  A record is its length in 8 bytes, 4 of checksum, the event, 4 of checksum.
  """
  found = []
  for path in sorted(folder.iterdir()):
    content = path.read_bytes()
    at = 0
    while at < len(content):
      (length,) = struct.unpack_from("<Q", content, at)
      event = event_pb2.Event.FromString(content[at + 12 : at + 12 + length])
      at += 16 + length
      if event.session_log.status == event_pb2.SessionLog.START:
        found = [point for point in found if point[0] < event.step]
      found += [(event.step, v.simple_value) for v in event.summary.value]
  return found


def test_a_resumed_training_has_each_step_once(tmp_path):
  rows = [{"epoch": k, "step": 4 * k + 4, "loss": 0.5 / 2**k} for k in range(3)]
  for ends in ((1, 2), (2, 3)):  # The second writes its predecessor's last.
    with _logs.MetricFiles(tmp_path) as files:
      for end in ends:
        files.write(rows[:end])
    for path in (tmp_path / "events").glob("events*"):  # Named by the second.
      path.rename(path.with_name(f"{ends[0]}-{path.name}"))
  assert points(tmp_path / "events") == [(4, 0.5), (8, 0.25), (12, 0.125)]
