"""Text from files: shown safely, and made into safe file names.

A file's text may be hostile: control characters, markup, paths. Nothing here
trusts it; HTML is escaped where HTML is made.
"""

from collections.abc import Iterable, Mapping, Sequence
import dataclasses
import re
import unicodedata

_SHOWN = 80  # A UID has 64 characters at most.
_SLUG = 64
# Controls, marks of direction, halves of pairs, line separators.
_CONTROLS = ("Cc", "Cf", "Cs", "Zl", "Zp")


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


def harmless(text: object) -> str:
  """Text whose controls are escaped, which else would steer a terminal."""
  return "".join(
    c.encode("unicode_escape").decode("ascii")
    if unicodedata.category(c) in _CONTROLS
    else c
    for c in str(text)
  )


def shown(text: object) -> str:
  """Text quoted on one line: at most 80 characters, controls escaped."""
  said = "".join(
    c if c.isprintable() else c.encode("unicode_escape").decode("ascii")
    for c in str(text)[: _SHOWN + 1]
  )
  return f"'{said[:_SHOWN]}...'" if len(said) > _SHOWN else f"'{said}'"


def remarks(
  of: Mapping[str, Sequence[str]], *, brief: bool = False
) -> list[str]:
  """Remarks on things of some names, a line for each name.

  Args:
    of: Name, which may be hostile -> remarks.
    brief: A line for each kind of remark instead, which is what stands before
      its colon, with the first name.
  """
  if not brief:
    return [f"{shown(name)}: {'; '.join(own)}" for name, own in of.items()]
  alike: dict[str, list[str]] = {}
  for name, own in of.items():
    for one in own:
      kind = one.partition(":")[0]
      alike.setdefault(kind, []).append(f"{shown(name)}: {one}")
  return [
    first + (f" (and so of {len(others)} more)" if others else "")
    for first, *others in alike.values()
  ]


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


class Names:
  """Names that are given once each: "a", "a-2", "a-3" for one asked thrice."""

  def __init__(self, taken: Iterable[str] = ()) -> None:
    """No names are given yet, but some may be taken."""
    self._taken = set(taken)
    self._tried: dict[str, int] = {}

  def new(self, name: str) -> str:
    """A name, or the first of its numbered ones, that is not taken yet."""
    # Names never become free: what was tried need not be tried again.
    number, result = self._tried.get(name, 0), name
    while number == 0 or result in self._taken:
      number += 1
      result = f"{name}-{number}" if number > 1 else name
    self._tried[name] = number
    self._taken.add(result)
    return result


def misspelt(found: Iterable[str], known: Iterable[str]) -> tuple[str, str]:
  """A name that is one letter off a known one, which is not there itself.

  Args:
    found: The names that there are.
    known: Those that mean something.

  Returns:
    The name and the known one, or two empty texts.
  """
  names = list(found)
  for wanted in known:
    if wanted not in names:
      for name in names:
        if _one_off(name.casefold(), wanted.casefold()):
          return name, wanted
  return "", ""


def _one_off(a: str, b: str) -> bool:
  """Whether one letter at most has to be changed, added or taken away."""
  if len(a) > len(b):
    a, b = b, a
  if len(b) - len(a) > 1:
    return False
  pairs = zip(a, b, strict=False)
  same = next((k for k, (x, y) in enumerate(pairs) if x != y), len(a))
  skip = 1 if len(a) == len(b) else 0
  return a[same + skip :] == b[same + 1 :]


def span(low: int | None, high: int | None) -> str:
  """A range of whole numbers, "2,200 to 4,000"; "" where it is not known."""
  if low is None or high is None:
    return ""
  return f"{low:,}" if low == high else f"{low:,} to {high:,}"
