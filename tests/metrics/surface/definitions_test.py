"""Areas of surface elements are those of their authors."""

import numpy as np

from jaxseg.metrics.surface import _definitions


def test_golden_areas(golden):
  seen = 0
  with np.load(golden / "surface_masks.npz") as tables:
    for key in tables.files:
      if key.startswith("code_"):
        spacing = [float(mm) for mm in key.split("__")[1].split("_")]
        np.testing.assert_allclose(
          _definitions.surfel_areas(spacing), tables[key], rtol=2e-15
        )
        seen += 1
  assert seen == 6
