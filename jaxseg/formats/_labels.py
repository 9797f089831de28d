"""What dataset.json says of labels, channels and regions; never a guess.

nnU-Net 2 writes name to label, {"liver": 1}, a region as a list of labels, and
the label of what nobody knows as "ignore"; nnU-Net 1 and the Medical
Segmentation Decathlon wrote label to name, {"1": "liver"}. A network of labels
has a channel for each label, background first, by softmax; one with regions has
a channel for each by sigmoid, in the order of the file, without background.

References:
  nnU-Net, label_handling.py and documentation/region_based_training.md.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import functools
import os
import pathlib
from typing import Any

from jaxseg import _files
from jaxseg import _text
from jaxseg import errors
from jaxseg.formats import _nifti_labels
from jaxseg.formats import _paths

FILES = ("dataset.json", "plans.json")
_MAX_BYTES = 16 * 2**20
# fold_0/validation lies two folders below nnU-Net's dataset.json.
FOLDERS_UP = 2
IGNORE = "ignore"
_KEYS = ("labels", "regions_class_order", "image_reader_writer")
# nnU-Net's readers that turn images to RAS, and save their maps so:
# NibabelIOWithReorient and SimpleITKIOWithReorient.
_TURNING = "WithReorient"


@dataclasses.dataclass(frozen=True)
class Labels:
  """The labels of a dataset.

  Attributes:
    source: The file that says so.
    names: Name -> its labels, several of a region, in the order of the file;
      without what is ignored.
    ordered: Whether it tells how nnU-Net writes regions (regions_class_order).
    ignore: The label of voxels that nobody knows; None if there is none.
    unread: Name -> what stands there, of names without a label of their own.
    image: What the first channel of the images shows, "CT"; "" if not said.
  """

  source: pathlib.Path
  names: Mapping[str, tuple[int, ...]]
  ordered: bool = False
  ignore: int | None = None
  unread: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  image: str = ""

  @functools.cached_property
  def regions(self) -> dict[str, tuple[int, ...]]:
    """What has a channel in a network with regions; else nothing."""
    if all(len(labels) < 2 for labels in self.names.values()):
      return {}
    return {name: one for name, one in self.names.items() if set(one) != {0}}

  @functools.cached_property
  def softmax(self) -> tuple[int, ...]:
    """The label of each channel of a network without regions."""
    return tuple(
      sorted({0, *(label for one in self.names.values() for label in one)})
    )

  def channels(self, count: int) -> list[tuple[int, ...]] | None:
    """The labels of each of so many channels.

    Returns:
      None where so many do not fit, or are as well the regions as the labels:
      only a file that tells nnU-Net in which order to write them has a network
      of regions for sure.
    """
    as_regions = len(self.regions) == count
    as_labels = len(self.softmax) == count
    if as_regions and (self.ordered or not as_labels):
      return list(self.regions.values())
    if as_labels and not as_regions:
      return [(label,) for label in self.softmax]
    return None

  def channel(self, name: str, count: int) -> int | None:
    """Which of so many channels has a name; None if none for sure."""
    labels, channels = self.names.get(name), self.channels(count)
    if labels is None or channels is None:
      return None
    if len(self.regions) == count:
      regions = list(self.regions)
      return regions.index(name) if name in regions else None
    return channels.index(labels) if labels in channels else None

  def name(self, labels: Sequence[int]) -> str | None:
    """The first name of exactly these labels."""
    for name, own in self.names.items():
      if set(own) == set(labels):
        return name
    return None

  @property
  def said(self) -> str:
    """The names, for messages."""
    return ", ".join(_text.shown(name) for name in list(self.names)[:20])


def labels_of(
  path: pathlib.Path, *, beside: pathlib.Path | None = None
) -> Labels | None:
  """The labels of the nearest dataset.json: beside the file or above it.

  Where there is none, a NIfTI file may name its labels itself.

  Args:
    path: A map or a mask.
    beside: Another file, whose dataset.json counts where this one has neither.
  """
  for file in (path, beside):
    for source in () if file is None else places(file):
      found = _labels(source)
      if found is not None:
        return found
    if file is path and _paths.suffix(path) in (".nii", ".nii.gz"):
      own = _own(path)
      if own:
        return Labels(path, {name: (label,) for name, label in own.items()})
  return None


def _own(path: pathlib.Path) -> dict[str, int]:
  try:
    about = path.stat()
  except OSError:
    return {}
  return _named(path, about.st_mtime_ns, about.st_size)


@functools.lru_cache(maxsize=16)
def _named(path: pathlib.Path, _: int, __: int) -> dict[str, int]:
  return _nifti_labels.read(path)


def places(path: pathlib.Path) -> list[pathlib.Path]:
  """Where a file's dataset.json may be, the nearest first."""
  above = path.absolute().parents[: FOLDERS_UP + 1]
  return [folder / file for folder in above for file in FILES]


def turns(path: pathlib.Path) -> bool:
  """Whether the network that wrote a map had turned its images to RAS."""
  for source in places(path):
    content = _content(source)
    for key in ("image_reader_writer", "overwrite_image_reader_writer"):
      if key in content:
        return str(content[key]).endswith(_TURNING)
  return False


def read_labels(folder: str | os.PathLike[str]) -> Labels:
  """The labels of a dataset, from its dataset.json.

  Args:
    folder: Where dataset.json lies.

  Returns:
    Names, labels, and what could not be read.

  Raises:
    DataError: It is missing, or names no labels.
  """
  source = pathlib.Path(folder) / FILES[0]
  if not source.is_file():
    raise errors.DataError(
      f"{source}: missing; write the names of the labels into it, as nnU-Net"
      ' does: {"labels": {"background": 0, "liver": 1}}'
    )
  found = _labels(source)
  if found is None:
    raise errors.DataError(
      f'{source}: has no "labels"; write {{"labels": {{"background": 0,'
      ' "liver": 1}}'
    )
  return found


def _content(source: pathlib.Path) -> dict[str, Any]:
  """What a file holds; nothing where it is missing or holds something else."""
  try:
    about = source.stat()
  except (FileNotFoundError, NotADirectoryError):
    return {}
  except OSError as e:
    raise _paths.unreadable(source, e) from e
  return _read(source, about.st_mtime_ns, about.st_size)


# A sweep asks for the same file several times a case.
@functools.lru_cache(maxsize=16)
def _read(source: pathlib.Path, _: int, size: int) -> dict[str, Any]:
  if not source.is_file():
    return {}
  if size > _MAX_BYTES:
    raise errors.DataError(
      f"{source}: larger than {_MAX_BYTES} bytes, too large for a table of"
      " labels; remove it, or give the number"
    )
  content = _files.read_json(source)
  return content if isinstance(content, dict) else {}


def _labels(source: pathlib.Path) -> Labels | None:
  """What a file says; None where it is missing or has no labels."""
  content = _content(source)
  _check_spelling(source, content, _KEYS)
  said = content.get("labels")
  if not isinstance(said, dict) or not said:
    return None
  named = _by_name(said)
  _check_spelling(source, named, (IGNORE,))
  names = {name: _numbers(given) for name, given in named.items()}
  ignored = names.pop(IGNORE, None)
  if ignored is not None and (len(ignored) != 1 or ignored[0] < 1):
    raise errors.DataError(
      f'{source}: "{IGNORE}" is {_text.shown(named[IGNORE])}; give it a'
      " single label above 0, as nnU-Net wants it"
    )
  known = {name: labels for name, labels in names.items() if labels}
  unread = {name: named[name] for name in names if name not in known}
  if len(named) < len(said):  # Of a name used twice none is taken.
    twice = [n for n in said.values() if list(said.values()).count(n) > 1]
    unread |= {n: [k for k, v in said.items() if v == n] for n in twice}
  order = content.get("regions_class_order")
  found = Labels(
    source,
    known,
    isinstance(order, list),
    None if ignored is None else ignored[0],
    unread,
    _image(content),
  )
  if (
    found.regions
    and isinstance(order, list)
    and (len(order) != len(found.regions))
  ):
    raise errors.DataError(
      f"{source}: names {len(found.regions)} regions, and its"
      f" regions_class_order has {len(order)}; correct the one or the other"
    )
  return found


def _check_spelling(
  source: pathlib.Path, content: Mapping[str, Any], known: Sequence[str]
) -> None:
  """Refuses what is all but a name that means something."""
  wrong, meant = _text.misspelt(content, known)
  if meant:
    raise errors.DataError(
      f'{source}: has {_text.shown(wrong)} where "{meant}" may be meant;'
      " correct it, or give it another name"
    )


def _image(content: Mapping[str, Any]) -> str:
  """What channel 0 shows: channel_names of nnU-Net 2, modality before it."""
  channels = content.get("channel_names", content.get("modality"))
  return str(channels.get("0", "")) if isinstance(channels, dict) else ""


def _by_name(said: dict[str, Any]) -> dict[str, Any]:
  """Name -> label, of whichever version; of a name used twice none."""
  numbered = (
    isinstance(named, str) and key.isascii() and key.isdigit()
    for key, named in said.items()
  )
  if not all(numbered):
    return said
  names = list(said.values())
  return {n: int(k[:9]) for k, n in said.items() if names.count(n) == 1}


def _numbers(given: Any) -> tuple[int, ...]:
  """Labels of one name; none of what is no label."""
  many = given if isinstance(given, list) else [given]
  found: list[int] = []
  for one in many:
    if isinstance(one, str) and one.isascii() and one.isdigit():
      one = int(one[:9])
    if isinstance(one, bool) or not isinstance(one, int):
      return ()
    found.append(one)
  return tuple(dict.fromkeys(found))
