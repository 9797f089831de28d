"""Two programs in one process that take turns, on one core of the CPU.

`pin` comes before JAX is imported, which counts the cores at its start. What is
compared on a CPU is the time of the process, since another program's share of
the core makes a step last longer but hardly cost more; on an accelerator it is
wall time.
"""

from collections.abc import Callable, Sequence
import os
import sys
import time

from absl import flags
import numpy as np

_CORE = flags.DEFINE_integer(
  "core", 0, "Core of the CPU that both are kept on; -1 is all of them."
)


def pin() -> None:
  """Keeps this process on one core, so that every library has one thread."""
  flags.FLAGS(sys.argv, known_only=True)
  if _CORE.value >= 0 and hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {_CORE.value})


def ratios(
  programs: Sequence[Callable[[], object]], rounds: int, *, cpu: bool
) -> tuple[np.ndarray, np.ndarray]:
  """Times programs in turns, the order reversed in every round.

  Args:
    programs: Two functions; each returns when its work is done.
    rounds: How often, after two rounds that are not counted.
    cpu: Whether the time is the process's on all its cores, else the clock's.

  Returns:
    (seconds `[round, program]`, first by second `[round]`).
  """
  clock = time.process_time if cpu else time.perf_counter
  for program in (*programs, *programs):
    program()
  seconds = np.zeros((rounds, len(programs)))
  for number in range(rounds):
    order = range(len(programs))
    for k in order if number % 2 else reversed(order):
      began = clock()
      programs[k]()
      seconds[number, k] = clock() - began
  return seconds, seconds[:, 0] / seconds[:, 1]


def line(name: str, seconds: np.ndarray, ratio: np.ndarray) -> str:
  """One row: median milliseconds of both, and the ratios."""
  ours, theirs = np.median(seconds, 0) * 1000
  return (
    f"{name:20s} {ours:11.1f} {theirs:10.1f}   {np.median(ratio):.2f}"
    f" ({ratio.min():.2f}-{ratio.max():.2f})"
  )
