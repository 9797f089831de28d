"""Models at once: each on a group of devices, in a thread of its own."""

import threading

import pytest

from jaxseg import errors
from jaxseg import training
from jaxseg.training import _concurrent
from tests import tiny

CONFIGS = [
  tiny.config(structure, seed=seed)
  for structure in ("brain", "spinal_cord")
  for seed in (0, 1, 2)
]


class Groups:
  """Groups that only note which models they were given."""

  def __init__(self, number, wait=lambda group, config, reporter: None):
    self.seen = [[] for _ in range(number)]
    self.wait = wait

  def trains(self):
    def train(config, reporter, group):
      self.seen[group].append((config.structure, config.seed))
      self.wait(group, config, reporter)
      return group, config

    return [
      lambda config, reporter, k=k: train(config, reporter, k)
      for k in range(len(self.seen))
    ]


def test_results_come_in_order_whoever_made_them():
  barrier = threading.Barrier(2, timeout=60)
  groups = Groups(2, lambda *_: barrier.wait())  # Both at once, or it fails.
  done = _concurrent.run(groups.trains(), CONFIGS, training.Silent())
  assert [config for _, config in done] == CONFIGS
  assert [len(seen) for seen in groups.seen] == [3, 3]


def test_a_group_that_is_done_takes_the_next_of_its_structure():
  gate = threading.Event()

  def wait(group, config, reporter):
    if group == 0:
      assert gate.wait(60)
    elif len(groups.seen[1]) == 5:
      gate.set()

  groups = Groups(2, wait)
  # The first model is taken by group 0, or by group 1 before it: either way
  # one group has a single model, and the other stays with what it has read.
  _concurrent.run(groups.trains(), CONFIGS, training.Silent())
  rest = groups.seen[1]
  assert len(rest) == 5
  assert [s for s, _ in rest] == ["brain"] * 2 + ["spinal_cord"] * 3


def test_more_groups_than_models_do_no_harm():
  groups = Groups(4)
  assert len(_concurrent.run(groups.trains(), CONFIGS[:1], None)) == 1
  assert sum(map(len, groups.seen)) == 1


@pytest.mark.parametrize("error", [errors.ConfigError, KeyboardInterrupt])
def test_what_ends_one_stops_the_others_at_their_next_step(error):
  begun = threading.Barrier(2, timeout=60)
  stopped = []

  def wait(group, config, reporter):
    begun.wait()
    if config.seed == 1:
      raise error("the loss is NaN")
    try:
      while True:
        reporter.step(0.1, 1.0)
    except KeyboardInterrupt:
      stopped.append(config)
      raise

  groups = Groups(2, wait)
  with pytest.raises(error):
    _concurrent.run(groups.trains(), CONFIGS, training.Silent())
  assert stopped == [CONFIGS[0]]
  assert sum(map(len, groups.seen)) == 2


def test_a_reporter_hears_of_one_thing_at_a_time():
  class Alone(training.Silent):
    def __init__(self):
      self.inside, self.most, self.heard = 0, 0, 0

    def step(self, loss, slices_per_s):
      self.inside += 1
      self.most = max(self.most, self.inside)
      self.heard += 1
      self.inside -= 1

  def wait(group, config, reporter):
    for _ in range(200):
      reporter.step(0.1, 1.0)

  reporter = Alone()
  _concurrent.run(Groups(3, wait).trains(), CONFIGS, reporter)
  assert (reporter.most, reporter.heard) == (1, 1200)
