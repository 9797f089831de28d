"""Losses: pure and unreduced; they need JAX alone.

All compute in float32, whatever a network's dtype, and in float64 if they are
given it.
"""

from jaxseg.losses._bce_dice import bce_dice
from jaxseg.losses._boundary import boundary
from jaxseg.losses._boundary import signed_distance
from jaxseg.losses._combo import combo
from jaxseg.losses._cross_entropy import binary_cross_entropy
from jaxseg.losses._deep_supervision import deep_supervision
from jaxseg.losses._dice import dice
from jaxseg.losses._focal import focal
from jaxseg.losses._generalized_dice import generalized_dice
from jaxseg.losses._inputs import has_structure
from jaxseg.losses._jaccard import jaccard
from jaxseg.losses._log_cosh_dice import log_cosh_dice
from jaxseg.losses._lovasz import lovasz
from jaxseg.losses._lovasz import lovasz_hinge
from jaxseg.losses._registry import get
from jaxseg.losses._registry import names
from jaxseg.losses._softmax_cross_entropy import softmax_cross_entropy
from jaxseg.losses._tversky import focal_tversky
from jaxseg.losses._tversky import tversky

__all__ = [
  "bce_dice",
  "binary_cross_entropy",
  "boundary",
  "combo",
  "deep_supervision",
  "dice",
  "focal",
  "focal_tversky",
  "generalized_dice",
  "get",
  "has_structure",
  "jaccard",
  "log_cosh_dice",
  "lovasz",
  "lovasz_hinge",
  "names",
  "signed_distance",
  "softmax_cross_entropy",
  "tversky",
]
