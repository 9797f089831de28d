"""CT series: every trap of the domain, on series made for it."""

import io
import shutil
import warnings

import numpy as np
import pydicom
from pydicom import encaps
from pydicom import uid as uids
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
import pytest
import SimpleITK as sitk

from jaxseg import dicom
from jaxseg import errors
from jaxseg import volume
from tests.dicom.ct_double import ct_series
from tests.dicom.ct_double import stored
from tests.dicom.ct_double import uid
from tests.dicom.ct_double import write
from tests.dicom.rt_double import structure_set

OBLIQUE = (0.9541666, -0.2080757, 0.2151061, 0.2785886, 0.880128, -0.3843997)


def codes(image):
  return {note.code for note in image.notes}


def test_values_order_and_affine(tmp_path):
  ct_series(tmp_path)
  image = dicom.read_ct(tmp_path)
  assert image.array.dtype == np.int16
  np.testing.assert_array_equal(
    image.array, stored((5, 16, 20)).astype(np.int32) - 1024
  )
  expected = [[0, 0, 1, -10], [0, 1.5, 0, -20], [3, 0, 0, 30], [0, 0, 0, 1]]
  np.testing.assert_allclose(image.affine, expected, atol=1e-9)
  assert image.affine.dtype == np.float64
  assert image.instances[0] == uid(0, "instance", 0)
  assert image.notes == () and image.modality == "CT"
  assert image.hounsfield().array.dtype == np.int16


def test_an_image_is_a_volume(tmp_path):
  ct_series(tmp_path)
  image = dicom.read_ct(tmp_path)
  assert isinstance(image, volume.Volume)
  finer = volume.Grid.from_affine(
    (9, 16, 20), image.affine @ np.diag([0.5, 1, 1, 1])
  )
  found = volume.resample(image, finer)
  np.testing.assert_allclose(found.array[::2], image.array, atol=1e-3)
  assert found.source == tmp_path


@pytest.mark.parametrize("iop", [
    (1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1), (1, 0, 0, 0, 0, -1), OBLIQUE,
    (-1, 0, 0, 0, -1, 0), (1, 0, 0, 0, -1, 0),
])  # fmt: skip
def test_affine_equals_the_standards_formula(tmp_path, iop):
  paths = ct_series(tmp_path, iop=iop)
  image = dicom.read_ct(tmp_path)
  header = pydicom.dcmread(paths[3])
  position = np.array(header.ImagePositionPatient, float)
  row, column = 7, 11
  expected = (
    position + column * 1.0 * np.array(iop[:3]) + row * 1.5 * np.array(iop[3:])
  )
  found = image.affine @ [3, row, column, 1]
  np.testing.assert_allclose(found[:3], expected, atol=1e-5)
  along = image.grid.normal @ image.affine[:3, 0]
  assert along > 0  # Slices ascend along the normal, nobody flips.


def test_equals_simpleitk_on_real_series(dicom_data):
  for folder in sorted(dicom_data.glob("sts/*/image")):
    image = dicom.read_ct(folder)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    other = reader.Execute()
    origin = image.affine @ [0, 0, 0, 1]
    np.testing.assert_allclose(other.GetOrigin(), origin[:3], atol=1e-4)
    np.testing.assert_allclose(
      sitk.GetArrayFromImage(other), image.array, rtol=1e-6, atol=1e-4
    )


def test_rows_and_columns_of_real_oblique_series(dicom_data):
  image = dicom.read_ct(dicom_data / "rtstruct/rt-utils/oriented_data")
  assert image.shape == (3, 50, 100)
  np.testing.assert_allclose(image.spacing, (4.5, 3.5, 2.5), atol=1e-6)
  corner = image.affine @ [2, 0, 0, 1]
  expected = [122.0159697, -428.1596334, 38.0798058]
  np.testing.assert_allclose(corner[:3], expected, atol=1e-6)
  assert "studies" in codes(image)


def test_single_slice_takes_thickness_or_is_refused(dicom_data, tmp_path):
  with pytest.raises(errors.GeometryError, match="SliceThickness"):
    dicom.read_ct(dicom_data / "rtstruct/rt-utils/one_slice_data")
  ct_series(tmp_path, shape=(1, 8, 9))
  image = dicom.read_ct(tmp_path)
  assert image.spacing[0] == 3.0
  assert "single-slice" in codes(image)


def test_names_and_subfolders_mean_nothing(tmp_path):
  paths = ct_series(tmp_path / "a")
  expected = dicom.read_ct(tmp_path).array
  deep = tmp_path / "a" / "b.b" / "c"
  deep.mkdir(parents=True)
  for k, path in enumerate(paths[::2]):
    path.rename(deep / f"{k}")
  (tmp_path / "a" / "notes.dcm").write_text("no DICOM")
  (tmp_path / "DICOMDIR").write_bytes(b"\0" * 200)
  shutil.copy(paths[1], tmp_path / "a" / ".hidden.dcm")
  (tmp_path / "a" / "loop").symlink_to(tmp_path)
  (tmp_path / "a" / "gone").symlink_to(tmp_path / "nowhere")
  image = dicom.read_ct(tmp_path)
  np.testing.assert_array_equal(image.array, expected)
  (skipped,) = [note for note in image.notes if note.code == "skipped"]
  assert "3 files" in skipped.text


def test_without_preamble_and_meta_header(tmp_path):
  def bare(dataset, index):
    if index == 1:
      del dataset.file_meta
      buffer = io.BytesIO()
      pydicom.dcmwrite(
        buffer, dataset, implicit_vr=True, little_endian=True,
        enforce_file_format=False,
      )  # fmt: skip
      (tmp_path / "bare").write_bytes(buffer.getvalue())
      return False
    return True

  ct_series(tmp_path, change=bare)
  image = dicom.read_ct(tmp_path)
  np.testing.assert_array_equal(
    image.array, stored((5, 16, 20)).astype(np.int32) - 1024
  )


def test_missing_folder_and_folder_without_images(tmp_path):
  with pytest.raises(errors.DataError, match="no such folder"):
    dicom.read_ct(tmp_path / "none")
  with pytest.raises(errors.DataError, match="no CT, MR or PET"):
    dicom.read_ct(tmp_path)


def test_two_series_are_listed_and_one_can_be_chosen(tmp_path):
  ct_series(tmp_path, seed=0)
  ct_series(tmp_path / "other", seed=1)
  with pytest.raises(errors.DataError, match="choose one") as caught:
    dicom.read_ct(tmp_path)
  for seed in (0, 1):
    key = uid(seed, "series", "CT")
    assert key in str(caught.value)
    assert dicom.read_ct(tmp_path, series=key).series_uid == key
  with pytest.raises(errors.DataError, match="no image series"):
    dicom.read_ct(tmp_path, series="1.2.3")


def test_a_ct_goes_before_other_modalities(tmp_path):
  ct_series(tmp_path, seed=0)
  ct_series(tmp_path / "pet", seed=0, modality="PT", intercept=0)
  assert dicom.read_ct(tmp_path).modality == "CT"


def test_groups_of_one_series_are_told_apart(tmp_path):
  def turned(dataset, index):
    if index > 2:
      dataset.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
      dataset.ImagePositionPatient = [index, 0, 0]

  ct_series(tmp_path, change=turned)
  with pytest.raises(errors.DataError, match="holds 2 groups"):
    dicom.read_ct(tmp_path)
  key = uid(0, "series", "CT")
  with pytest.raises(errors.DataError, match="#1.*#2"):
    dicom.read_ct(tmp_path, series=key)
  shapes = {dicom.read_ct(tmp_path, series=key + k).shape for k in ("#1", "#2")}
  assert {shape[0] for shape in shapes} == {2, 3}


def test_orientation_that_differs_by_rounding_is_one_series(tmp_path):
  def rounded(dataset, index):
    if index % 2:
      dataset.ImageOrientationPatient = [1, 0.00004, 0, -0.00004, 1, 0]

  ct_series(tmp_path, change=rounded)
  assert dicom.read_ct(tmp_path).shape[0] == 5


def test_scouts_and_secondary_captures_are_left_out(tmp_path):
  ct_series(tmp_path)

  def scout(dataset, index):
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    dataset.SOPInstanceUID = uid("scout", index)

  def capture(dataset, index):
    dataset.SOPClassUID = uids.SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = uid("capture", index)

  ct_series(tmp_path / "s", shape=(1, 40, 50), change=scout)
  ct_series(tmp_path / "c", shape=(2, 4, 5), change=capture)
  image = dicom.read_ct(tmp_path)
  assert image.shape == (5, 16, 20)
  assert sum(note.code == "left-out" for note in image.notes) == 2


def drop(index):
  return lambda _, k: k != index


def test_missing_slice(tmp_path):
  ct_series(tmp_path, change=drop(2))
  with pytest.raises(errors.SeriesGapError, match="1 between .*33.*39"):
    dicom.read_ct(tmp_path)
  kept = dicom.read_ct(tmp_path, spacing="keep")
  assert kept.shape[0] == 4 and "gap" in codes(kept)
  np.testing.assert_allclose(kept.grid.distances, [0, 3, 9, 12])
  with pytest.raises(errors.GeometryError, match="no\\s+affine"):
    _ = kept.affine


def test_missing_slice_can_be_interpolated_and_is_marked(tmp_path):
  ct_series(tmp_path, change=drop(2))
  image = dicom.read_ct(tmp_path, spacing="resample")
  whole = stored((5, 16, 20)).astype(np.int32) - 1024
  np.testing.assert_array_equal(image.array[[0, 1, 3, 4]], whole[[0, 1, 3, 4]])
  middle = np.rint((whole[1] + whole[3]) / 2)
  np.testing.assert_array_equal(image.array[2], middle)
  assert image.unscanned.any((1, 2)).tolist() == [False, False, True, False,
                                                  False]  # fmt: skip
  assert image.instances[2] == "" and image.instances[3] != ""


def test_uneven_slices(tmp_path):
  def moved(dataset, index):
    x, y, z = dataset.ImagePositionPatient
    dataset.ImagePositionPatient = [x, y, z + (0.7 if index == 3 else 0)]

  ct_series(tmp_path, change=moved)
  with pytest.raises(errors.GeometryError, match="2.3 to 3.7 mm apart") as e:
    dicom.read_ct(tmp_path)
  assert not isinstance(e.value, errors.SeriesGapError)
  assert "uneven" in codes(dicom.read_ct(tmp_path, spacing="keep"))
  even = dicom.read_ct(tmp_path, spacing="resample")
  assert even.shape[0] == 5 and even.unscanned is None


def test_thickness_and_slice_location_do_not_decide(tmp_path):
  def lie(dataset, index):
    dataset.SliceThickness = 1.0
    dataset.SpacingBetweenSlices = 9.0
    dataset.SliceLocation = -float(index)

  ct_series(tmp_path, change=lie)
  image = dicom.read_ct(tmp_path)
  assert image.spacing[0] == 3.0
  assert "spacing-attribute" in codes(image)


def test_equal_twin_is_left_out_and_unequal_refused(tmp_path):
  paths = ct_series(tmp_path)
  shutil.copy(paths[1], tmp_path / "copy")
  image = dicom.read_ct(tmp_path)
  assert image.shape[0] == 5 and "duplicate-slice" in codes(image)
  other = pydicom.dcmread(paths[1])
  other.PixelData = bytes(len(other.PixelData))
  other.SOPInstanceUID = uid("other")
  write(other, tmp_path / "copy")
  with pytest.raises(errors.GeometryError, match="another image"):
    dicom.read_ct(tmp_path)


def tilt(degrees):
  def change(dataset, index):
    x, y, z = dataset.ImagePositionPatient
    y += np.tan(np.deg2rad(degrees)) * 3 * index
    dataset.ImagePositionPatient = [x, round(float(y), 6), z]

  return change


def test_gantry_tilt(tmp_path):
  ct_series(tmp_path / "a", change=tilt(10))
  with pytest.raises(errors.GeometryError, match="10.00 degrees"):
    dicom.read_ct(tmp_path / "a")
  image = dicom.read_ct(tmp_path / "a", tilt="shear")
  assert "tilt" in codes(image)
  expected = [0, 3 * np.tan(np.deg2rad(10)), 3]
  np.testing.assert_allclose(image.affine[:3, 0], expected, atol=1e-5)
  ct_series(tmp_path / "b", change=tilt(0.05))
  assert dicom.read_ct(tmp_path / "b").notes == ()


def test_slices_that_jump_sideways_are_no_stack(tmp_path):
  def jump(dataset, index):
    x, y, z = dataset.ImagePositionPatient
    dataset.ImagePositionPatient = [x + 5 * (index == 2), y, z]

  ct_series(tmp_path, change=jump)
  for option in ("refuse", "shear"):
    with pytest.raises(errors.GeometryError, match="no stack"):
      dicom.read_ct(tmp_path, tilt=option)


def test_rescale_differs_by_slice(tmp_path):
  def own(dataset, index):
    dataset.RescaleSlope = 0.5 + index
    dataset.RescaleIntercept = -index

  ct_series(tmp_path, modality="PT", change=own)
  image = dicom.read_ct(tmp_path)
  assert image.array.dtype == np.float32
  raw = stored((5, 16, 20))
  for k in range(5):
    np.testing.assert_allclose(image.array[k], raw[k] * (0.5 + k) - k)


def test_missing_rescale(tmp_path):
  def without(dataset, _):
    del dataset.RescaleSlope

  ct_series(tmp_path, intercept=None, change=without)
  image = dicom.read_ct(tmp_path)
  np.testing.assert_array_equal(image.array, stored((5, 16, 20)))
  assert "no-intercept" in codes(image)  # And no one assumes -1024.


def test_one_slice_without_the_intercept_of_the_others(tmp_path):
  def without(dataset, index):
    if index == 2:
      del dataset.RescaleIntercept

  ct_series(tmp_path, intercept=-1024, change=without)
  with pytest.raises(errors.DataError, match="which is -1024 in other slices"):
    dicom.read_ct(tmp_path)


def test_values_beyond_16_bits_are_not_wrapped(tmp_path):
  def large(dataset, index):
    dataset.RescaleIntercept = 32000 if index == 4 else -1024

  ct_series(tmp_path, change=large)
  image = dicom.read_ct(tmp_path)
  assert image.array.dtype == np.float32 and image.array.max() > 33000
  assert image.hounsfield().array.max() == 32767


@pytest.mark.parametrize("limit", [None, 5])
def test_padding_is_air_and_not_scanned(tmp_path, limit):
  def pad(dataset, _):
    values = np.frombuffer(dataset.PixelData, np.uint16).copy()
    values[:20], values[20:40] = 0, 4
    dataset.PixelData = values.tobytes()
    dataset.PixelPaddingValue = 0
    if limit is not None:
      dataset.PixelPaddingRangeLimit = limit

  ct_series(tmp_path, change=pad)
  image = dicom.read_ct(tmp_path)
  rows = 1 if limit is None else 2
  assert (image.array[:, :rows] == -1000).all()
  assert image.unscanned[:, :rows].all()
  assert image.unscanned.sum() < 5 * 20 * rows + 20  # Some are 0 by chance.
  if limit is None:
    assert (image.array[:, 1] == 4 - 1024).all()


@pytest.mark.parametrize("implicit", [False, True])
def test_padding_of_signed_pixels(tmp_path, implicit):
  def pad(dataset, _):
    values = np.frombuffer(dataset.PixelData, np.int16).copy() - 1024
    values[:20] = -2000
    dataset.PixelData = values.tobytes()
    dataset.PixelRepresentation = 1
    dataset.PixelPaddingValue = -2000
    if implicit:
      dataset.file_meta.TransferSyntaxUID = uids.ImplicitVRLittleEndian

  ct_series(tmp_path, intercept=0, change=pad)
  image = dicom.read_ct(tmp_path)
  assert (image.array[:, 0] == -1000).all()
  assert image.unscanned[:, 0].all() and not image.unscanned[:, 1:].any()


def test_bits_beyond_those_stored_are_a_fault(tmp_path):
  def narrow(dataset, _):
    dataset.BitsStored, dataset.HighBit = 10, 9

  ct_series(tmp_path, change=narrow)
  with pytest.raises(errors.DataError, match=r"BitsStored \(0028,0101\) 10"):
    dicom.read_ct(tmp_path)
  values = stored((5, 16, 20)).astype(np.int32)
  kept = dicom.read_ct(tmp_path, stray_bits="keep")
  assert "stray-bits" in codes(kept)
  np.testing.assert_array_equal(kept.array, values % 1024 - 1024)
  raw = dicom.read_ct(tmp_path, stray_bits="raw")
  assert "stray-bits" in codes(raw)
  np.testing.assert_array_equal(raw.array, values - 1024)


@pytest.mark.parametrize("signed", [False, True])
def test_a_stray_bit_is_no_part_of_the_value(tmp_path, signed):
  """30 HU with bit 15 set is 30 HU, not 32798 or -32738."""
  wanted = np.arange(-160 * signed, 320 - 160 * signed).reshape(16, 20)

  def stray(dataset, index):
    dataset.BitsStored, dataset.HighBit = 12, 11
    dataset.PixelRepresentation = int(signed)
    values = (wanted & 0xFFF) | (0x8000 if index == 2 else 0)
    if signed and index != 2:  # Sign-extended, as they should be.
      values = wanted & 0xFFFF
    dataset.PixelData = values.astype("<u2").tobytes()

  ct_series(tmp_path, intercept=0, change=stray)
  with pytest.raises(errors.DataError, match="--repair=stray_bits"):
    dicom.read_ct(tmp_path)
  image = dicom.read_ct(tmp_path, stray_bits="keep")
  for values in image.array:
    np.testing.assert_array_equal(values, wanted)
  assert "320 values masked" in next(
    note.text for note in image.notes if note.code == "stray-bits"
  )


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("rle", [False, True])
def test_overlays_in_unused_bits_are_no_values(tmp_path, signed, rle):
  """As the standard once allowed: 12 bits stored, an overlay in bit 12."""
  low = -300 if signed else 0

  def overlay(dataset, _):
    values = np.frombuffer(dataset.PixelData, "<u2").astype(np.int32)
    values = (values % 2000 + low) & 0x0FFF
    values[::3] |= 1 << 12
    dataset.PixelData = values.astype("<u2").tobytes()
    dataset.BitsStored, dataset.HighBit = 12, 11
    dataset.PixelRepresentation = int(signed)
    dataset.add_new((0x6000, 0x0100), "US", 16)
    dataset.add_new((0x6000, 0x0102), "US", 12)
    if rle:
      dataset.compress(uids.RLELossless, generate_instance_uid=False)

  ct_series(tmp_path, change=overlay)
  image = dicom.read_ct(tmp_path)
  expected = stored((5, 16, 20)).astype(np.int32) % 2000 + low - 1024
  np.testing.assert_array_equal(image.array, expected)
  assert "overlay" in codes(image)


def test_bits_beyond_those_stored_are_a_fault_in_rle_too(tmp_path):
  def narrow(dataset, _):
    dataset.BitsStored, dataset.HighBit = 10, 9
    dataset.compress(uids.RLELossless, generate_instance_uid=False)

  ct_series(tmp_path, shape=(3, 16, 20), change=narrow)
  with pytest.raises(errors.DataError, match=r"BitsStored \(0028,0101\) 10"):
    dicom.read_ct(tmp_path)


@pytest.mark.parametrize(("name", "value", "said"), [
    ("SamplesPerPixel", 3, "monochrome"),
    ("PhotometricInterpretation", "PALETTE COLOR", "PALETTE"),
    ("BitsAllocated", 12, "BitsAllocated 12"),
    ("Rows", 0, r"Rows \(0028,0010\) is 0"),
    ("PixelSpacing", [0, 1], "PixelSpacing"),
    ("PixelSpacing", None, "PixelSpacing .* missing"),
    ("ImagePositionPatient", None, "ImagePositionPatient .* missing"),
    ("ImageOrientationPatient", [1, 0, 0, 1, 0, 0], "right angles"),
    ("RescaleSlope", 0, "RescaleSlope"),
    ("NumberOfFrames", 2, "NumberOfFrames"),
])  # fmt: skip
def test_malformed_headers(tmp_path, name, value, said):
  def spoil(dataset, _):
    setattr(dataset, name, value)

  ct_series(tmp_path, shape=(2, 4, 6), change=spoil)
  with pytest.raises(errors.JaxsegError, match=said) as caught:
    dicom.read_ct(tmp_path)
  assert ".img" in str(caught.value) and "Nobody" not in str(caught.value)


def test_hu_of_another_modality_is_refused(tmp_path):
  ct_series(tmp_path, modality="MR")
  image = dicom.read_ct(tmp_path)
  assert image.modality == "MR" and image.array.max() > 0
  with pytest.raises(errors.DataError, match="no Hounsfield"):
    image.hounsfield()


def test_truncated_pixels_are_refused_or_missing(tmp_path):
  paths = ct_series(tmp_path)
  content = paths[2].read_bytes()
  paths[2].write_bytes(content[: len(content) - 100])
  with pytest.raises(errors.DataError, match="cut off"):
    dicom.read_ct(tmp_path)
  with pytest.raises(errors.SeriesGapError):
    dicom.read_ct(tmp_path, truncated="missing")
  image = dicom.read_ct(tmp_path, truncated="missing", spacing="keep")
  assert image.shape[0] == 4 and "truncated" in codes(image)


def test_headers_cut_before_the_pixels_are_refused_or_missing(tmp_path):
  paths = ct_series(tmp_path)
  content = paths[2].read_bytes()
  for mark in (b"\x28\x00\x00\x01", b"\xe0\x7f\x10\x00"):
    paths[2].write_bytes(content[: content.index(mark)])
    with pytest.raises(
      errors.TruncatedError, match="PixelData .*cut off.*--repair=t"
    ):
      dicom.read_ct(tmp_path)
    image = dicom.read_ct(tmp_path, truncated="missing", spacing="keep")
    assert image.shape[0] == 4 and "truncated" in codes(image)


def test_what_is_no_image_may_be_broken(tmp_path):
  ct_series(tmp_path)
  structure_set(
    tmp_path / "rt.dcm", {"a": []},
    change=lambda dataset: dataset.pop("SeriesInstanceUID"),
  )  # fmt: skip
  image = dicom.read_ct(tmp_path)
  assert image.shape[0] == 5 and "broken-file" in codes(image)


def test_few_slices_and_a_gap(tmp_path):
  # Of two distances neither is in the middle.
  ct_series(tmp_path, shape=(4, 6, 8), change=lambda _, index: index != 1)
  with pytest.raises(errors.SeriesGapError, match="1 between .* 3 mm apart"):
    dicom.read_ct(tmp_path)
  assert dicom.read_ct(tmp_path, spacing="resample").shape[0] == 4


def test_what_other_attributes_say_is_told(tmp_path):
  def spoil(dataset, _):
    dataset.SliceThickness, dataset.RescaleType = 5.0, "US"

  ct_series(tmp_path, change=spoil)
  image = dicom.read_ct(tmp_path)
  assert {"slice-thickness", "rescale-type"} <= codes(image)


def test_values_beyond_float32_are_refused(tmp_path):
  ct_series(tmp_path, slope=1e300)
  with pytest.raises(errors.DataError, match="RescaleSlope .*1e\\+300"):
    dicom.read_ct(tmp_path)


def test_bytes_in_big_endian(tmp_path):
  def encode(dataset, _):
    values = np.frombuffer(dataset.PixelData, "<u2").astype(np.uint8)
    dataset.file_meta.TransferSyntaxUID = uids.ExplicitVRBigEndian
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelData = values.tobytes()
    dataset["PixelData"].VR = "OB"

  ct_series(tmp_path, change=encode)
  expected = stored((5, 16, 20)).astype(np.uint8).astype(np.int32) - 1024
  np.testing.assert_array_equal(dicom.read_ct(tmp_path).array, expected)


def test_jpeg_2000_may_end_in_a_byte_of_padding(tmp_path):
  def compress(dataset, _):
    dataset.compress(uids.JPEG2000Lossless)
    (frame,) = encaps.generate_frames(dataset.PixelData, number_of_frames=1)
    frame = frame.rstrip(b"\0") + b"\xff"
    dataset.PixelData = encaps.encapsulate([frame])
    dataset["PixelData"].is_undefined_length = True

  ct_series(tmp_path, shape=(2, 64, 64), change=compress)
  np.testing.assert_array_equal(
    dicom.read_ct(tmp_path).array, stored((2, 64, 64)).astype(np.int32) - 1024
  )


@pytest.mark.parametrize(
  "syntax",
  [
    uids.ImplicitVRLittleEndian,
    uids.ExplicitVRBigEndian,
    uids.DeflatedExplicitVRLittleEndian,
  ],
)
def test_encodings_without_compression(tmp_path, syntax):
  def encode(dataset, _):
    dataset.file_meta.TransferSyntaxUID = syntax
    if syntax == uids.ExplicitVRBigEndian:
      values = np.frombuffer(dataset.PixelData, "<u2")
      dataset.PixelData = values.astype(">u2").tobytes()

  ct_series(tmp_path, change=encode)
  np.testing.assert_array_equal(
    dicom.read_ct(tmp_path).array, stored((5, 16, 20)).astype(np.int32) - 1024
  )


@pytest.mark.parametrize(
  "syntax", [uids.RLELossless, uids.JPEGLSLossless, uids.JPEG2000Lossless]
)
def test_compressed(tmp_path, syntax):
  def compress(dataset, _):
    dataset.compress(syntax, generate_instance_uid=False)

  ct_series(tmp_path, shape=(3, 40, 32), change=compress)
  np.testing.assert_array_equal(
    dicom.read_ct(tmp_path).array, stored((3, 40, 32)).astype(np.int32) - 1024
  )


def test_truncated_compression_is_refused(tmp_path):
  def compress(dataset, index):
    dataset.compress(uids.JPEG2000Lossless, generate_instance_uid=False)
    if index == 1:
      frame = bytes(dataset.PixelData)
      dataset.PixelData = frame[: len(frame) // 2]

  ct_series(tmp_path, shape=(3, 40, 32), change=compress)
  with pytest.raises(errors.DataError, match="cut off|no end|decoded"):
    dicom.read_ct(tmp_path)


@pytest.mark.parametrize("kept", [150, 400, 900])
def test_a_file_cut_off_in_its_header_is_refused(tmp_path, kept):
  paths = ct_series(tmp_path)
  paths[4].write_bytes(paths[4].read_bytes()[:kept])
  with pytest.raises(errors.DataError) as caught:
    dicom.read_ct(tmp_path)  # Never as if the last slice did not exist.
  assert paths[4].name in str(caught.value)
  image = dicom.read_ct(tmp_path, truncated="missing")
  assert image.shape[0] == 4
  assert codes(image) & {"broken-file", "truncated"}


def test_unknown_transfer_syntax_is_named(tmp_path):
  def mpeg(dataset, _):
    dataset.file_meta.TransferSyntaxUID = uids.MPEG2MPML
    dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\xd9" * 9])
    dataset["PixelData"].is_undefined_length = True

  ct_series(tmp_path, shape=(2, 4, 6), change=mpeg)
  with pytest.raises(errors.DataError, match="MPEG2"):
    dicom.read_ct(tmp_path)


def test_lossy_images_are_noted(tmp_path):
  def lossy(dataset, _):
    dataset.LossyImageCompression = "01"

  ct_series(tmp_path, change=lossy)
  assert "lossy" in codes(dicom.read_ct(tmp_path))


def enhanced(folder, *, per_frame=True, shape=(4, 6, 8)):
  """The same series as one multi-frame file, its frames out of order."""
  (path, *_) = ct_series(folder, shape=(1, *shape[1:]))
  dataset = pydicom.dcmread(path)
  path.unlink()
  values = stored(shape)
  order = [2, 0, 3, 1]
  dataset.SOPClassUID = uids.EnhancedCTImageStorage
  dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
  dataset.NumberOfFrames = len(order)
  dataset.PixelData = values[order].tobytes()
  for name in (
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing",
    "SliceThickness", "RescaleSlope", "RescaleIntercept",
  ):  # fmt: skip
    delattr(dataset, name)
  shared, frames = Dataset(), [Dataset() for _ in order]
  for frame, index in zip(frames, order, strict=True):
    place = Dataset()
    place.ImagePositionPatient = [-10, -20, 30 + 3 * index]
    frame.PlanePositionSequence = [place]
  for target in frames if per_frame else [shared]:
    measures, direction, transform = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [1.5, 1.0], 3
    direction.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    transform.RescaleSlope, transform.RescaleIntercept = 1, -1024
    transform.RescaleType = "HU"
    target.PixelMeasuresSequence = [measures]
    target.PlaneOrientationSequence = [direction]
    target.PixelValueTransformationSequence = [transform]
  dataset.SharedFunctionalGroupsSequence = Sequence([shared])
  dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
  write(dataset, folder / "enhanced")
  return values


@pytest.mark.parametrize("per_frame", [True, False])
def test_enhanced_multi_frame(tmp_path, per_frame):
  values = enhanced(tmp_path, per_frame=per_frame)
  image = dicom.read_ct(tmp_path)
  np.testing.assert_array_equal(image.array, values.astype(np.int32) - 1024)
  np.testing.assert_allclose(image.affine[:3, 3], [-10, -20, 30])
  assert image.frames == (2, 4, 1, 3)
  assert len(set(image.instances)) == 1 and image.spacing == (3.0, 1.5, 1.0)


def test_too_large_headers_are_refused_before_decoding(tmp_path):
  def huge(dataset, _):
    dataset.Rows = dataset.Columns = 60000

  ct_series(tmp_path, shape=(1, 4, 6), change=huge)
  with pytest.raises(errors.LimitError, match="limit 'length'"):
    dicom.read_ct(tmp_path)
  ct_series(tmp_path / "b")
  with pytest.raises(errors.LimitError, match="volume_bytes"):
    dicom.read_ct(tmp_path / "b", limits=dicom.Limits(volume_bytes=1000))


def test_deflated_bomb_is_refused(tmp_path):
  def deflate(dataset, _):
    dataset.file_meta.TransferSyntaxUID = uids.DeflatedExplicitVRLittleEndian
    dataset.ImageComments = "0" * 5000
    dataset.PixelData = bytes(4_000_000)

  ct_series(tmp_path, shape=(1, 4, 6), change=deflate)
  limits = dicom.Limits(inflated_bytes=1_000_000)
  (path,) = tmp_path.iterdir()
  assert path.stat().st_size < 100_000
  with pytest.raises(errors.LimitError, match="inflated_bytes"):
    dicom.read_ct(tmp_path, limits=limits)


def test_unknown_options_are_refused(tmp_path):
  with pytest.raises(errors.ConfigError, match="spacing is 'evn'"):
    dicom.read_ct(tmp_path, spacing="evn")


@pytest.mark.parametrize("name", [
    "693_J2KI.dcm", "CT_small.dcm", "J2K_pixelrep_mismatch.dcm", "MR_small.dcm",
    "MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_expb.dcm",
    "MR_small_implicit.dcm", "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm", "MR_small_padded.dcm",
    "examples_overlay.dcm",
])  # fmt: skip
def test_pydicoms_own_files_are_read(name):
  path = get_testdata_file(name, download=False)
  image = dicom.read_ct(path)
  reference = pydicom.dcmread(path)
  slope = float(reference.get("RescaleSlope", 1))
  intercept = float(reference.get("RescaleIntercept", 0))
  with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pydicom tells of padding.
    expected = (reference.pixel_array * slope + intercept)[None]
  scanned = np.ones(image.shape, bool)
  if image.unscanned is not None:
    scanned &= ~image.unscanned
  assert scanned.any()
  np.testing.assert_array_equal(image.array[scanned], expected[scanned])


@pytest.mark.parametrize(("name", "said"), [
    ("MR_truncated.dcm", "cut off"),
    ("rtplan.dcm", "RT Plan Storage"),
    ("rtdose.dcm", "RT Dose Storage"),
    ("SC_rgb_rle.dcm", "Secondary Capture"),
    ("examples_palette.dcm", "Ultrasound"),
    ("rtplan_truncated.dcm", "BeamSequence .* cut off"),
    ("badVR.dcm", "NumberOfFrames .* '1A'"),
    ("no_meta_group_length.dcm", "SOPClassUID"),
    ("test1.json", "no DICOM files"),
    ("zipMR.gz", "no DICOM files"),
])  # fmt: skip
def test_pydicoms_own_files_are_refused(name, said):
  path = get_testdata_file(name, download=False)
  with pytest.raises(errors.DataError, match=said) as caught:
    dicom.read_ct(path)
  assert "\n" not in str(caught.value) and name in str(caught.value)


def test_broken_meta_header(tmp_path):
  (path,) = ct_series(tmp_path, shape=(1, 4, 6))
  content = path.read_bytes()
  at = content.index(b"\x02\x00\x02\x00UI")
  content = content[: at + 4] + b"Uh" + content[at + 6 :]
  path.write_bytes(content.replace(b"\x08\x00\x16\x00UI", b"\x08\0\x17\0UI"))
  with pytest.raises(errors.DataError):
    dicom.read_ct(path)


def test_uids_with_odd_characters_are_shown_safely(tmp_path):
  def odd(dataset, _):
    dataset.SOPClassUID = "1.2.840.1000\xad.5.1.4.1.1.2"
    dataset.SpecificCharacterSet = "ISO_IR 100"

  ct_series(tmp_path, shape=(1, 4, 6), change=odd)
  with pytest.raises(errors.DataError) as caught:
    dicom.read_ct(tmp_path)
  assert str(caught.value).isprintable()
