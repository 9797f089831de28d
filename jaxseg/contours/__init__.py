"""Polygons to masks and back, exact to the voxel.

`rasterize`, `trace` and `isolines` take and give points in patient LPS, mm, on
evenly spaced slices. The others work in index coordinates, (row, column) of
one slice: for grids that no affine describes, and for checks.
"""

from jaxseg.contours._between import interpolate
from jaxseg.contours._between import skipped
from jaxseg.contours._crossings import count_crossings
from jaxseg.contours._crossings import partly_overlapping
from jaxseg.contours._crossings import self_crossing
from jaxseg.contours._isoline import isolines
from jaxseg.contours._keyhole import keyhole
from jaxseg.contours._keyhole import nest
from jaxseg.contours._rasterize import fill
from jaxseg.contours._rasterize import rasterize
from jaxseg.contours._rings import has_area
from jaxseg.contours._rings import levels
from jaxseg.contours._rings import PLANAR_MM
from jaxseg.contours._trace import trace
from jaxseg.contours._trace import trace_slices

__all__ = [
  "PLANAR_MM",
  "count_crossings",
  "fill",
  "has_area",
  "interpolate",
  "isolines",
  "keyhole",
  "levels",
  "nest",
  "partly_overlapping",
  "rasterize",
  "self_crossing",
  "skipped",
  "trace",
  "trace_slices",
]
