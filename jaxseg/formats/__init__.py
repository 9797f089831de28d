"""Probability maps and masks of any framework: read, paired, on one grid."""

from jaxseg.formats._grids import match_grids
from jaxseg.formats._pair import Pair
from jaxseg.formats._pair import pair
from jaxseg.formats._pair import Pairing
from jaxseg.formats._read import companions
from jaxseg.formats._read import read_mask
from jaxseg.formats._read import read_probabilities
from jaxseg.formats._values import read_image

__all__ = [
  "Pair",
  "Pairing",
  "companions",
  "match_grids",
  "pair",
  "read_image",
  "read_mask",
  "read_probabilities",
]
