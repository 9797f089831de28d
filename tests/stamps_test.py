"""Files that were read before are known, and others are not taken for them."""

import os

import pytest

from jaxseg import _stamps


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_a_file_is_known_wherever_it_lies(tmp_path, size):
  one, other = tmp_path / "a" / "map.npy", tmp_path / "b" / "map.npy"
  for path in (one, other):
    path.parent.mkdir()
    path.write_bytes(bytes(size))
    os.utime(path, ns=(10**18, 10**18))
  assert _stamps.of(one) == _stamps.of(other)
  os.utime(other, ns=(10**18, 10**18 + 1))
  assert _stamps.of(one) != _stamps.of(other)


@pytest.mark.parametrize("place", [0, 17, 2500, -1])
@pytest.mark.parametrize("whole", [10**6, 1000])
def test_what_it_holds_tells_it_apart(tmp_path, monkeypatch, whole, place):
  # A large file is looked at in blocks that here leave no byte out.
  monkeypatch.setattr(_stamps, "_WHOLE", whole)
  monkeypatch.setattr(_stamps, "_BLOCK", 100)
  path = tmp_path / "map.npy"
  content = bytearray(5000)
  stamps = []
  for value in (0, 1):
    content[place] = value
    path.write_bytes(content)
    os.utime(path, ns=(10**18, 10**18))
    stamps.append(_stamps.of(path))
  assert stamps[0] != stamps[1]
