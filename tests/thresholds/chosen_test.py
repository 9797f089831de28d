"""threshold.json: what is written comes back, anything else is refused."""

import json

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import thresholds

CHOSEN = thresholds.ChosenThreshold(
  0.375,
  criterion="dice",
  value=0.81,
  patients=15,
  scope="known",
  low=0.37,
  high=0.38,
  interval=(0.3, 0.45),
  level=0.95,
  structure="parotid_left",
  details={"cohort": "phantom", "nothing": None},
)


def test_what_is_written_comes_back(tmp_path):
  CHOSEN.write(tmp_path / "threshold.json")
  assert thresholds.ChosenThreshold.read(tmp_path) == CHOSEN
  assert thresholds.ChosenThreshold.read(tmp_path / "threshold.json") == CHOSEN


def refusal(tmp_path, content):
  path = tmp_path / "threshold.json"
  path.write_text(content)
  with pytest.raises(errors.DataError) as caught:
    thresholds.ChosenThreshold.read(path)
  assert str(path) in str(caught.value) and "\n" not in str(caught.value)
  return str(caught.value)


def test_other_versions_are_named(tmp_path):
  old = json.dumps({"threshold": 0.4, "rule": "float32(p) >= ..."})
  assert "older version" in refusal(tmp_path, old)
  new = json.dumps({"threshold": 0.4, "schema": "jaxseg.threshold/9"})
  assert "jaxseg.threshold/9" in refusal(tmp_path, new)


@pytest.mark.parametrize(
  "change",
  [
    {"threshold": None}, {"threshold": "0.5"}, {"threshold": 1.5},
    {"threshold": True}, {"interval": [1]}, {"interval": "ab"},
    {"unheard": 1}, {"level": 0.9, "value2": 1},
  ],
)  # fmt: skip
def test_a_damaged_file_is_refused(tmp_path, change):
  CHOSEN.write(tmp_path / "threshold.json")
  content = json.loads((tmp_path / "threshold.json").read_text())
  refusal(tmp_path, json.dumps(content | change))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "3", "null"])
def test_what_is_no_such_file_is_refused(tmp_path, text):
  refusal(tmp_path, text)


@pytest.mark.parametrize("cut", [3.0, -0.1, float("nan"), True, "0.5", None])
def test_what_is_no_threshold_is_refused(cut):
  with pytest.raises(errors.ConfigError, match=r"in \[0, 1\]"):
    thresholds.ChosenThreshold(cut, criterion="dice", value=1.0, patients=1)


def test_numbers_of_numpy_and_an_interval_of_nothing_come_back(tmp_path):
  none = (float("nan"), float("nan"))
  chosen = thresholds.ChosenThreshold(
    np.float32(0.25), "dice", 0.8, np.int64(3), interval=none
  )
  chosen.write(tmp_path / "threshold.json")
  read = thresholds.ChosenThreshold.read(tmp_path)
  assert read == chosen and read.interval is None
  assert (read.threshold, read.patients) == (0.25, 3)
  with pytest.raises(errors.ConfigError, match=r"patients is 2\.5; give a who"):
    thresholds.ChosenThreshold(0.3, "dice", 0.8, 2.5)
