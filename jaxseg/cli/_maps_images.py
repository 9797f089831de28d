"""The images that were segmented, to look at maps on them."""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any, TYPE_CHECKING

from jaxseg import errors
from jaxseg.cli import _flags

if TYPE_CHECKING:
  from jaxseg import formats
  from jaxseg import study


def define(flags: _flags.Flags) -> None:
  """Defines the flag of the images."""
  flags.string(
    "images",
    None,
    "FILES",
    "The images that were segmented, a folder or glob of NIfTI, NRRD or"
    " MetaImage; paired by name as the maps are. The page then shows three"
    " cases of each class on them, whose contour moves with the threshold.",
    default="none: the page shows no case",
  )


def images(
  given: str | None, pairs: Sequence["formats.Pair"]
) -> Mapping[str, pathlib.Path]:
  """Case -> its image.

  Args:
    given: The flag.
    pairs: Maps and references.

  Raises:
    ConfigError: There is no such folder, or no image has the name of a case.
  """
  from jaxseg import formats

  if not given or not pairs:
    return {}
  if "*" not in given and not pathlib.Path(given).exists():
    raise errors.ConfigError(
      f"--images: {given}: no such file or folder; check the path"
    )
  case = {one.reference: one.name for one in pairs}
  try:
    found = formats.pair(given, list(case))
  except errors.DataError as e:
    raise errors.ConfigError(
      f"--images: {given} holds no image that is named as a reference is, such"
      f" as {pairs[0].reference.name!r}, or one name twice; name them alike"
    ) from e
  return {case[one.reference]: one.probabilities for one in found.pairs}


def viewer(
  given: str | None,
  pairs: Sequence["formats.Pair"],
  found: Sequence["study.CohortCounts"],
  tables: Sequence[Mapping[str, Any]],
) -> Any:
  """The page's viewer of maps on their images; None without images.

  Args:
    given: The flag.
    pairs: Maps and references.
    found: Counts of each class.
    tables: What `study.tables` says of each: where it is cut.

  Raises:
    JaxsegError: An image cannot be read, or lies elsewhere.
  """
  from jaxseg import report
  from jaxseg import study
  from jaxseg.cli import _console

  if not given:
    return None
  where = images(given, pairs)
  print(f"{len(where)} of {len(pairs)} cases have an image")
  chosen = [of_class["optimum"][0]["threshold"] for of_class in tables]
  both = list(zip(found, chosen, strict=True))
  with _console.progress("looking") as on_class:
    return report.viewer_html(
      study.map_scenes(pairs, both, where, on_class=on_class)
    )
