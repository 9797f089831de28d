"""Polygons to masks and back."""

from jaxseg.contours._rasterize import rasterize
from jaxseg.contours._trace import trace

__all__ = ["rasterize", "trace"]
