"""A folder of anyone's maps to counts: each file is read once, at most."""

from collections.abc import Callable, Sequence
import dataclasses
import functools
import pathlib
from typing import Any

import numpy as np

from jaxseg import _files
from jaxseg import _text
from jaxseg import errors
from jaxseg import formats
from jaxseg import parallel
from jaxseg import volume
from jaxseg.study import _cohort_counts
from jaxseg.study import _count_cases

OnCase = Callable[[str, int, int], None]
MapOptions = _count_cases.MapOptions


def count_maps(
  pairs: Sequence[formats.Pair],
  folder: pathlib.Path,
  *,
  options: MapOptions,
  workers: int | None = None,
  scheduler: str | None = None,
  on_case: OnCase | None = None,
) -> _cohort_counts.CohortCounts:
  """Counts one class of all pairs; what was counted is not counted again.

  A worker holds one case at a time.

  Args:
    pairs: Maps and references.
    folder: Gets one file of counts for each case.
    options: How they are read.
    workers: As in `parallel.run`.
    scheduler: As in `parallel.run`.
    on_case: Called after each case with (name, done, all).

  Raises:
    JaxsegError: A pair cannot be counted; the others that were are kept.
  """
  how: dict[str, Any] = {"workers": workers, "scheduler": scheduler}
  (found,) = _counted(pairs, [folder], [options], on_case=on_case, **how)
  return found


def count_classes(
  pairs: Sequence[formats.Pair],
  folder: pathlib.Path,
  *,
  options: Sequence[MapOptions],
  workers: int | None = None,
  scheduler: str | None = None,
  on_case: OnCase | None = None,
) -> list[_cohort_counts.CohortCounts]:
  """Counts several classes of all pairs; each file is read once for all.

  Of softmax maps the voxels are counted as well in which a class is the most
  probable one, as frameworks assign them.

  Args:
    pairs: Maps and references.
    folder: Gets a folder for each class, with one file for each case.
    options: How each class is read.
    workers: As in `parallel.run`.
    scheduler: As in `parallel.run`.
    on_case: Called after each case with (name, done, all).

  Returns:
    Counts of each class.

  Raises:
    ConfigError: A class is asked for twice.
    JaxsegError: A pair cannot be counted; the others that were are kept.
  """
  slugs = class_folders([(one.structure, one.label) for one in options])
  folders = [folder / slug for slug in slugs]
  how: dict[str, Any] = {"workers": workers, "scheduler": scheduler}
  return _counted(pairs, folders, options, on_case=on_case, **how)


def class_folders(classes: Sequence[tuple[Any, Any]]) -> list[str]:
  """A folder's name for each class, all different.

  Raises:
    ConfigError: A class is there twice.
  """
  slugs: list[str] = []
  for number, (structure, label) in enumerate(classes):
    if (structure, label) in classes[:number]:
      raise errors.ConfigError(
        f"class {structure} is asked for twice; name each class once (--class)"
      )
    slug = _text.slug(str(structure), fallback="class")
    if slug.lower() in (other.lower() for other in slugs):
      slug += f"-{_files.digest([str(structure), str(label)])[:8]}"
    slugs.append(slug)
  return slugs


def check_labels(
  pairs: Sequence[formats.Pair], options: Sequence[MapOptions]
) -> None:
  """Refuses labels that no reference has, before anything is counted.

  Reads references until one has one of them, which is the first as a rule.

  Args:
    pairs: Maps and references.
    options: How each class is read.

  Raises:
    DataError: None has a voxel of any.
  """
  for pair in pairs:
    with formats.held():
      for one in options:
        try:
          coded = formats.read_reference(
            pair.reference,
            structure=one.label,
            ignore=one.ignore,
            beside=pair.probabilities,
          ).array
        except errors.JaxsegError:
          return  # Whoever counts it, first of all, says so.
        if (coded == formats.INSIDE).any():
          return
  if not pairs:
    return
  several = f"any of the {len(pairs)} references" if len(pairs) > 1 else "it"
  labels = [one.label for one in options]
  said = ", ".join(map(str, labels))
  what = "all voxels are 0"
  if any(one.ignore for one in options):
    what = "all voxels are 0 or to be ignored (--ignore)"
  if labels != [None]:
    what = f"no voxel has the label {said}"
  raise errors.DataError(
    f"{pairs[0].reference}: {what} in {several}; give a label that they have"
    " (--label)"
  )


def _counted(
  pairs: Sequence[formats.Pair],
  folders: Sequence[pathlib.Path],
  options: Sequence[MapOptions],
  *,
  workers: int | None,
  scheduler: str | None,
  on_case: OnCase | None,
) -> list[_cohort_counts.CohortCounts]:
  found: dict[int, list[_cohort_counts.CohortCounts]] = {}
  for index, one in enumerate(pairs):
    before = _before(one, folders, options)
    if before is not None:
      found[index] = before
  todo = [index for index in range(len(pairs)) if index not in found]
  given = [pairs[index] for index in todo]
  if scheduler is not None:
    given = [_absolute(one) for one in given]  # Workers run in any folder.
  work = parallel.run(
    functools.partial(_case, options=tuple(options)),
    given,
    workers=workers,
    scheduler=scheduler,
    here_first=True,
  )
  done = len(found)
  for place, counted in work:
    index = todo[place]
    for folder, of_class in zip(folders, counted, strict=True):
      of_class.write(_path(pairs[index], folder))
    found[index] = counted
    done += 1
    if on_case:
      on_case(pairs[index].name, done, len(pairs))
  return [
    _cohort_counts.CohortCounts.merge(
      [found[index][k] for index in range(len(pairs))]
    )
    for k in range(len(options))
  ]


def _before(
  pair: formats.Pair,
  folders: Sequence[pathlib.Path],
  options: Sequence[MapOptions],
) -> list[_cohort_counts.CohortCounts] | None:
  """The counts of a case of all classes, if they are of these very files."""
  found = []
  for folder, of_class in zip(folders, options, strict=True):
    path = _path(pair, folder)
    if not path.exists():
      return None
    before = _cohort_counts.CohortCounts.read(path)
    if before.names != (pair.name,):
      return None
    if before.keys != (_count_cases.key_of(pair, of_class),):
      return None
    if before.facts.get("classes") != _together(options):
      return None
    found.append(before)
  return found


def _case(
  pair: formats.Pair, *, options: Sequence[MapOptions]
) -> list[_cohort_counts.CohortCounts]:
  """Counts of one case, of each class."""
  if len(options) == 1:
    return [_count_cases.count_pair(pair, options=options[0])]
  with formats.held():
    counted = [_count_cases.count_pair(pair, options=one) for one in options]
    assigned = _argmax(pair, options)
  return [
    dataclasses.replace(
      one, argmax=three, facts={**one.facts, "classes": _together(options)}
    )
    for one, three in zip(counted, assigned, strict=True)
  ]


def _together(options: Sequence[MapOptions]) -> list[str] | None:
  """Tells counts of classes that were swept together from others."""
  if len(options) == 1:
    return None
  return [str(one.structure) for one in options]


def _argmax(
  pair: formats.Pair, options: Sequence[MapOptions]
) -> list[np.ndarray | None]:
  """Voxels won by each class: right, wrong and lost ones, `[1, 3]`.

  None where the map is no softmax or has to be interpolated, as what wins
  between two voxels is not known.
  """
  none: list[np.ndarray | None] = [None] * len(options)
  if any(one.resample for one in options):
    return none
  try:
    won = formats.winners(pair.probabilities)
  except errors.DataError:  # Channels that are no classes.
    return none
  if won is None:
    return none
  found: list[np.ndarray | None] = []
  for one in options:

    def read(
      path: pathlib.Path, *, structure: Any, beside: Any, **how: Any
    ) -> volume.Volume:
      own = {"structure": structure, "beside": beside}
      given = formats.read_probabilities(path, **own, **how)
      mask = won == formats.channel(path, **own)
      return dataclasses.replace(given, array=mask.astype(np.float32))

    cut = dataclasses.replace(one, grid=2, surfaces=False)
    counted = _count_cases.count_pair(pair, options=cut, read=read)
    counts = next(iter(counted.scopes.values()))
    at = counts.index(1.0)
    three = (counts.true_positive, counts.false_positive, counts.false_negative)
    found.append(np.stack([v[:, at] for v in three], axis=-1))
  return found


def _absolute(pair: formats.Pair) -> formats.Pair:
  return dataclasses.replace(
    pair,
    probabilities=pair.probabilities.absolute(),
    reference=pair.reference.absolute(),
  )


def _path(pair: formats.Pair, folder: pathlib.Path) -> pathlib.Path:
  """The file of a case; names that come from outside make no path.

  It is the same whatever other cases are counted into the folder, by this
  machine or another: what a slug loses of a name, its digest keeps.
  """
  slug = _text.slug(pair.name, fallback="case")
  return folder / f"{slug}-{_files.digest(pair.name)[:8]}.npz"
