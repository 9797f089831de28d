"""How the files of a folder are read: what is repaired, chosen and limited."""

from collections.abc import Collection, Mapping
import dataclasses
from typing import Any

from jaxseg import dicom
from jaxseg import errors

# What may be repaired in a CT, and how `dicom.read_ct` is asked to.
_CT_REPAIRS: Mapping[str, tuple[str, str]] = {
  "spacing": ("spacing", "resample"),
  "tilt": ("tilt", "shear"),
  "truncated": ("truncated", "missing"),
  "stray_bits": ("stray_bits", "keep"),
}
# What may be repaired in an RTSTRUCT or SEG.
OF_CONTOURS = ("contours", "frame_of_reference")
REPAIRS = (*_CT_REPAIRS, *OF_CONTOURS)


@dataclasses.dataclass(frozen=True)
class Options:
  """What is repaired, chosen and limited.

  Attributes:
    repair: Names of `REPAIRS`.
    acquisition: Which of several acquisitions of one series.
    limits: Limits on each file.
  """

  repair: tuple[str, ...]
  acquisition: str
  limits: dicom.Limits

  def of_image(self) -> dict[str, Any]:
    """Options of `dicom.read_ct`."""
    repairs = [_CT_REPAIRS[r] for r in self.repair if r in _CT_REPAIRS]
    return {
      **dict(repairs),
      "acquisition": self.acquisition,
      "limits": self.limits,
    }

  def of_masks(self) -> dict[str, Any]:
    """Options of `StructureSet.mask` and `Segmentation.mask_on`."""
    return {
      "gaps": "interpolate" if "contours" in self.repair else "unknown",
      "any_frame_of_reference": "frame_of_reference" in self.repair,
    }

  def settings(self) -> dict[str, Any]:
    """What makes another cohort of the same files; limits do not."""
    chosen = {"repair": list(self.repair)}
    if self.acquisition != "refuse":
      return {**chosen, "acquisition": self.acquisition}
    return chosen


def checked(
  repair: Collection[str], acquisition: str, limit_s: float | None
) -> Options:
  """Options, if they are known.

  Raises:
    ConfigError: One is not.
  """
  for one in repair:
    if one not in REPAIRS:
      raise errors.ConfigError(
        f"repair: {one!r} is unknown; give {', '.join(REPAIRS)}"
      )
  if limit_s is not None and not limit_s > 0:
    raise errors.ConfigError(
      f"limit_s is {limit_s}; give a number of seconds above 0"
    )
  limits = dicom.Limits() if limit_s is None else dicom.Limits(seconds=limit_s)
  return Options(tuple(sorted(repair)), acquisition, limits)
