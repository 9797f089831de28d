"""What the processes of a training do after the same step: go on, save, stop.

A process that saved or stopped by itself would leave the others waiting for it
within a step. So process 0 decides for all. Every few steps it publishes what
is done at the next such step, and does what it published at the one before: by
then the others have it, as their steps cannot be that far ahead of its. Nobody
waits for the device, or for an answer.
"""

from collections.abc import Callable
import contextlib

from jaxseg import _distributed
from jaxseg import _interrupts

GO, SAVE, STOP = "go", "save", "stop"
# More than the steps that a process can be ahead of another one: `_epoch`
# waits for the loss of the fourth step before, which all have a part in.
_EVERY = 6


class Turns:
  """Counts the steps of a training, and batches of its validation alike."""

  def __init__(self, due: Callable[[], bool]):
    """Begins.

    Args:
      due: Whether to save now; of several processes only process 0 asks.
    """
    self._due = due
    self._several = _distributed.processes() > 1
    self._key = _distributed.key("turns") if self._several else ""
    self._count = 0
    self._asked = False

  def held(self) -> contextlib.AbstractContextManager[None]:
    """Of several processes, lets signals wait until all take notice."""
    if self._several:
      return _interrupts.held_back()  # A progress bar checks as well.
    return contextlib.nullcontext()

  def take(self) -> str:
    """What all do now; to be asked after each step."""
    if not self._several:
      if _interrupts.asked():
        return STOP
      return SAVE if self._due() else GO
    self._tell()
    self._count += 1
    number, rest = divmod(self._count, _EVERY)
    if rest:
      return GO
    told = GO
    if number > 1:
      told = _distributed.get(f"{self._key}/{number - 1}")
    if _distributed.process() == 0:
      _distributed.put(f"{self._key}/{number}", self._decided(told))
    return str(told)

  def check(self) -> None:
    """Raises KeyboardInterrupt in all processes, where there is no saving."""
    if self.take() == STOP:
      raise KeyboardInterrupt

  def _tell(self) -> None:
    """Tells process 0 of a signal."""
    if _interrupts.asked() and not self._asked:
      self._asked = True
      _distributed.put(f"{self._key}-asked/{_distributed.process()}", True)

  def _decided(self, told: str) -> str:
    """What process 0 wants at the next turn, when it does `told` now."""
    if _distributed.names(f"{self._key}-asked/"):
      return STOP
    return SAVE if told != SAVE and self._due() else GO
