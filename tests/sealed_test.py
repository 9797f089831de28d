"""JSON objects of ours: what was changed in them is found."""

import contextlib
import json

import pytest

from jaxseg import _sealed
from jaxseg import errors

CONTENT = {"a": 1, "b": [0.30, None], "text": "x y"}


def read(path):
  return _sealed.read(path, {"a": int, "b": list}, again="make it again")


def test_what_is_written_comes_back(tmp_path):
  path = tmp_path / "x.json"
  _sealed.write(path, CONTENT)
  assert read(path) == CONTENT
  path.write_text(json.dumps(CONTENT))  # Of an older version.
  assert read(path) == CONTENT


def test_no_flipped_bit_changes_what_is_read(tmp_path):
  path = tmp_path / "x.json"
  _sealed.write(path, CONTENT)
  content = path.read_bytes()
  for place in range(8 * len(content)):
    wrong = bytearray(content)
    wrong[place // 8] ^= 1 << place % 8
    path.write_bytes(wrong)
    with contextlib.suppress(errors.DataError):
      found = read(path)
      assert {**found, **CONTENT} == found


def test_who_writes_it_anew_has_meant_it(tmp_path):
  path = tmp_path / "x.json"
  _sealed.write(path, CONTENT)
  path.write_text(json.dumps(json.loads(path.read_text()) | {"a": 2}))
  assert read(path)["a"] == 2
  text = json.dumps(json.loads(path.read_text()), indent=2)
  path.write_text(text)
  with pytest.raises(errors.DataError, match="its digest does not fit"):
    read(path)


@pytest.mark.parametrize(
  ("text", "said"),
  [
    ("[]", "holds [] where an object"),
    ("null", "holds null where an object"),
    ("3.5", "holds a number where an object"),
    ("{", "cannot be read as JSON"),
    ("", "cannot be read as JSON"),
    ("{}", "entry a is missing"),
    ('{"a": true, "b": []}', "entry a is true or false, which is malformed"),
    ('{"a": 1.5, "b": []}', "entry a is a number"),
    ('{"a": 1, "b": {}}', "entry b is {}"),
  ],
)
def test_what_is_no_such_object_is_named(tmp_path, text, said):
  (tmp_path / "x.json").write_text(text)
  with pytest.raises(errors.DataError) as caught:
    read(tmp_path / "x.json")
  assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_number_is_finite(tmp_path):
  (tmp_path / "x.json").write_text('{"a": NaN}')
  with pytest.raises(errors.DataError, match="entry a is nan"):
    _sealed.read(tmp_path / "x.json", {"a": float}, again="make it again")
