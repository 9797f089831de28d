"""Many scans: one after the other, on more processes, or on a cluster."""

from collections.abc import Iterator, Mapping, Sequence
import concurrent.futures
import dataclasses
import functools
import pathlib
from typing import Any

from jaxseg import _files
from jaxseg import cohorts
from jaxseg import errors
from jaxseg import Model
from jaxseg import parallel
from jaxseg.deploy import _kept
from jaxseg.deploy import _models
from jaxseg.deploy import _predict
from jaxseg.deploy import _write


@dataclasses.dataclass(frozen=True)
class Job:
  """What is done with each scan.

  Attributes:
    models: Folders, as of `load_models`.
    output: Gets a folder for each scan.
    structures: Canonical names; None is all of the models'.
    kinds: Of `KINDS`, what is written.
    threshold: Where all are cut; None is each at its own.
    interval: Whether contours at the ends of the threshold's interval are
      written, too.
    clean: As of `predict`.
    per_case: As of `predict`.
    anyway: Whether scans are taken of which a map means nothing.
    overwrite: Whether what was predicted otherwise is replaced.
    origin: (name, value) of what result.json says of command and version.
  """

  models: tuple[str, ...]
  output: pathlib.Path
  structures: tuple[str, ...] | None = None
  kinds: tuple[str, ...] = ("rtstruct", "seg", "nifti")
  threshold: float | None = None
  interval: bool = False
  clean: str = "own"
  per_case: str = "off"
  anyway: bool = False
  overwrite: bool = False
  origin: tuple[tuple[str, Any], ...] = ()

  def load(self) -> dict[str, Model]:
    """The models, by structure; once in each process."""
    # A folder that was written anew is read anew.
    stamps = tuple(
      pathlib.Path(path, "model.json").stat().st_mtime_ns
      if pathlib.Path(path, "model.json").exists()
      else 0
      for path in self.models
    )
    return _loaded(self.models, self.structures, self.threshold, stamps)

  def settings(self, scan: cohorts.Scan) -> dict[str, Any]:
    """What decides a result beside the scan's files."""
    return _kept.settings_of(
      self.load(),
      self.kinds,
      reading=scan.reading(),
      threshold=self.threshold,
      interval=self.interval,
      clean=self.clean,
      per_case=self.per_case,
    )


@dataclasses.dataclass(frozen=True)
class Outcome:
  """What became of a scan.

  Attributes:
    scan: Its name.
    result: What result.json says; {} where it was refused.
    refused: Why it was, or "".
    before: Whether it had been predicted before.
  """

  scan: str
  result: Mapping[str, Any]
  refused: str = ""
  before: bool = False


@functools.lru_cache(maxsize=4)
def _loaded(
  paths: tuple[str, ...],
  structures: tuple[str, ...] | None,
  threshold: float | None,
  _: tuple[int, ...],
) -> dict[str, Model]:
  return _models.load_models(paths, structures=structures, threshold=threshold)


def check(scans: Sequence[cohorts.Scan], job: Job) -> None:
  """Refuses a folder whose results are of other settings, before any work.

  Raises:
    ExistingOutputError: A scan's folder is something else.
    DataError: A model has no threshold, or a result is damaged.
  """
  for name, model in job.load().items():
    if job.threshold is None and model.threshold is None:
      raise errors.DataError(
        f"{model.folders[0]}: {name} has no threshold of its own; sweep the run"
        " and export its models, or give --threshold"
      )
  for scan in scans:
    if job.overwrite:
      _kept.check_replaceable(job.output / scan.name)
    else:
      _kept.done(job.output / scan.name, None, job.settings(scan))


def predict_scans(
  scans: Sequence[cohorts.Scan],
  job: Job,
  *,
  workers: int | None = 1,
  scheduler: str | None = None,
) -> Iterator[Outcome]:
  """Predicts scans; each folder appears when all of it is there.

  A scan that cannot be used never stops the others. What was predicted before
  with the same settings from the same files is kept.

  Args:
    scans: As `cohorts.find_scans` gives them.
    job: What is done with each.
    workers: Processes; 1 is this one, which reads a scan while the one before
      is predicted.
    scheduler: As of `parallel.run`.

  Yields:
    What became of each, in any order.

  Raises:
    OSError: The disk is full, or cannot be written.
  """
  if scheduler is None and workers == 1:
    yield from _here(scans, job)
    return
  work = parallel.run(
    functools.partial(_one, job=job), scans, workers=workers,
    scheduler=scheduler,
  )  # fmt: skip
  for _, outcome in work:
    yield outcome


def _here(scans: Sequence[cohorts.Scan], job: Job) -> Iterator[Outcome]:
  """Reads the next scan while this one is predicted."""
  with concurrent.futures.ThreadPoolExecutor(1) as ahead:
    following = [ahead.submit(_begin, scans[0], job)] if scans else []
    try:
      for k in range(len(scans)):
        begun = following.pop(0).result()
        if k + 1 < len(scans):
          following.append(ahead.submit(_begin, scans[k + 1], job))
        yield _end(begun, job)
    finally:
      for one in following:
        one.cancel()


def _one(scan: cohorts.Scan, *, job: Job) -> Outcome:
  return _end(_begin(scan, job), job)


def _begin(scan: cohorts.Scan, job: Job) -> Outcome | _predict.Ready:
  """A scan that was read, or what became of it."""
  try:
    if scan.refused:
      return Outcome(scan.name, {}, refused=scan.refused)
    folder = job.output / scan.name
    if folder.exists() and not job.overwrite:
      before = _kept.done(folder, scan.digest(), job.settings(scan))
      if before is not None:
        _files.sweep_once(folder)
        return Outcome(scan.name, before, before=True)
    ready = _predict.read(
      scan, job.load(), anyway=job.anyway, values="overlays" in job.kinds
    )
    _write.check(ready, job.kinds)
    return ready
  except (errors.JaxsegError, OSError) as e:
    return Outcome(scan.name, {}, refused=str(e))


def _end(begun: Outcome | _predict.Ready, job: Job) -> Outcome:
  """Predicts what was read, and writes it."""
  if isinstance(begun, Outcome):
    return begun
  folder = job.output / begun.scan.name
  try:
    with _kept.replaced(folder) as temporary:
      result = _write.written(
        temporary,
        begun,
        job.load(),
        job.kinds,
        settings=job.settings(begun.scan),
        origin=dict(job.origin),
        threshold=job.threshold,
        interval=job.interval,
        clean=job.clean,
        per_case=job.per_case,
      )
  except errors.JaxsegError as e:
    return Outcome(begun.scan.name, {}, refused=str(e))
  return Outcome(begun.scan.name, result)
