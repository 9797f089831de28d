"""MR signal, which has no unit, on the scale that everything else is made for.

Preparation finds the body above -300 HU, fills with air of -1000, and networks
see -200 to 400 HU. MR signal is brought onto that scale by each image's own
distribution; where the network sees differences, the map is linear.
"""

import numpy as np

from jaxseg import errors
from jaxseg import volume

_AIR, _DARK, _BRIGHT, _MOST = -1000.0, -200.0, 400.0, 3000.0
# Noise of the background, as a share of the brightest tissue's signal.
_NOISE = 0.1
_PERCENTILE = 99.5


def scale_mr(image: volume.Volume) -> volume.Volume:
  """Brings MR signal onto the scale of HU, as cohorts of MR are read.

  A model that was trained on such a cohort does it by itself: give
  `Model.predict` the signal.

  No signal becomes -1000, a tenth of the brightest tissue (the 99.5th
  percentile of what has signal) -200, the brightest tissue 400; linear between
  them and on up to 3000.

  Args:
    image: MR signal, any number type; negative values count as none.

  Returns:
    int16 on the same grid.

  Raises:
    DataError: The image has no signal.
  """
  signal = np.asarray(image.array, np.float32)
  seen = signal[signal > 0]
  if not seen.size:
    raise errors.DataError("the image has no signal above 0; is it an MR?")
  # Noise outside of the body is most of an image, so its middle is taken first.
  bright = float(np.percentile(seen, _PERCENTILE))
  tissue = seen[seen > _NOISE * bright]
  bright = float(np.percentile(tissue, _PERCENTILE))
  slope = (_BRIGHT - _DARK) / (bright * (1 - _NOISE))
  most = bright + (_MOST - _BRIGHT) / slope
  values = np.interp(signal, [0, _NOISE * bright, most], [_AIR, _DARK, _MOST])
  return image.with_array(np.rint(values).astype(np.int16))
