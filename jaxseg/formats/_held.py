"""Files that are read once, however many of their structures are wanted."""

from collections.abc import Callable, Iterator
import contextlib
import contextvars
import pathlib
from typing import Any, TypeVar

_Content = TypeVar("_Content")
_HELD: contextvars.ContextVar[dict[Any, Any] | None] = contextvars.ContextVar(
  "held", default=None
)


@contextlib.contextmanager
def held() -> Iterator[None]:
  """Within the block a file is read once, and all of its channels are kept.

  Reading one structure of many costs memory for one; reading many, one after
  the other, costs as many reads. Here it costs one read and memory for all.
  """
  if holds():  # Within a block of whoever called.
    yield
    return
  token = _HELD.set({})
  try:
    yield
  finally:
    _HELD.reset(token)


def holds() -> bool:
  """Whether files are held."""
  return _HELD.get() is not None


def once(path: pathlib.Path, read: Callable[[], _Content]) -> _Content:
  """What a file holds, read unless it is held already."""
  kept = _HELD.get()
  if kept is None:
    return read()
  if path not in kept:
    kept[path] = read()
  return kept[path]
