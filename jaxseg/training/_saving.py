"""When to save within an epoch."""

import time


class Clock:
  """Saves soon at first, then more and more rarely.

  A process that is killed again and again after a short time must still get
  on; so the first save comes a second after the first step, and each interval
  doubles up to the longest. What a kill loses is then at most about half of
  what the process has done, and saving never takes more than a small share.
  """

  _FIRST_S = 1.0
  # Time from one save to the next, in times that saving takes.
  _COST = 20.0

  def __init__(self, minutes: float):
    """Starts with the first step.

    Args:
      minutes: The longest interval.
    """
    self._longest = 60.0 * minutes
    self._interval = min(self._FIRST_S, self._longest)
    self._begun: float | None = None

  def due(self) -> bool:
    """Whether to save now; to be asked after each step."""
    now = time.monotonic()
    if self._begun is None:
      self._begun = now
    return now - self._begun >= self._interval

  def saved(self, seconds: float) -> None:
    """A save is done, and took so long."""
    self._begun = time.monotonic()
    wanted = max(2 * self._interval, self._COST * seconds)
    self._interval = min(wanted, self._longest)
