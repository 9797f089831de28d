"""Polygons to masks and back."""

from jaxseg.contours._rasterize import rasterize

__all__ = ["rasterize"]
