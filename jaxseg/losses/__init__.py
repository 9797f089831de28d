"""Losses: pure and unreduced, with JAX as their only dependency.

Batches are `[N, H, W, C]`: **the last axis is of structures or classes**, and a
softmax is taken over it. **By default a group is one slice**: the losses that
sum over pixels do so over `axis=(-3, -2)`, H and W, and give `[N, C]`; those of
single pixels give a loss for each. Arrays of fewer than four axes need `axis`.

Labels are in [0, 1], of the logits' shape; with a softmax also class numbers,
integers `[N, H, W]`. Those whose values are known, outside `jit`, are checked;
traced ones cannot be. A soft label t is met at p = t, the least of every loss
but the Lovasz ones, which need 0 or 1. Masks are `where` and `ignore`.

All compute in float32 whatever the dtype of the logits, and in float64 if given
it. Numbers such as `smooth` or `gamma` may be traced.
"""

from jaxseg.losses._boundary import boundary
from jaxseg.losses._boundary import signed_distance
from jaxseg.losses._combined import bce_dice
from jaxseg.losses._combined import combo
from jaxseg.losses._cross_entropy import binary_cross_entropy
from jaxseg.losses._cross_entropy import softmax_cross_entropy
from jaxseg.losses._deep_supervision import deep_supervision
from jaxseg.losses._focal import focal
from jaxseg.losses._focal import softmax_focal
from jaxseg.losses._generalized_dice import generalized_dice
from jaxseg.losses._inputs import has_structure
from jaxseg.losses._lovasz import lovasz
from jaxseg.losses._lovasz import lovasz_hinge
from jaxseg.losses._region import dice
from jaxseg.losses._region import jaccard
from jaxseg.losses._region import log_cosh_dice
from jaxseg.losses._registry import get
from jaxseg.losses._registry import names
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
  "softmax_focal",
  "tversky",
]
