"""Patients of a cohort, loaded one after the other or in several processes."""

from collections.abc import Callable, Iterator
import contextlib
import functools
import pickle
from typing import Any

from jaxseg import errors
from jaxseg import parallel
from jaxseg.cohorts import Case
from jaxseg.cohorts import Cohort


@contextlib.contextmanager
def loaded(
  cohort: Cohort,
  function: Callable[[Case], Any],
  *,
  workers: int | None = 1,
  scheduler: str | None = None,
) -> Iterator[Iterator[tuple[str, Any]]]:
  """Loads all patients and calls a function on each, in the cohort's order.

  Args:
    cohort: Patients.
    function: Importable; it and its results are pickled.
    workers: As in `parallel.run`; 1 is this process alone.
    scheduler: As in `parallel.run`.

  Yields:
    An iterator over (patient, what the function gave), in order; of a patient
    that cannot be loaded or used, the JaxsegError. What is under way when the
    block ends is dropped.

  Raises:
    ConfigError: The cohort cannot be sent to other processes.
  """
  names = cohort.patients()
  call = _Call(cohort, function)
  if scheduler is not None or (workers != 1 and len(names) > 1):
    call.pack()
  work: Any = parallel.run(
    call,
    names,
    workers=workers,
    scheduler=scheduler,
    here_first=True,
    ordered=True,
  )
  with contextlib.closing(work):
    yield ((names[index], result) for index, result in work)


class _Call:
  """What is called on each patient's name.

  The cohort is pickled once, and once in each process made from it again: of
  a large folder it is megabytes.
  """

  def __init__(self, cohort: Cohort, function: Callable[[Case], Any]):
    self._cohort: Cohort | None = cohort
    self._packed = b""
    self._function = function

  def pack(self) -> None:
    """Makes it ready to travel."""
    try:
      self._packed = pickle.dumps(self._cohort)
    except Exception as e:  # Whatever a class of one's own raises.
      raise errors.ConfigError(
        f"cohort {getattr(self._cohort, 'name', '')}: cannot be sent to other"
        f" processes ({type(e).__name__}: {e}); give --workers=1"
      ) from e

  def __getstate__(self) -> dict[str, Any]:
    return {**self.__dict__, "_cohort": None}

  def __call__(self, patient: str) -> Any:
    cohort = self._cohort or _unpacked(self._packed)
    try:
      return self._function(cohort.load(patient))
    except errors.JaxsegError as e:
      return e


@functools.lru_cache(maxsize=1)
def _unpacked(content: bytes) -> Cohort:
  return pickle.loads(content)
