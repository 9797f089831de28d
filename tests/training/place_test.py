"""The place that slices are kept in is chosen by sizes alone."""

import types

import numpy as np
import pytest

from jaxseg import errors
from jaxseg.training import _memory
from jaxseg.training import _place

GB = 10**9
# 3 GB of images of two bytes, so 1.5 GB of masks.
LARGE = types.SimpleNamespace(
  shape=(22888, 256, 256), nbytes=3 * GB, dtype=np.dtype(np.int16)
)


@pytest.mark.parametrize(
  ("device", "host", "groups", "devices", "keep"),
  [
    (None, None, 1, 1, "device"),
    (None, 8 * GB, 1, 1, "device"),  # 4.5 of 8 GB.
    (None, 7 * GB, 1, 1, "store"),
    (None, 8 * GB, 1, 2, "ram"),  # Two CPU devices would have two copies.
    (None, 8 * GB, 2, 2, "store"),  # 3 GB of images, 3 of masks.
    (10 * GB, None, 1, 1, "device"),
    (10 * GB, 8 * GB, 2, 4, "device"),  # Each has its own memory.
    (8 * GB, 8 * GB, 1, 1, "ram"),
    (8 * GB, 7 * GB, 1, 1, "store"),
    (80 * GB, GB, 1, 1, "device"),  # The host never holds them.
  ],
)
def test_the_first_place_that_has_the_memory(
  monkeypatch, device, host, groups, devices, keep
):
  monkeypatch.setattr(_memory, "device_free", lambda: device)
  monkeypatch.setattr(_memory, "host_free", lambda: host)
  how = {"groups": groups, "devices": devices}
  place = _place.choose(LARGE, **how)
  assert place.keep == keep
  assert "22,888 of 256 x 256" in place.text
  asked = _place.choose(LARGE, keep="ram", **how)
  assert (asked.keep, "as --keep asks" in asked.text) == ("ram", True)


def test_processes_of_one_host_share_its_memory(monkeypatch):
  monkeypatch.setattr(_memory, "device_free", lambda: None)
  monkeypatch.setattr(_memory, "host_free", lambda: 17 * GB)
  found = [_place.choose(LARGE, sharing=n).keep for n in (1, 2, 3)]
  assert found == ["device", "device", "store"]


def test_other_places_are_refused():
  with pytest.raises(errors.ConfigError, match="take device, ram or store"):
    _place.choose(LARGE, keep="disk")
