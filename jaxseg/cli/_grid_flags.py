"""Flags of the prepared grid: its size in pixels, in mm, or as it must be."""

import dataclasses
from typing import TYPE_CHECKING

from jaxseg import errors
from jaxseg.cli import _flags

if TYPE_CHECKING:
  from jaxseg import cohorts
  from jaxseg import data

# Anyone's patients: nobody has looked at them before.
FOLDERS = ("dicom_folder", "nifti_folder")
BEYOND = ("unknown", "absent")  # As of `data.BEYOND`: slow to import.


def define(flags: _flags.Flags) -> None:
  """Defines --size, --spacing, --beyond and --allow_crop."""
  flags.string(
    "size",
    None,
    "SIZE",
    "What the network sees, rows x columns: pixels, such as 96 or 96x64; mm,"
    " such as 260mm or 260x220mm; or fit, which measures the cohort and keeps"
    " all of its structures.",
    default="fit for dicom_folder and nifti_folder, else the recipe's",
  )
  flags.number(
    "spacing",
    None,
    "MM",
    "In-plane pixel spacing that the network sees.",
    default="the recipe's; that of jaxseg keeps each patient's own where --size"
    " is in pixels, else it is 2 mm",
  )
  flags.choice(
    "beyond",
    None,
    BEYOND,
    "What slices beyond the contours of an organ hold that goes on there, such"
    " as the spinal cord or the esophagus: unknown, which nothing learns from"
    " or is scored on; or absent, so that these organs, too, have slices"
    " without them.",
    default="unknown",
  )
  flags.switch(
    "allow_crop",
    False,
    "Go on where the prepared slices leave out more than 2 % of a structure.",
  )


def config(
  flags: _flags.Flags, recipe: str, name: str
) -> tuple["data.PrepareConfig", str | tuple[float, float] | None]:
  """The prepared grid, and what its size is still to be measured for.

  Args:
    flags: As `define` defines them.
    recipe: Name of the recipe.
    name: Kind of the cohort.

  Returns:
    (the grid, "fit" or mm of rows and columns where the cohort decides its
    pixels, else None).
  """
  from jaxseg import data
  from jaxseg import training

  grid = training.recipe(recipe).prepare
  if flags.beyond is not None:
    grid = dataclasses.replace(grid, beyond=flags.beyond)
  wanted = size(flags.size) if flags.size else None
  if wanted is None and name in FOLDERS and grid.crop is None:
    wanted = "fit"
  if flags.spacing is not None:
    grid = dataclasses.replace(grid, spacing=flags.spacing, crop=None)
  if wanted is None:
    return grid, None
  grid = dataclasses.replace(grid, crop=None)
  if in_pixels(wanted):
    rows, columns = (int(n) for n in wanted)
    return dataclasses.replace(grid, size=(rows, columns)), None
  if grid.spacing is None:
    grid = dataclasses.replace(grid, spacing=data.SPACING_MM)
  return grid, wanted


def in_pixels(wanted: tuple[float, float] | str) -> bool:
  """Whether a size is in pixels, rather than in mm or to be measured."""
  return not isinstance(wanted, str) and isinstance(wanted[0], int)


def size(text: str) -> tuple[float, float] | str:
  """Pixels of "96" or "96x64", mm of "260mm" or "260x220mm", or "fit"."""
  if text == "fit":
    return text
  number = float if text.endswith("mm") else int
  parts = text.removesuffix("mm").split("x")
  try:
    if not 1 <= len(parts) <= 2 or not all(p[:1].isdecimal() for p in parts):
      raise ValueError
    result = number(parts[0]), number(parts[-1])
  except ValueError:
    raise errors.ConfigError(
      f"--size: {text!r} is no size; write 96 pixels, 96x64 for rows x columns,"
      " 260mm, or fit"
    ) from None
  if number is float and not all(32 <= mm <= 2000 for mm in result):
    raise errors.ConfigError(f"--size: {text} is not of 32 to 2000 mm")
  return result


def fitted(
  cohort: "cohorts.Cohort",
  config: "data.PrepareConfig",
  extent: str | tuple[float, float],
  *,
  skip_bad: bool,
  workers: int | None,
  scheduler: str | None,
) -> "data.PrepareConfig":
  """Measures the cohort for the size that --size asks for."""
  from jaxseg import data
  from jaxseg.cli import _console

  with _console.progress("measuring") as on_patient:
    return data.fit(
      cohort,
      config,
      extent=None if isinstance(extent, str) else extent,
      skip_bad=skip_bad,
      on_patient=on_patient,
      workers=workers,
      scheduler=scheduler,
    )
