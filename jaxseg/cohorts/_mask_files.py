"""Masks and label maps in files: which file is of which case and structure."""

import collections
from collections.abc import Mapping, Sequence
import os
import pathlib
from typing import Any

from jaxseg import _files
from jaxseg import _sealed
from jaxseg import _text
from jaxseg import dicom
from jaxseg import errors
from jaxseg import formats
from jaxseg import structures
from jaxseg import volume
from jaxseg.cohorts import _contours

LAYOUTS = ("auto", "cases", "structures")
# Says what the files of a folder are, as `jaxseg convert` writes it.
MANIFEST = "structures.json"
# Files beside masks that are none.
IMAGES = ("image", "ct", "mr", "pet", "t1", "t2", "flair")


class MaskFiles:
  """Cases of masks or label maps in NIfTI, NRRD and other files.

  Either each file is a case and holds all of its structures, as those of
  nnU-Net, or each folder is a case and each file in it a structure, as those of
  TotalSegmentator and of `jaxseg convert`.

  Attributes:
    cases: Their names.
    left_out: Case -> why it cannot be used.
    remarks: Case -> what was decided.
    layout: "cases" or "structures", whichever it is.
    synthetic: Nobody can tell.
  """

  synthetic = False

  def __init__(
    self,
    given: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    layout: str = "auto",
    aliases: Mapping[str, str | None] | None = None,
  ) -> None:
    """Finds the files, and reads none of them.

    Args:
      given: A file, a folder, a pattern with `*` and `**`, or a list of files.
      layout: "cases" (each file is one), "structures" (each folder is a case),
        or "auto": structures where a folder has the list that `jaxseg convert`
        writes, where an image lies beside them, where the same name is in
        several folders, or where most files have names of structures.
      aliases: The user's own names, which count for "auto".

    Raises:
      DataError: There are no files.
      ConfigError: The layout is unknown.
    """
    if layout not in LAYOUTS:
      raise errors.ConfigError(
        f"layout: {layout!r} is unknown; give {', '.join(LAYOUTS)}"
      )
    paths = formats.find_masks(given)
    folders = collections.defaultdict(list)
    for path in paths:
      folders[path.parent].append(path)
    self._manifests = {
      folder: _manifest(folder / MANIFEST)
      for folder in folders
      if _files.is_there(folder / MANIFEST)
    }
    if layout == "auto":
      layout = _layout(folders, bool(self._manifests), dict(aliases or {}))
    self.layout = layout
    self.left_out: dict[str, str] = {}
    self.remarks: dict[str, list[str]] = {}
    self._lacking: dict[pathlib.Path, list[str]] = {}
    self._files: dict[str, dict[str | None, pathlib.Path]] = {}
    if layout == "cases":
      for name, path in zip(_telling(paths), paths, strict=True):
        self._files[name] = {None: path}
    else:
      for name, folder in zip(_of_folders(folders), folders, strict=True):
        own = self._of_folder(folder, folders[folder])
        lacking = self._lacking.get(folder, ())
        if lacking:
          self.remarks[name] = [
            f"{MANIFEST} lists what is not there: {', '.join(lacking)}"
          ]
        if own:
          self._files[name] = own
        else:
          self.left_out[name] = f"{folder}: has an image and no mask"
    self.cases: tuple[str, ...] = tuple(self._files)

  def _of_folder(
    self, folder: pathlib.Path, paths: Sequence[pathlib.Path]
  ) -> dict[str | None, pathlib.Path]:
    """Structure -> file, of a folder that is a case."""
    if folder in self._manifests:
      own: dict[str | None, pathlib.Path] = {}
      for row in self._manifests[folder]["structures"]:
        if not row["file"]:  # It had no voxel.
          continue
        path = folder / str(row["file"])
        # It may come from anywhere: a plain name, or nothing.
        if path.parent != folder or path.name != row["file"]:
          raise errors.DataError(
            f"{folder / MANIFEST}: {_text.shown(row['file'])} is no file beside"
            " it; convert again"
          )
        if path in paths:
          own[str(row["name"])] = path
        elif not path.is_file():
          self._lacking.setdefault(folder, []).append(path.name)
      return own
    stems = {formats.stem_of(path): path for path in paths}
    return {n: p for n, p in stems.items() if n.casefold() not in IMAGES}

  def series(self, case: str) -> frozenset[str]:
    """SeriesInstanceUID of the image, where it was converted from one."""
    folder = next(iter(self._files[case].values())).parent
    found = self._manifests.get(folder, {}).get("series_uid")
    known = isinstance(found, str) and found
    return frozenset({str(found)}) if known else frozenset()

  def files(self, case: str, *, images: bool = True) -> list[pathlib.Path]:
    """What `open` reads of a case; no image."""
    del images
    return list(self._files[case].values())

  def reading(self) -> dict[str, Any]:
    """Masks are read in one way."""
    return {}

  def needs_grid(self, case: str) -> bool:
    """Files have grids of their own."""
    del case
    return False

  def open(self, case: str, grid: volume.Grid | None = None) -> "OpenedFiles":
    """Names what a case holds.

    Args:
      case: One of `cases`.
      grid: Not used.

    Returns:
      Its structures; masks are read when they are asked for.

    Raises:
      DataError: The case is unknown, or its label map cannot be read.
    """
    del grid
    if case not in self._files:
      raise errors.DataError(f"{case[:80]!r}: no such case")
    own = self._files[case]
    folder = next(iter(own.values())).parent
    return OpenedFiles(case, own, self._manifests.get(folder, {}))


class OpenedFiles:
  """A case in files; see `Opened`."""

  image: dicom.Image | None = None

  def __init__(
    self,
    case: str,
    files: Mapping[str | None, pathlib.Path],
    manifest: Mapping[str, Any],
  ) -> None:
    """Reads the labels of a label map."""
    self.case = case
    self.notes: tuple[str, ...] = ()
    self.complete = False
    self.own_names = bool(manifest)
    self._asked: dict[str, tuple[pathlib.Path, str | int | None]] = {}
    about = {row["name"]: row for row in manifest.get("structures", ())}
    named = []
    for name, path in files.items():
      if name is not None:
        self._asked[name] = (path, None)
        named.append(_contours.Named(name, **_facts(about.get(name, {}))))
        continue
      labels, self.complete = formats.labels_in(path)
      # A map of one case says of every voxel what it is.
      self.complete = True
      for label, asked in labels.items():
        self._asked[label] = (path, asked)
        number = asked if isinstance(asked, int) else None
        named.append(_contours.Named(label, number))
    self.named = tuple(named)

  def contour(self, name: str) -> _contours.Contour:
    """The mask of a structure, on the file's grid.

    Args:
      name: One of those in `named`.

    Returns:
      The mask; voxels of the label that dataset.json names "ignore" are
      unknown.

    Raises:
      DataError: The file cannot be read, or is no mask.
    """
    path, asked = self._asked[name]
    try:
      coded = formats.read_reference(path, structure=asked)
    except errors.DataError as e:
      told = str(e).partition("; say which is meant (--label)")
      if asked is not None or not told[1]:
        raise
      raise errors.DataError(
        f"{told[0]}, though its name is that of one structure; write a file for"
        " each, or say how files lie (--layout)"
      ) from e
    inside = coded.array == formats.INSIDE
    ignored = coded.array == formats.IGNORED
    return _contours.Contour(
      volume.Volume(inside, coded.grid, path),
      ignored if ignored.any() else None,
    )


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
  """What a manifest keeps of a structure set."""
  color = row.get("color")
  if not isinstance(color, list) or len(color) != 3:
    color = None
  elif not all(type(one) is int and 0 <= one < 256 for one in color):
    color = None  # Someone's own; no mask depends on it.
  number = row.get("number")
  return {
    "number": number if type(number) is int else None,
    "color": None if color is None else tuple(color),
    "interpreted_type": str(row.get("interpreted_type") or ""),
    "algorithm": str(row.get("algorithm") or ""),
  }


def _manifest(path: pathlib.Path) -> dict[str, Any]:
  """The list of files that `jaxseg convert` has written."""
  found = _sealed.read(path, again="convert again")
  rows = found.get("structures") if isinstance(found, dict) else None
  if not isinstance(rows, list) or not all(
    isinstance(row, dict)
    and isinstance(row.get("name"), str)
    and isinstance(row.get("file"), str)
    for row in rows
  ):
    raise errors.DataError(
      f"{path}: is no list of structures; convert again, or remove it"
    )
  return dict(found)


def _layout(
  folders: Mapping[pathlib.Path, Sequence[pathlib.Path]],
  listed: bool,
  aliases: Mapping[str, str | None],
) -> str:
  """Whether files are cases or structures."""
  if listed:
    return "structures"
  names = {
    folder: [formats.stem_of(path) for path in paths]
    for folder, paths in folders.items()
  }
  own = [
    name
    for several in names.values()
    for name in several
    if name.casefold() not in IMAGES
  ]
  if len(folders) > 1 and len(set(own)) < len(own):
    # One file of one name in each folder: a map for each case.
    return "structures" if len(set(own)) > 1 else "cases"
  if len(folders) == 1 and 1 < len(own) < sum(map(len, names.values())):
    return "structures"  # The image of the case lies beside its masks.
  known = [name for name in own if _is_known(name, aliases)]
  return "structures" if 2 * len(known) > len(own) else "cases"


def _is_known(name: str, aliases: Mapping[str, str | None]) -> bool:
  try:
    structures.match(name, own=aliases)
  except errors.StructureNotFoundError:
    return False
  return True


def _telling(paths: Sequence[pathlib.Path]) -> list[str]:
  """Names that tell the files apart."""
  return [name for name, _ in formats.named(paths)]


def _of_folders(folders: Mapping[pathlib.Path, Any]) -> list[str]:
  """Names that tell folders apart, without what all of them share."""
  parts = [folder.absolute().parts for folder in folders]
  if len(parts) == 1:
    return [parts[0][-1]]
  front = _shared(parts)
  back = _shared([one[::-1] for one in parts])
  short = [one[front : len(one) - back] for one in parts]
  if any(not one for one in short):  # One lies within another.
    short = [one[front:] or one[-1:] for one in parts]
  return ["/".join(one) for one in short]


def _shared(parts: Sequence[Sequence[str]]) -> int:
  """How many first parts all have in common."""
  count = 0
  for several in zip(*parts, strict=False):
    if len(set(several)) > 1:
      break
    count += 1
  return count
