"""Files of maps and masks: their kinds, where they are, what they hold."""

from collections.abc import Iterable, Sequence
import glob
import os
import pathlib
from typing import IO

from jaxseg import _text
from jaxseg import errors

IMAGES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
PICTURES = (".png", ".tif", ".tiff")
KNOWN = (*IMAGES, ".npy", ".npz", ".dcm", *PICTURES)
_VOLUMES = tuple(end for end in KNOWN if end not in PICTURES)
# 100 classes of 512 x 512 x 80 voxels, float64.
MAX_BYTES = 16 * 2**30
CHUNK = 1 << 20

Given = str | os.PathLike | Sequence[str | os.PathLike]


def suffix(path: pathlib.Path) -> str:
  """The known suffix of a name, in lower case; "" if it has none."""
  name = path.name.lower()
  return next((end for end in KNOWN if name.endswith(end)), "")


def stem(path: pathlib.Path) -> str:
  """The name without its known suffix."""
  return path.name[: len(path.name) - len(suffix(path))]


def kind(path: pathlib.Path) -> str:
  """The suffix that decides how a file is read; DICOM files need none."""
  if not path.is_file():
    fact = "is a folder" if path.is_dir() else "no such file"
    raise errors.DataError(f"{path}: {fact}; give an existing file")
  if found := suffix(path):
    return found
  try:
    with open(path, "rb") as file:
      start = file.read(132)
  except OSError as e:
    raise unreadable(path, e) from e
  if start[128:] == b"DICM":
    return ".dcm"
  raise errors.DataError(
    f"{path}: unknown file format; convert it to one of {', '.join(KNOWN)}"
  )


def unreadable(path: pathlib.Path, cause: OSError) -> errors.DataError:
  """The error for a file that the operating system refuses to read."""
  return errors.DataError(
    f"{path}: cannot be read ({cause.strerror or 'damaged'}); check the path"
    " and its permissions"
  )


def find(
  given: Given, what: str, *, flag: str = ""
) -> tuple[pathlib.Path, ...]:
  """Lists files, sorted by path, each once.

  Args:
    given: A file, a folder, a pattern with `*`, `?`, `[]` and recursive `**`,
      or a list of files. Of a folder or a pattern, files of known formats are
      taken, pictures only where there is nothing else: they may be previews. A
      folder that holds none itself is searched recursively.
    what: "probabilities" or "reference", for messages.
    flag: What gives it on the command line, if not --`what`.
  """
  if not isinstance(given, str | os.PathLike):
    paths = [pathlib.Path(one) for one in given]
    for path in paths:
      kind(path)
    if not paths:
      raise errors.DataError(f"{what}: the list is empty; give files")
    return _once(paths)
  path = pathlib.Path(given)
  if path.is_file():
    kind(path)
    return (path,)
  if path.is_dir():
    try:
      found: tuple[pathlib.Path, ...] = ()
      for kinds in (_VOLUMES, PICTURES):
        found = found or _known(path.iterdir(), kinds)
        found = found or _known(path.rglob("*"), kinds)
    except OSError as e:
      raise unreadable(path, e) from e
  else:
    paths = [*map(pathlib.Path, glob.glob(str(given), recursive=True))]
    found = _known(paths, _VOLUMES) or _known(paths, PICTURES)
  if not found:
    raise errors.DataError(
      f"{what} {os.fspath(given)}: no file there ends in {', '.join(KNOWN)};"
      f" give a folder, a pattern or a list of files ({flag or f'--{what}'})"
    )
  return found


def without_segmentations(
  paths: tuple[pathlib.Path, ...],
) -> tuple[pathlib.Path, ...]:
  """Leaves out the segmentations that nnU-Net writes beside its maps."""
  maps = {(path.parent, stem(path)) for path in paths if suffix(path) == ".npz"}
  return tuple(
    path
    for path in paths
    if suffix(path) not in (*IMAGES, *PICTURES)
    or (path.parent, stem(path)) not in maps
  )


def _known(
  paths: Iterable[pathlib.Path], kinds: tuple[str, ...]
) -> tuple[pathlib.Path, ...]:
  # Names with a leading dot are the system's, or half-written.
  named = [
    path
    for path in paths
    if stem(path) and suffix(path) in kinds and not path.name.startswith(".")
  ]
  found = _once(path for path in named if path.is_file())
  if found:
    _check_all(named, found)
  return found


def _check_all(
  named: Iterable[pathlib.Path], found: tuple[pathlib.Path, ...]
) -> None:
  """Refuses what has the name of a file among files, and is none.

  Taken for nothing, a case would be missing at the end, and nobody told.
  """
  entered = {above for path in found for above in path.parents}
  for path in sorted(set(named) - set(found)):
    if path.is_symlink() and not path.exists():
      raise errors.DataError(
        f"{path}: is a link that leads to no file; get its content (git annex"
        " get, dvc pull), or move it away"
      )
    if path.is_dir() and path not in entered:
      raise errors.DataError(
        f"{path}: is a folder among files; put the file itself there, or move"
        " it away"
      )


def _once(paths: Iterable[pathlib.Path]) -> tuple[pathlib.Path, ...]:
  return tuple(sorted(set(paths)))


def detached(header: pathlib.Path, name: str) -> pathlib.Path:
  """The data file that a header names, beside it.

  A header may name any file of the machine, a device, or a pattern that the
  reading library takes for a format string; only a plain name is followed.
  """
  plain = name and name == pathlib.PurePath(name).name and "\\" not in name
  if not plain or "%" in name or not name.isprintable() or len(name) > 255:
    raise errors.DataError(
      f"{header}: names {_text.shown(name)} as its data file; put a single"
      " data file beside the header and name that"
    )
  path = header.parent / name
  if not path.is_file():
    raise errors.DataError(
      f"{header}: its data file {_text.shown(name)} is missing; put it beside"
      " the header"
    )
  return path


def check_size(path: pathlib.Path, length: int) -> None:
  """Refuses values that take more bytes than anyone's maps do."""
  if length > MAX_BYTES:
    raise errors.LimitError(
      f"{path}: its values take {length} bytes, more than {MAX_BYTES}; save"
      " one structure per file"
    )


def take(stream: IO[bytes], length: int) -> bytearray:
  """Reads at most so many bytes; memory grows with what there is.

  What follows them is read, too: a gzip or zip checksum is verified at the
  end of the stream.
  """
  content = bytearray()
  while chunk := stream.read(min(CHUNK, length - len(content))):
    content += chunk
  while stream.read(CHUNK):
    pass
  return content


def skip(stream: IO[bytes], length: int) -> None:
  """Reads past so many bytes."""
  while length > 0 and (chunk := stream.read(min(CHUNK, length))):
    length -= len(chunk)
