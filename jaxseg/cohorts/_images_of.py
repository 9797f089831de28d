"""The series of images that contours from elsewhere belong to."""

from collections.abc import Collection
import os
import pathlib
from typing import Any

from jaxseg import _text
from jaxseg import dicom
from jaxseg import errors
from jaxseg import formats
from jaxseg.cohorts import _dicom_options


class Images:
  """The series of images in a folder, by patient."""

  def __init__(
    self,
    folder: str | os.PathLike[str],
    *,
    repair: Collection[str] = (),
    acquisition: str = "refuse",
    limit_s: float | None = None,
  ) -> None:
    """Reads all headers.

    Args:
      folder: The folder.
      repair: As of `DicomFolder`.
      acquisition: As of `DicomFolder`.
      limit_s: As of `DicomFolder`.

    Raises:
      DataError: There is no CT, MR or PET.
      ConfigError: An option is unknown.
    """
    self._root = pathlib.Path(folder)
    options = _dicom_options.checked(repair, acquisition, limit_s)
    self._how = options
    found = dicom.find_series(self._root, limits=options.limits)
    self._series = [one for one in found if one.is_image]
    if not self._series:
      raise errors.DataError(
        f"{self._root}: holds no CT, MR or PET images; check the path (--image)"
        f"{found.to_unpack}"
      )

  def reading(self) -> dict[str, Any]:
    """What decides an image beside the files, to be compared."""
    return self._how.settings()

  def of(self, case: str, uids: frozenset[str], alone: bool) -> dicom.Image:
    """The image of a case; arguments and errors are those of `series_of`."""
    found = self.series_of(case, uids, alone)
    return dicom.read_ct(found, **self._how.of_image())

  def series_of(
    self, case: str, uids: frozenset[str], alone: bool
  ) -> dicom.Series:
    """The series of a case's image.

    Args:
      case: Its name, which is the patient's.
      uids: SeriesInstanceUIDs, where they are known; they come first.
      alone: Whether it is the only case: then the only image is its image.

    Raises:
      DataError: There is none, or several fit.
    """
    fit = [one for one in self._series if one.series_uid in uids]
    names = [
      _text.slug(one.patient_id, fallback="patient") for one in self._series
    ]
    if not fit:
      pairs = formats.pair_names([case], sorted(set(names)))
      wanted = sorted(set(names))[pairs[0][1]] if pairs else None
      if len(set(names)) == 1 and not alone and _text.slug(case) not in names:
        wanted = None
      fit = [
        one
        for one, name in zip(self._series, names, strict=True)
        if name == wanted
      ]
    if not fit:
      listed = ", ".join(sorted(set(names))[:6])
      raise errors.DataError(
        f"{_text.shown(case)}: {self._root} has no image of it, but of"
        f" {listed}; name the case like the patient's ID, or say"
        " which files are of one case (--layout)"
      )
    if len(fit) > 1:
      raise errors.DataError(
        f"{_text.shown(case)}: fits {len(fit)} groups of images:"
        f" {'; '.join(map(str, fit[:4]))}; give the folder of one (--image)"
      )
    return fit[0]
