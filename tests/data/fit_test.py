"""The prepared slices keep a cohort's organs; what they lose is counted."""

import dataclasses

import numpy as np
import pytest

from jaxseg import cohorts
from jaxseg import data
from jaxseg import errors
from jaxseg import volume
from tests.cohort_double import Blobs


@dataclasses.dataclass
class Far:
  """Bodies of 0.9 mm pixels, with an organ far out on either side."""

  spacing: tuple[float, ...] = (0.9, 0.9, 0.9, 0.9)
  reach: int = 70  # Pixels from the centre to the organ's outer edge.
  name = "far"
  structures = ("parotid_left", "parotid_right", "spinal_cord")

  def patients(self):
    return tuple(f"p{k}" for k in range(len(self.spacing)))

  def describe(self):
    return {"name": self.name}

  def load(self, patient):
    number = int(patient[1:])
    if self.spacing[number] == 0:
      raise errors.DataError(f"{patient}: broken")
    shape = (4, 180, 200)
    y, x = np.ogrid[:180, :200]
    # As far on both sides of (90, 100), which is the body's centre.
    body = (y - 90) ** 2 + (x - 100) ** 2 <= 80**2
    masks = {}
    for name, (low, high) in {
      "parotid_left": (100 + self.reach - 19, 100 + self.reach),
      "parotid_right": (100 - self.reach, 100 - self.reach + 19),
      "spinal_cord": (96, 104),
    }.items():
      mask = np.zeros(shape, np.bool_)
      mask[1:3, 85:95, low : high + 1] = True
      masks[name] = mask
    hu = np.broadcast_to(np.where(body, 0, -1000), shape).astype(np.int16)
    mm = self.spacing[number]
    return cohorts.Case(
      patient, volume.Volume.from_affine(hu, np.diag([3.0, mm, mm, 1.0])), masks
    )


def outside(cohort, config):
  """Share of each structure's voxels beyond the prepared slices, by hand."""
  lost = dict.fromkeys(cohort.structures, 0)
  all_ = dict(lost)
  for name in cohort.patients():
    case = cohort.load(name)
    own = case.image.spacing[1]
    step = config.spacing or own
    for structure, mask in case.masks.items():
      _, rows, columns = np.nonzero(mask)
      # Pixel centres within the outer edges of the prepared pixels.
      far = abs(columns - 100) * own > config.size[1] * step / 2
      far |= abs(rows - 90) * own > config.size[0] * step / 2
      lost[structure] += int(far.sum())
      all_[structure] += len(far)
  return {name: lost[name] / all_[name] for name in lost}


def test_nothing_is_lost_of_organs_far_out(tmp_path):
  cohort = Far()
  wanted = data.PrepareConfig(spacing=data.SPACING_MM)
  config = data.fit(cohort, wanted)
  # 2 * (71 * 0.9 + 8) mm are 71.9 pixels: the least, 96, are enough.
  assert (config.size, config.spacing, config.crop) == ((96, 96), 2.0, None)
  wide = data.fit(Far(reach=99), wanted)
  assert wide.size == (96, 112)  # 2 * (100 * 0.9 + 8) / 2 = 98.
  assert outside(Far(reach=99), wide) == dict.fromkeys(cohort.structures, 0)
  store = data.write_store(tmp_path / "store", Far(reach=99), wide)
  assert {s: share for s, (share, *_) in store.lost().items()} == (
    dict.fromkeys(cohort.structures, 0)
  )


def test_what_is_lost_is_counted(tmp_path):
  cohort, config = Far(), data.PrepareConfig(size=(96, 96))
  store = data.write_store(tmp_path / "store", cohort, config)
  expected = outside(cohort, config)
  assert expected["parotid_left"] == 1  # All beyond 48 pixels.
  lost = store.lost()
  assert {s: share for s, (share, *_) in lost.items()} == expected
  assert lost["parotid_left"][1:] == (1.0, "p0")
  assert store.needed_size == (16, 144)  # 2 * 71 pixels at most.
  kept = dataclasses.replace(config, size=store.needed_size)
  assert outside(cohort, kept)["parotid_right"] == 0
  # A store of an older version does not say how many voxels there were.
  store._voxels = None
  assert {s: share for s, (share, *_) in store.lost().items()} == expected


def test_pixels_are_those_of_the_finest(tmp_path):
  cohort = Far((0.9, 0.6, 1.1))
  config = data.fit(cohort, data.PrepareConfig())
  assert config.spacing is None
  # The widest has 71 * 1.1 + 8 mm to each side, in pixels of 0.6 mm.
  assert config.size[1] == 16 * -(-2 * (71 * 1.1 + 8) / 0.6 // 16)
  assert not any(outside(cohort, config).values())


@pytest.mark.parametrize(
  ("own", "spacing"),
  [
    ((3.0, 3.0), None),  # Nothing would be gained by finer pixels.
    ((3.0, 3.0, 2.5), 3.0),
    ((0.9, 3.0), 2.0),
  ],
)
def test_coarse_patients_are_not_refined(own, spacing):
  config = data.fit(Far(own), data.PrepareConfig(spacing=2.0))
  assert config.spacing == spacing


def test_an_extent_in_mm():
  wanted = data.PrepareConfig(spacing=2.0)
  config = data.fit(Far(), wanted, extent=(64.0, 161.0))
  assert config.size == (32, 96)


def test_a_broken_patient_is_passed_over():
  cohort, config = Far((0.0, 0.9)), data.PrepareConfig(spacing=2.0)
  assert data.fit(cohort, config, skip_bad=True).size == (96, 96)
  with pytest.raises(errors.DataError, match="p0: broken"):
    data.fit(cohort, config)
  with pytest.raises(errors.DataError, match="no patients: p0: broken"):
    data.fit(Far((0.0,)), config, skip_bad=True)


def test_what_a_check_refuses_leaves_nothing(tmp_path):
  def check(store):
    raise errors.ConfigError(f"lost: {store.lost()['brain'][0]}")

  with pytest.raises(errors.ConfigError, match=r"lost: 0\.0"):
    data.prepare_run(
      tmp_path / "run", Blobs(), data.PrepareConfig(size=(32, 32)), check=check
    )
  assert list(tmp_path.iterdir()) == []
