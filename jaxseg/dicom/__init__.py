"""CT, RTSTRUCT and SEG: read and written, exact to the voxel."""
# ruff: noqa: E402 (What is missing is told before anything needs it.)

from jaxseg import _extras

_extras.load("pydicom", extra="io")

from jaxseg._text import Note
from jaxseg.dicom._codes import written_name
from jaxseg.dicom._ct import read_ct
from jaxseg.dicom._dataset import check_referable
from jaxseg.dicom._image import Image
from jaxseg.dicom._image import image_on
from jaxseg.dicom._parse import Limits
from jaxseg.dicom._roi import Contour
from jaxseg.dicom._roi import Roi
from jaxseg.dicom._roi_mask import RoiMask
from jaxseg.dicom._rtstruct_file import read_rtstruct
from jaxseg.dicom._seg_file import read_seg
from jaxseg.dicom._segmentation import Code
from jaxseg.dicom._segmentation import Segment
from jaxseg.dicom._segmentation import Segmentation
from jaxseg.dicom._series import find_series
from jaxseg.dicom._series import Found
from jaxseg.dicom._series import Series
from jaxseg.dicom._structure_set import Masks
from jaxseg.dicom._structure_set import StructureSet
from jaxseg.dicom._write_ct import write_ct
from jaxseg.dicom._write_rtstruct import write_rtstruct
from jaxseg.dicom._write_rtstruct_contours import RtStructure
from jaxseg.dicom._write_seg import write_seg

__all__ = [
  "Code",
  "Contour",
  "Found",
  "Image",
  "Limits",
  "Masks",
  "Note",
  "Roi",
  "RoiMask",
  "RtStructure",
  "Segment",
  "Segmentation",
  "Series",
  "StructureSet",
  "check_referable",
  "find_series",
  "image_on",
  "read_ct",
  "read_rtstruct",
  "read_seg",
  "write_ct",
  "write_rtstruct",
  "write_seg",
  "written_name",
]
