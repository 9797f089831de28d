"""Probability maps and masks of any framework: read, paired, on one grid."""

from jaxseg.formats._classes import channel
from jaxseg.formats._classes import classes
from jaxseg.formats._classes import winners
from jaxseg.formats._grids import continued_grid
from jaxseg.formats._grids import match_grids
from jaxseg.formats._held import held
from jaxseg.formats._label_maps import find_masks
from jaxseg.formats._label_maps import labels_in
from jaxseg.formats._label_maps import stem_of
from jaxseg.formats._labels import Labels
from jaxseg.formats._labels import read_labels
from jaxseg.formats._masks import IGNORED
from jaxseg.formats._masks import INSIDE
from jaxseg.formats._masks import read_mask
from jaxseg.formats._masks import read_reference
from jaxseg.formats._names import at_odds
from jaxseg.formats._names import label_of
from jaxseg.formats._pair import Pair
from jaxseg.formats._pair import pair
from jaxseg.formats._pair import Pairing
from jaxseg.formats._pair_file import read_pairs
from jaxseg.formats._pair_names import pair_names
from jaxseg.formats._read import companions
from jaxseg.formats._read import read_probabilities
from jaxseg.formats._values import read_image
from jaxseg.formats._write import check_nifti
from jaxseg.formats._write import find_maps
from jaxseg.formats._write import named
from jaxseg.formats._write import write_image
from jaxseg.formats._write import write_map
from jaxseg.formats._write import write_mask
from jaxseg.formats._write import write_mask_slices

__all__ = [
  "IGNORED",
  "INSIDE",
  "Labels",
  "Pair",
  "Pairing",
  "at_odds",
  "channel",
  "check_nifti",
  "classes",
  "companions",
  "continued_grid",
  "find_maps",
  "find_masks",
  "held",
  "label_of",
  "labels_in",
  "match_grids",
  "named",
  "pair",
  "pair_names",
  "read_image",
  "read_labels",
  "read_mask",
  "read_pairs",
  "read_probabilities",
  "read_reference",
  "stem_of",
  "winners",
  "write_image",
  "write_map",
  "write_mask",
  "write_mask_slices",
]
