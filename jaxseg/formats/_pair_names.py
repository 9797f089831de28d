"""Names of two sides paired as files' names are, whatever they name."""

from collections.abc import Callable, Sequence

from jaxseg import _text
from jaxseg import errors
from jaxseg.formats import _keys

# Ways to read the names of a side, the strictest first.
_WAYS: tuple[Callable[[_keys.Keys], _keys.Keys], ...] = (
  lambda names: names,
  lambda names: _keys.Keys(tuple(_text.slug(one) for one in names.keys)),
  lambda names: _keys.stripped(
    _keys.Keys(tuple(_text.slug(one) for one in names.keys))
  ),
)


def pair_names(
  ours: Sequence[str], theirs: Sequence[str]
) -> list[tuple[int, int]]:
  """Pairs names as `pair` pairs those of files.

  Equal names are pairs; where there are none, those that are equal without
  regard to case and separators, then those that are equal without what all of
  a side begin and end with. Of the rest, two are a pair if one is the other
  with words in front or behind, and fits no third. A single name on each side
  is a pair.

  Args:
    ours: Names of one side, each once.
    theirs: Names of the other.

  Returns:
    Positions in both, in the order of `ours`.

  Raises:
    DataError: A name fits two, and none fits better.
  """
  if len(ours) == len(theirs) == 1:
    return [(0, 0)]
  pairs: list[tuple[int, int]] = []
  for way in _WAYS if ours and theirs else ():
    left, right = way(_keys.Keys(tuple(ours))), way(_keys.Keys(tuple(theirs)))
    common = set(left.keys) & set(right.keys)
    if not common or _keys.at_odds(left, right):
      continue
    for key in sorted(common):
      for side, names in ((left, ours), (right, theirs)):
        if side.keys.count(key) > 1:
          both = [n for n, k in zip(names, side.keys, strict=True) if k == key]
          raise errors.DataError(
            f"{_text.shown(both[0])} and {_text.shown(both[1])}: both fit the"
            f" name {_text.shown(key)}; give one of them only"
          )
      pairs.append((left.keys.index(key), right.keys.index(key)))
    break
  return sorted(pairs + _extended(ours, theirs, pairs))


def _extended(
  ours: Sequence[str],
  theirs: Sequence[str],
  pairs: Sequence[tuple[int, int]],
) -> list[tuple[int, int]]:
  """Pairs of what is left over, by more words in front or behind."""
  slugs = [[_text.slug(one) for one in side] for side in (ours, theirs)]
  fits = [
    (i, k)
    for i, own in enumerate(slugs[0])
    for k, other in enumerate(slugs[1])
    if i not in {a for a, _ in pairs}
    and k not in {b for _, b in pairs}
    and (_keys.extends(own, other) or _keys.extends(other, own))
  ]
  return [
    (i, k)
    for i, k in fits
    if sum(a == i for a, _ in fits) == sum(b == k for _, b in fits) == 1
  ]
