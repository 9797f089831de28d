"""From HU to what the network is given, and to probabilities."""

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import models


def test_the_window():
  hu = np.array([[-1000, -200, 100, 400, 3000]], np.int16)
  np.testing.assert_allclose(models.window(hu, -200, 400), [[-1, -1, 0, 1, 1]])
  np.testing.assert_allclose(
    models.window(hu, -200, 400, to=(0.0, 1.0)), [[0, 0, 0.5, 1, 1]], atol=1e-7
  )
  with pytest.raises(errors.ConfigError, match="empty"):
    models.window(hu, 5, 5)


def test_equal_networks_share_one_compiled_function():
  settings = {"name": "unet", "base": 4}
  first = models.Forward.of(settings, (-200, 400), (-1, 1))
  same = models.Forward.of(
    dict(reversed(settings.items())), [-200, 400], [-1, 1]
  )
  other = models.Forward.of(settings, (-100, 400), (-1, 1))
  assert first == same and first.predict is same.predict
  assert first.predict is not other.predict
