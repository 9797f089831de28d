"""Contours from one format into another, the same to the voxel."""

from collections.abc import Mapping, Sequence
import contextlib
import dataclasses
import pathlib
from typing import Any

from jaxseg import _digests
from jaxseg import _files
from jaxseg import _replaced
from jaxseg import _sealed
from jaxseg import _stamps
from jaxseg import _text
from jaxseg import dicom
from jaxseg import errors
from jaxseg import formats
from jaxseg.cohorts import _contours
from jaxseg.cohorts import _convert_files
from jaxseg.cohorts import _images_of
from jaxseg.cohorts import _mask_files

_AGAIN = "convert again"
_KIND = {"mark": _mask_files.MANIFEST, "what": "a converted case"}


@dataclasses.dataclass(frozen=True)
class Converted:
  """What became of a case.

  Attributes:
    case: Its name.
    rows: One for each contour, for the audit.
    refused: Why nothing was written, or "".
    kept: Whether it was there already.
    notes: What was unusual.
  """

  case: str
  rows: tuple[Mapping[str, Any], ...]
  refused: str = ""
  kept: bool = False
  notes: tuple[str, ...] = ()


def convert_case(
  case: str,
  *,
  side: _contours.Side,
  images: _images_of.Images | None,
  folder: pathlib.Path,
  options: _convert_files.ConvertOptions,
) -> Converted:
  """Converts all contours of one case, and compares what it wrote.

  Args:
    case: One of `side.cases`.
    side: Where the contours are.
    images: Where the image is, if it does not lie with the contours.
    folder: Gets a folder of the case: image.nii.gz and a mask of each
      structure, or rtstruct.dcm or seg.dcm; and structures.json, which lists
      the names. Whole, or not at all.
    options: How.

  Returns:
    What became of it; a case that cannot be converted is refused, and one that
    was is not converted again.
  """
  place = folder / _text.slug(case, fallback="case")
  try:
    digest = _digest(case, side, images, options)
    if place.exists():
      done = _done(place, digest, options.overwrite)
      if done is not None:
        _files.sweep_once(place)
        return Converted(case, tuple(done), kept=True)
      _replaced.check(place, **_KIND)
      _check_replaceable(place, side.files(case), options.overwrite)
    several = getattr(side, "layout", "") == "cases"
    with formats.held() if several else contextlib.nullcontext():
      opened = side.open(case)
      image = opened.image
      if image is None and images is not None:
        image = images.of(case, side.series(case), len(side.cases) == 1)
      with _replaced.folder(place, **_KIND) as new:
        rows = _convert_files.written(opened, image, new, options)
        _write_list(new, case, image, rows, digest)
  except (errors.JaxsegError, MemoryError) as e:
    return Converted(case, (), refused=str(e) or type(e).__name__)
  return Converted(case, tuple(rows), notes=opened.notes)


def _check_replaceable(
  place: pathlib.Path, read: Sequence[pathlib.Path], overwrite: bool
) -> None:
  if any(path.resolve().is_relative_to(place.resolve()) for path in read):
    raise errors.ExistingOutputError(
      f"{place}: holds the contours that are read; give another --output"
    )
  if not overwrite:
    raise errors.ExistingOutputError(
      f"{place}: is there, of other contours or settings; give another"
      " --output, or --overwrite"
    )


def _digest(
  case: str,
  side: _contours.Side,
  images: _images_of.Images | None,
  options: _convert_files.ConvertOptions,
) -> str:
  """Tells whether files or settings have changed since."""
  settings = dataclasses.asdict(options)
  settings.pop("overwrite")
  how: dict[str, Any] = {**settings, "reading": side.reading()}
  paths = side.files(case)
  if images is not None:
    how["image_reading"] = images.reading()
    with contextlib.suppress(errors.DataError):  # It may not be needed.
      of = images.series_of(case, side.series(case), len(side.cases) == 1)
      paths += of.paths
  files = sorted(_stamps.of(path) for path in paths)
  return _files.digest([_files.as_json(how), files])


def _done(
  place: pathlib.Path, digest: str, overwrite: bool
) -> list[dict[str, Any]] | None:
  """The list of what was converted before, if it is the same.

  Raises:
    ExistingOutputError: A file was changed since.
  """
  path = place / _mask_files.MANIFEST
  if not path.is_file():
    return None
  try:
    found = _sealed.read(path, again=_AGAIN)
  except errors.DataError:
    if not overwrite:
      raise
    return None
  rows = found.get("structures")
  if found.get("made_of") != digest or not isinstance(rows, list):
    return None
  changed = _digests.difference(place, found.get("files") or {})
  if changed and not overwrite:
    raise errors.ExistingOutputError(
      f"{place}: {changed}; give another --output, or --overwrite to convert it"
      " again"
    )
  names = [str(row.get("file") or _mask_files.MANIFEST) for row in rows]
  whole = all((place / name).is_file() for name in names) and not changed
  return [dict(row) for row in rows] if whole else None


def _write_list(
  folder: pathlib.Path,
  case: str,
  image: dicom.Image | None,
  rows: Sequence[Mapping[str, Any]],
  digest: str,
) -> None:
  """The list of a case's files, by which they are converted back."""
  _sealed.write(
    folder / _mask_files.MANIFEST,
    {
      "case": case,
      "modality": "" if image is None else image.modality,
      "series_uid": "" if image is None else image.series_uid,
      "made_of": digest,
      "structures": [dict(row) for row in rows],
      "files": _digests.of_files(folder),
    },
  )
