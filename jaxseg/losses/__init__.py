"""Losses: pure, unreduced, float32; they need JAX alone."""

from jaxseg.losses._bce_dice import bce_dice
from jaxseg.losses._cross_entropy import binary_cross_entropy
from jaxseg.losses._dice import dice
from jaxseg.losses._registry import get
from jaxseg.losses._registry import names

__all__ = ["bce_dice", "binary_cross_entropy", "dice", "get", "names"]
