"""What the console says of a sweep over anyone's maps."""

import math

from jaxseg.cli import _maps_told


def test_a_shift_out_of_the_range_has_no_cost():
  assert _maps_told._share(math.nan) == "–"
  assert _maps_told._share(0.0351) == "3.5%"
