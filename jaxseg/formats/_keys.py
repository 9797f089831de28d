"""Names of cases, and what all names of a side have in common.

Names are cut between words and numbers only: prob_case10 and prob_case11 share
"prob_case" and not "prob_case1", so that no case 0 of another set is taken for
case 10.
"""

from collections.abc import Sequence
import dataclasses
import pathlib
import re
import unicodedata

from jaxseg.formats import _paths

_TOKEN = re.compile(r"[0-9]+|[^\W\d_]+|[\W_]|.", re.DOTALL)
_ENDS = " _-.,/"
# nnU-Net's number of a channel.
_CHANNEL = re.compile(r"_00[0-9][0-9]")


@dataclasses.dataclass(frozen=True)
class Keys:
  """What files are matched by.

  Attributes:
    keys: One for each file.
    before: The words in front of each key, the same for all.
    after: The words behind each key, the same for all.
  """

  keys: tuple[str, ...]
  before: tuple[str, ...] = ()
  after: tuple[str, ...] = ()


def stems(paths: Sequence[pathlib.Path]) -> Keys:
  """The files' names without their suffixes.

  Accented letters are one character or two, depending on the system; here they
  are one.
  """
  return Keys(
    tuple(unicodedata.normalize("NFC", _paths.stem(path)) for path in paths)
  )


def telling(paths: Sequence[pathlib.Path]) -> Keys:
  """Names that tell the files apart, by their folders where names do not.

  Where all names are equal the folders stand for them, without those that all
  share; where some are equal the folders are put in front.
  """
  own = stems(paths).keys
  if len(set(own)) == len(own):
    return Keys(own)
  folders = _folders(paths)
  if len(set(own)) > 1:
    return Keys(_within(folders, own))
  back = _shared([parts[::-1] for parts in folders], keep=0)
  return Keys(tuple("/".join(parts[: len(parts) - back]) for parts in folders))


def filled(paths: Sequence[pathlib.Path]) -> tuple[str, ...]:
  """Names as of `telling`, none of them empty.

  Of files of one name, one that lies above the others has no folder to stand
  for it; there each is named by both.
  """
  keys = telling(paths).keys
  return keys if all(keys) else _within(_folders(paths), stems(paths).keys)


def _folders(paths: Sequence[pathlib.Path]) -> list[tuple[str, ...]]:
  """The folders of each file, without those that all share."""
  folders = [
    tuple(unicodedata.normalize("NFC", part) for part in path.parent.parts)
    for path in paths
  ]
  front = _shared(folders, keep=0)
  return [parts[front:] for parts in folders]


def _within(
  folders: Sequence[tuple[str, ...]], names: Sequence[str]
) -> tuple[str, ...]:
  both = zip(folders, names, strict=True)
  return tuple("/".join((*parts, name)) for parts, name in both)


def stripped(names: Keys) -> Keys:
  """Keys without what all begin and end with; a single one is kept whole."""
  if len(names.keys) < 2:
    return names
  words = [tuple(_TOKEN.findall(name)) for name in names.keys]
  front = _shared(words)
  before, words = words[0][:front], [one[front:] for one in words]
  back = _shared([one[::-1] for one in words])
  after = words[0][len(words[0]) - back :]
  keys = tuple("".join(one[: len(one) - back]) for one in words)
  return Keys(keys, before, after)


def extends(longer: str, name: str) -> bool:
  """Whether a name is another one with words in front or behind.

  Words with numbers may tell patients apart and do not count, except nnU-Net's
  channels: case_001_0000 and case_001, case1_prob and case1.
  """
  if not (longer.startswith(name) or longer.endswith(name)):
    return False
  words, own = _TOKEN.findall(longer), _TOKEN.findall(name)
  count = len(words) - len(own)
  if count < 2 or not own:
    return False
  if words[: len(own)] == own and words[len(own)] in _ENDS:
    rest = "".join(words[len(own) :])
    return not _numbered(rest) or bool(_CHANNEL.fullmatch(rest))
  if words[count:] == own and words[count - 1] in _ENDS:
    return not _numbered("".join(words[:count]))
  return False


def _numbered(text: str) -> bool:
  return any(c.isdigit() for c in text)


def at_odds(one: Keys, other: Keys) -> bool:
  """Whether the shared parts of both sides hold different numbers.

  These may tell patients or sites apart: p1_t1, p1_t2 and p2_t1, p2_t2.
  """
  numbers = [
    sorted(
      int(word)
      for word in (*keys.before, *keys.after)
      if word.isascii() and word.isdigit()
    )
    for keys in (one, other)
  ]
  return all(numbers) and numbers[0] != numbers[1]


def said(key: str, one: Keys, other: Keys) -> str:
  """A case's name: its key with the words that both sides have around it."""
  front = _shared([one.before[::-1], other.before[::-1]], keep=0)
  back = _shared([one.after, other.after], keep=0)
  before = "".join(one.before[len(one.before) - front :]).lstrip(_ENDS)
  return before + key + "".join(one.after[:back]).rstrip(_ENDS)


def _shared(words: Sequence[Sequence[str]], keep: int = 1) -> int:
  """How many first words all share; at least `keep` of each are left."""
  count = 0
  most = min(len(one) for one in words) - keep
  while count < most and len({one[count] for one in words}) == 1:
    count += 1
  return count
