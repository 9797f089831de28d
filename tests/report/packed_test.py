"""What the viewer reads: voxels are exact, and a scene is small."""

import base64
import dataclasses
import gzip
import io
import json

import numpy as np
from PIL import Image
import pytest

from jaxseg.report import _packed
from tests.report import scenes_made


def unpacked(text):
  return gzip.decompress(base64.b64decode(text))


def indices(content):
  """The inverse of `_packed.runs`, as slow as it is plain."""
  numbers, number, bits = [], 0, 0
  for byte in content:
    number |= (byte & 127) << bits
    bits += 7
    if byte < 128:
      numbers.append(number)
      number = bits = 0
  found, at = [], 0
  for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
    at += gap
    found += range(at, at + length)
    at += length
  return found


@pytest.mark.parametrize(
  "index",
  [[], [0], [5], [0, 1, 2], [127, 128, 129, 300, 2**21 + 5, 2**32 - 1]],
)
def test_runs_give_the_indices_back(index):
  assert indices(_packed.runs(np.array(index, np.uint32))) == index


def test_a_map_keeps_each_voxel_and_its_level():
  results = [scenes_made.counts()]
  given = scenes_made.scene("brain", results, 2)
  packed = json.loads(json.dumps(_packed.scene(given), allow_nan=False))
  (one,) = packed["maps"]
  content = unpacked(one["voxels"])
  length, count = np.frombuffer(content[:8], "<u4")
  place = np.array(indices(content[8 : 8 + length]))
  low, high = np.frombuffer(content[8 + length :], np.uint8).reshape(2, count)
  level = low + 256 * high.astype(int)
  p = scenes_made.case(2)[0].ravel()
  assert one["floor"] == 10
  for k in (one["floor"], 394, 1000):
    cut = np.float32(k / 1000)
    np.testing.assert_array_equal(place[level > k], np.flatnonzero(p >= cut))
  assert indices(unpacked(packed["reference"])) == list(
    np.flatnonzero(scenes_made.case(2)[1])
  )
  assert indices(unpacked(packed["known"])) == list(range(11))


def test_levels_of_many_thresholds_have_a_third_byte():
  level = np.array([0x12345], np.uint32)
  place = np.array([7], np.uint32)
  given = dataclasses.replace(
    scenes_made.scene("brain", [scenes_made.counts()], 2).maps[0],
    place=place,
    level=level,
  )
  content = unpacked(_packed._map(given, 100_001)["voxels"])
  assert content[8:] == bytes([7, 1, 0x45, 0x23, 0x01])


def test_a_large_map_begins_at_a_higher_threshold(monkeypatch):
  monkeypatch.setattr(_packed, "_MOST_BYTES", 3000)
  given = scenes_made.scene("brain", [scenes_made.counts()], 2)
  packed = _packed.scene(given)["maps"][0]
  assert packed["floor"] == 200
  assert packed["floor"] <= packed["threshold"] // 2


def test_the_picture_is_windowed_and_not_larger_than_a_screen_needs():
  ramp = np.linspace(-1000, 1000, 700 * 20).reshape(1, 20, 700)
  (text,) = _packed.images(ramp)
  picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))
  assert picture.shape == (7, 234)
  assert picture[0, 0] < 5
  assert picture[-1, -1] > 250


def test_of_an_image_that_is_no_ct_the_window_is_its_own():
  values = np.linspace(0, 4000, 300).reshape(1, 15, 20)
  values[0, 0, 0] = np.nan
  (text,) = _packed.images(values)
  picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))
  assert picture.min() < 10
  assert picture.max() > 245
