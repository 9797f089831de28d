"""Losses: pure and unreduced, with JAX as their only dependency.

All compute in float32 whatever the dtype of the logits, and in float64 if given
it.
"""

from jaxseg.losses._boundary import boundary
from jaxseg.losses._boundary import signed_distance
from jaxseg.losses._combined import bce_dice
from jaxseg.losses._combined import combo
from jaxseg.losses._combined import deep_supervision
from jaxseg.losses._cross_entropy import binary_cross_entropy
from jaxseg.losses._cross_entropy import focal
from jaxseg.losses._cross_entropy import softmax_cross_entropy
from jaxseg.losses._generalized_dice import generalized_dice
from jaxseg.losses._inputs import has_structure
from jaxseg.losses._lovasz import lovasz
from jaxseg.losses._lovasz import lovasz_hinge
from jaxseg.losses._region import dice
from jaxseg.losses._region import focal_tversky
from jaxseg.losses._region import jaccard
from jaxseg.losses._region import log_cosh_dice
from jaxseg.losses._region import tversky
from jaxseg.losses._registry import get
from jaxseg.losses._registry import names

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
