"""All processes save and stop after the same step, and none waits for it."""

import random
import signal

import pytest

from jaxseg import _distributed
from jaxseg import _interrupts
from jaxseg.training import _epoch
from jaxseg.training import _turns


class World:
  """Processes that take turns in this one; `now` is whose turn it is."""

  def __init__(self, monkeypatch, processes):
    self.now, self.messages, self.signalled = 0, {}, set()
    self.due = False
    for name, fake in {
      "processes": lambda: processes,
      "process": lambda: self.now,
      "key": lambda what: what,
      "put": self.messages.__setitem__,
      "get": self.messages.__getitem__,  # KeyError is a wait.
      "names": lambda folder: [n for n in self.messages if folder in n],
    }.items():
      monkeypatch.setattr(_distributed, name, fake)
    monkeypatch.setattr(
      _interrupts, "asked", lambda: self.now in self.signalled
    )
    self.turns = [_turns.Turns(lambda: self.due) for _ in range(processes)]
    self.told = [[] for _ in range(processes)]

  def step(self, process):
    self.now = process
    self.told[process].append(self.turns[process].take())

  def run(self, rng, steps):
    """A process is never further ahead than steps in flight let it be."""
    while len(self.told[-1]) < steps:
      slowest = min(map(len, self.told))
      free = [
        p
        for p, told in enumerate(self.told)
        if len(told) <= slowest + _epoch._AHEAD and len(told) < steps
      ]
      self.step(rng.choice(free))
    for process, told in enumerate(self.told):
      while len(told) < steps:
        self.step(process)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("asked", [0, 2])
def test_all_stop_after_the_same_step(monkeypatch, seed, asked):
  rng = random.Random(seed)
  world = World(monkeypatch, 3)
  world.run(rng, 20)
  assert all(told == [_turns.GO] * 20 for told in world.told)
  world.signalled = {asked}
  world.run(rng, 40)
  for told in world.told:
    assert told == world.told[0]
    # Heard at the next turn, or the one after, and done at the one after that.
    assert _turns.STOP in told[20 : 20 + 3 * _turns._EVERY]


def test_all_save_after_the_same_step_and_once(monkeypatch):
  world = World(monkeypatch, 2)
  world.due = True
  rng = random.Random(0)
  world.run(rng, 2 * _turns._EVERY)
  world.due = False
  world.run(rng, 60)
  for told in world.told:
    assert [n for n, what in enumerate(told, 1) if what == _turns.SAVE] == [12]
    assert _turns.STOP not in told


def test_no_process_is_interrupted_by_itself(monkeypatch):
  world = World(monkeypatch, 2)
  with _interrupts.watched():
    with world.turns[0].held():
      signal.raise_signal(signal.SIGTERM)
      _interrupts.check()  # As a progress bar does.
    with pytest.raises(KeyboardInterrupt):
      _interrupts.check()


def test_alone_it_looks_after_each_step(monkeypatch):
  due, asked = iter([False, True]), iter([False, False, True])
  monkeypatch.setattr(_interrupts, "asked", lambda: next(asked))
  turns = _turns.Turns(lambda: next(due))
  assert [turns.take() for _ in range(3)] == [
    _turns.GO,
    _turns.SAVE,
    _turns.STOP,
  ]
