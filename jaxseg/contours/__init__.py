"""Polygons to masks and back."""

from jaxseg.contours._isoline import isolines
from jaxseg.contours._keyhole import keyhole
from jaxseg.contours._keyhole import nest
from jaxseg.contours._rasterize import rasterize
from jaxseg.contours._trace import trace

__all__ = ["isolines", "keyhole", "nest", "rasterize", "trace"]
