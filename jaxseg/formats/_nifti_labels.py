"""Names of labels in a NIfTI file itself, as TotalSegmentator writes them.

References:
  NIfTI-1 header extensions; the LabelTable of CaretExtension (Connectome
  Workbench); TotalSegmentator, nifti_ext_header.py.
"""

import gzip
import html
import pathlib
import re
from typing import Any
import zlib

# A thousand names take a tenth of that.
_MAX_BYTES = 2**20
_LABEL = re.compile(
  r"<Label\s[^<>]*?\bKey=\"([0-9]{1,9})\"[^<>]*>"
  r"(?:\s*<!\[CDATA\[([^<>]*)\]\]>\s*|([^<>]*))</Label>"
)


def read(path: pathlib.Path) -> dict[str, int]:
  """Name -> label; nothing where the file has no table of labels.

  A name that stands for two labels is left out. Whether the file is damaged is
  for whoever reads its values to say.
  """
  found: dict[str, set[int]] = {}
  for key, quoted, plain in _LABEL.findall(_extensions(path)):
    name = (quoted or html.unescape(plain)).strip()
    found.setdefault(name, set()).add(int(key))
  return {
    name: labels.pop()
    for name, labels in found.items()
    if name and len(labels) == 1
  }


def _extensions(path: pathlib.Path) -> str:
  """What stands between the header and the values."""
  try:
    with open(path, "rb") as file:
      packed = file.read(2) == b"\x1f\x8b"
    opened: Any = gzip.open if packed else open
    with opened(path, "rb") as stream:
      first = stream.read(4)
      sizes = {int.from_bytes(first, order) for order in ("little", "big")}
      size = next(iter(sizes & {348, 540}), 0)
      # The byte behind the header says whether there are extensions.
      if not size or stream.read(size)[size - 4 : size - 3] in (b"", b"\0"):
        return ""
      text = stream.read(_MAX_BYTES)
      return text.partition(b"</LabelTable>")[0].decode("utf-8", "replace")
  except (OSError, EOFError, zlib.error):
    return ""
