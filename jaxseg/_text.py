"""Text from files: shown safely, and made into safe file names.

A file's text may be hostile: control characters, markup, paths. Nothing here
trusts it; HTML is escaped where HTML is made.
"""

import dataclasses
import re
import unicodedata

_SHOWN = 80  # A UID has 64 characters at most.
_SLUG = 64


@dataclasses.dataclass(frozen=True)
class Note:
  """A remark on something odd in a file, and on how it was read.

  Attributes:
    code: Short and stable, for programs: "duplicate-slice".
    text: One line, for people.
  """

  code: str
  text: str

  def __str__(self) -> str:
    return f"{self.code}: {self.text}"


def clean(text: object) -> str:
  """Text without the blanks and NULs that DICOM pads it with."""
  return str(text or "").strip(" \0\t\r\n")


def shown(text: object) -> str:
  """Text quoted on one line: at most 80 characters, controls escaped."""
  said = "".join(
    c if c.isprintable() else c.encode("unicode_escape").decode("ascii")
    for c in str(text)[: _SHOWN + 1]
  )
  return f"'{said[:_SHOWN]}...'" if len(said) > _SHOWN else f"'{said}'"


def slug(text: object, *, fallback: str = "unnamed") -> str:
  """A file name made of text: lower-case ASCII letters, digits, - and _.

  Args:
    text: Anything, from any source.
    fallback: The name if no character is left.

  Returns:
    1 to 64 characters, never a path, never "." or "..".
  """
  plain = unicodedata.normalize("NFKD", str(text)).encode("ascii", "ignore")
  safe = re.sub(r"[^a-z0-9_]+", "-", plain.decode("ascii").lower()).strip("-")
  return safe[:_SLUG].strip("-") or fallback
