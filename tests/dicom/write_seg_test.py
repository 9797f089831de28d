"""SEG written: valid, of the right series, and read back by others."""

from collections.abc import Mapping
import dataclasses
import datetime
import shutil
import subprocess
import weakref

import highdicom
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import numpy as np
import pydicom
from pydicom import uid as uids
import pytest
import SimpleITK as sitk

from jaxseg import dicom
from jaxseg import errors
from jaxseg import volume
from tests.dicom.ct_double import ct_series
from tests.dicom.seg_file_test import agrees_with_simple_reader

OBLIQUE = (0.9541666, -0.2080757, 0.2151061, 0.2785886, 0.880128, -0.3843997)
NOW = datetime.datetime(2024, 2, 29, 13, 14, 15)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  return tmp_path_factory.mktemp("seg")


@pytest.fixture(scope="module")
def ct(folder):
  ct_series(folder / "ct")
  return dicom.read_ct(folder / "ct")


@pytest.fixture(scope="module")
def images(folder):
  """Series of several kinds of geometry, 3 x 6 x 7."""

  def aslant(dataset, index):
    position = np.array(dataset.ImagePositionPatient, float)
    position[1] += 0.9 * index
    dataset.ImagePositionPatient = [round(float(v), 6) for v in position]

  def uneven(dataset, index):
    position = np.array(dataset.ImagePositionPatient, float)
    position[2] += 1.1 * (index == 2)
    dataset.ImagePositionPatient = [round(float(v), 6) for v in position]

  made = []
  for number, (series, read) in enumerate([
      ({}, {}),
      ({"iop": OBLIQUE, "spacing": (2.5, 0.7, 1.3)}, {}),
      ({"iop": (0, 1, 0, 0, 0, -1), "ipp": (1234.56789, -3, 7e4)}, {}),
      ({"change": aslant}, {"tilt": "shear"}),
      ({"change": uneven}, {"spacing": "keep"}),
  ]):  # fmt: skip
    where = folder / f"geometry {number}"
    ct_series(where, shape=(3, 6, 7), **series)
    made.append(dicom.read_ct(where, **read))
  return made


def overlapping(image, seed=0):
  generator = np.random.default_rng(seed)
  return {
    name: generator.random(image.shape) < share
    for name, share in (("parotid_left", 0.3), ("GTV-1", 0.7), ("Größe", 0.1))
  }


def comes_back(path, masks, image):
  dicom.write_seg(path, dict(zip("ab", masks, strict=True)), image,
                  overwrite=True)  # fmt: skip
  read = dicom.read_seg(path)
  np.testing.assert_array_equal(read.on(image, "a"), masks[0])
  np.testing.assert_array_equal(read.on(image, "b"), masks[1])
  agrees_with_simple_reader(path, read)


@given(mask=hnp.arrays(np.bool_, (2, 3, 6, 7)), which=st.integers(0, 4))
@settings(max_examples=40, deadline=None)
def test_any_mask_comes_back(folder, images, mask, which):
  comes_back(folder / "any.dcm", mask, images[which])


@pytest.mark.parametrize("which", range(5))
@pytest.mark.parametrize("fill", ["nothing", "all", "first", "last"])
def test_few_slices_come_back(folder, images, which, fill):
  mask = np.zeros((2, 3, 6, 7), np.bool_)
  mask[:, {"nothing": [], "all": [0, 1, 2], "first": 0, "last": 2}[fill]] = True
  comes_back(folder / "few.dcm", mask, images[which])


def test_part_of_a_single_slice_on_a_sheared_stack(folder, images):
  mask = np.zeros((2, 3, 6, 7), np.bool_)
  mask[:, 1, 2:4, 3:6] = True
  comes_back(folder / "part.dcm", mask, images[3])
  read = dicom.read_seg(folder / "part.dcm")
  grid = dataclasses.replace(
    read.grid,
    positions=read.grid.positions
    + 2 * read.grid.row_step
    + 3 * read.grid.column_step,
    rows=2,
    columns=3,
  )
  part = dataclasses.replace(
    read,
    grid=grid,
    frames=[read.frames[i][2:4, 3:6] for i in range(len(read.slices))],
  )
  np.testing.assert_array_equal(part.on(images[3], "a"), mask[0])


@given(
  values=hnp.arrays(np.float32, (3, 6, 7), elements=st.floats(0, 1, width=32)),
  which=st.integers(0, 4),
)
@settings(max_examples=40, deadline=None)
def test_any_map_comes_back_in_8_bits(folder, images, values, which):
  path = folder / "map.dcm"
  dicom.write_seg(path, {"a": values}, images[which], overwrite=True)
  read = dicom.read_seg(path)
  assert (read.kind, read.fractional_type) == ("FRACTIONAL", "PROBABILITY")
  back = read.on(images[which], "a")
  assert np.abs(back - values).max() <= 1 / 510 + 1e-7


def test_what_is_written(folder, ct):
  masks = overlapping(ct)
  path = dicom.write_seg(
    folder / "sub" / "what.dcm", masks, ct, model="u-net",
    model_version="3", description="t = 0.37", now=NOW,
  )  # fmt: skip
  read = dicom.read_seg(path)
  assert read.names == ("Parotid_L", "GTV-1", "Größe")
  assert read.referenced_series == (ct.series_uid,)
  assert set(read.referenced_instances) == set(ct.instances)
  assert read.frame_of_reference_uid == ct.frame_of_reference_uid
  assert read.study_uid == ct.study_uid
  assert (read.date, read.time) == ("20240229", "131415")
  assert read["Parotid_L"].type.meaning == "Parotid gland"
  assert read["Parotid_L"].algorithm_name == "u-net"
  dataset = pydicom.dcmread(path)
  assert dataset.ContentDescription == "t = 0.37"
  assert dataset.ContentCreatorName == ""  # It may be empty, not missing.
  assert str(dataset.PatientName) == "Nobody^At All"
  (side,) = (
    dataset.SegmentSequence[0]
    .SegmentedPropertyTypeCodeSequence[0]
    .SegmentedPropertyTypeModifierCodeSequence
  )
  assert side.CodeMeaning == "Left"
  # Each frame names the slice it lies on.
  for group, place in zip(
    dataset.PerFrameFunctionalGroupsSequence, read.slices, strict=True
  ):
    source = group.DerivationImageSequence[0].SourceImageSequence[0]
    assert source.ReferencedSOPInstanceUID == ct.instances[place]


def test_multi_frame_references(folder, ct):
  enhanced = dataclasses.replace(
    ct,
    sop_class_uid=uids.EnhancedCTImageStorage,
    instances=(ct.instances[0],) * 5,
    frames=(2, 4, 1, 3, 6),
  )
  mask = np.zeros(ct.shape, np.bool_)
  mask[[1, 4], 3, 4] = True
  path = dicom.write_seg(folder / "multi.dcm", {"a": mask}, enhanced)
  np.testing.assert_array_equal(dicom.read_seg(path).on(ct, "a"), mask)
  groups = pydicom.dcmread(path).PerFrameFunctionalGroupsSequence
  frames = [
    g.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber
    for g in groups
  ]
  assert sorted(frames) == [4, 6]
  assert not errors_of(path)


@pytest.mark.parametrize("used", [[1], [4], [1, 4], [0, 2, 3]])
def test_references_to_several_multi_frame_files(folder, ct, used):
  one, two = ct.instances[:2]
  enhanced = dataclasses.replace(
    ct,
    sop_class_uid=uids.EnhancedCTImageStorage,
    instances=(one, two, two, "", one),
    frames=(2, 1, 2, 1, 1),
    interpolated=(3,),
  )
  mask = np.zeros(ct.shape, np.bool_)
  mask[used, 3, 4] = True
  path = folder / "several.dcm"
  dicom.write_seg(path, {"a": mask}, enhanced, overwrite=True)
  read = dicom.read_seg(path)
  np.testing.assert_array_equal(read.on(ct, "a"), mask)
  assert read.referenced_instances == (one, two)
  dataset = pydicom.dcmread(path)
  listed = [i.ReferencedSOPInstanceUID for i in dataset.SourceImageSequence]
  assert listed == [one, two]
  (shared,) = dataset.SharedFunctionalGroupsSequence
  for group in dataset.PerFrameFunctionalGroupsSequence:
    of = group if "DerivationImageSequence" in group else shared
    place = group if "PlanePositionSequence" in group else shared
    z = place.PlanePositionSequence[0].ImagePositionPatient[2]
    at = round((float(z) - 30) / 3)
    if at == 3:  # It is in no file.
      assert not of.DerivationImageSequence
      continue
    (source,) = of.DerivationImageSequence[0].SourceImageSequence
    found = source.ReferencedSOPInstanceUID, source.ReferencedFrameNumber
    assert found == (enhanced.instances[at], enhanced.frames[at])


def test_slices_that_were_interpolated(folder, ct):
  some = dataclasses.replace(
    ct, instances=(*ct.instances[:2], "", *ct.instances[3:]), interpolated=(2,)
  )
  masks = overlapping(ct)
  path = dicom.write_seg(folder / "some.dcm", masks, some)
  read = dicom.read_seg(path)
  for name, mask in zip(read.names, masks.values(), strict=True):
    np.testing.assert_array_equal(read.on(ct, name), mask)
  assert set(read.referenced_instances) == {*ct.instances} - {ct.instances[2]}


def test_only_empty_masks(folder, ct, caplog):
  nothing = np.zeros(ct.shape, np.bool_)
  path = dicom.write_seg(folder / "empty.dcm", {"a": nothing}, ct)
  assert not caplog.records  # highdicom says what it makes of an empty image.
  assert not dicom.read_seg(path).on(ct, "a").any()
  assert not errors_of(path)


@pytest.mark.parametrize("name", ["model", "model_version", "description"])
def test_texts_keep_their_letters(folder, ct, name):
  masks = {"a": np.ones(ct.shape, np.bool_)}
  path = folder / f"{name}.dcm"
  dicom.write_seg(path, masks, ct, **{name: "1.0-\u03b2"})
  read = pydicom.dcmread(path)
  segment = read.SegmentSequence[0]
  how = segment.SegmentationAlgorithmIdentificationSequence[0]
  assert {
    "model": segment.SegmentAlgorithmName,
    "model_version": how.AlgorithmVersion,
    "description": read.ContentDescription,
  }[name] == "1.0-\u03b2"


def test_uids_follow_from_seed_and_content(folder, ct):
  def uid(name, masks, **options):
    path = dicom.write_seg(folder / name, masks, ct, now=NOW, **options)
    return pydicom.dcmread(path).SOPInstanceUID, path.read_bytes()

  masks = overlapping(ct)
  first = uid("u1.dcm", masks, seed=1)
  assert uid("u2.dcm", masks, seed=1) == first
  others = [
    uid("u3.dcm", masks, seed=2),
    uid("u4.dcm", overlapping(ct, 1), seed=1),
    uid("u5.dcm", masks, seed=1, model="other"),
    uid("u6.dcm", masks),
    uid("u7.dcm", masks),
  ]
  assert len({first[0], *(uid for uid, _ in others)}) == 6


class OneAtATime(Mapping):
  """Makes each mask when it is asked for, and knows how many there are."""

  def __init__(self, masks):
    self.masks, self.alive, self.most = masks, 0, 0

  def __getitem__(self, name):
    made = self.masks[name].copy()
    self.alive += 1
    self.most = max(self.most, self.alive)
    weakref.finalize(made, self.gone)
    return made

  def gone(self):
    self.alive -= 1

  def __iter__(self):
    return iter(self.masks)

  def __len__(self):
    return len(self.masks)


def test_masks_may_be_made_one_at_a_time(folder, ct):
  masks = overlapping(ct)
  options = {"seed": 3, "now": NOW}
  whole = dicom.write_seg(folder / "whole.dcm", masks, ct, **options)
  lazy = OneAtATime(masks)
  parts = dicom.write_seg(folder / "parts.dcm", lazy, ct, **options)
  assert parts.read_bytes() == whole.read_bytes()
  assert (lazy.most, lazy.alive) == (1, 0)


def test_whether_masks_overlap_is_said(folder, ct):
  masks = overlapping(ct)
  apart = {"a": masks["Größe"], "b": ~masks["Größe"]}
  for own, said in ((masks, "YES"), (apart, "NO")):
    path = dicom.write_seg(folder / f"{said}.dcm", own, ct)
    assert pydicom.dcmread(path).SegmentsOverlap == said


def test_highdicom_reads_the_same(folder, ct, request):
  masks = overlapping(ct)
  path = dicom.write_seg(folder / "hd.dcm", masks, ct)
  theirs = highdicom.seg.segread(path)
  request.addfinalizer(theirs._db_con.close)  # It never does so itself.
  array = theirs.get_pixels_by_source_instance(list(ct.instances))
  for number, mask in enumerate(masks.values()):
    np.testing.assert_array_equal(array[..., number] > 0, mask)
  maps = {"a": np.linspace(0, 1, ct.array.size, dtype=np.float32)}
  maps["a"] = maps["a"].reshape(ct.shape)
  path = dicom.write_seg(folder / "hdf.dcm", maps, ct)
  theirs = highdicom.seg.segread(path)
  request.addfinalizer(theirs._db_con.close)
  array = theirs.get_pixels_by_source_instance(list(ct.instances))
  np.testing.assert_array_equal(array[..., 0], dicom.read_seg(path).on(ct, "a"))


def test_simpleitk_reads_the_same_voxels(folder, ct):
  mask = overlapping(ct)["parotid_left"]
  assert mask.any(axis=(1, 2)).all()  # So every slice has a frame, in order.
  path = dicom.write_seg(folder / "itk.dcm", {"a": mask}, ct)
  image = sitk.ReadImage(str(path))
  array = sitk.GetArrayFromImage(image)
  # It puts the slices in the other order, and its geometry says so.
  assert image.GetDirection()[8] == -1
  assert image.GetOrigin() == tuple(ct.grid.positions[-1])
  np.testing.assert_array_equal(array[::-1] > 0, mask)


def errors_of(path):
  program = shutil.which("dciodvfy")
  if program is None:
    pytest.skip("no dciodvfy: the standard's validator is not installed")
  said = subprocess.run(
    [program, path], check=False, capture_output=True, text=True
  ).stderr
  return [line for line in said.splitlines() if line.startswith("Error")]


def test_the_validator_finds_no_errors(folder, images, ct):
  for number, image in enumerate([ct, *images]):
    masks = overlapping(image)
    maps = {name: mask * np.float32(0.4) for name, mask in masks.items()}
    for kind, arrays in (("m", masks), ("p", maps)):
      path = folder / f"validate {kind} {number}.dcm"
      assert errors_of(dicom.write_seg(path, arrays, image)) == []


@pytest.mark.parametrize(
  "name", ["STS_001_CT", "STS_013_CT", "STS_013_PET", "STS_006_MR_T1"]
)
def test_real_images(dicom_data, folder, name):
  case = dicom_data / "sts" / name
  image = dicom.read_ct(case / "image")
  (mask,) = dicom.read_rtstruct(case / "rtstruct.dcm").masks(image).values()
  path = dicom.write_seg(folder / f"{name}.dcm", {"tumour": mask}, image)
  np.testing.assert_array_equal(dicom.read_seg(path).on(image, 1), mask)
  assert not errors_of(path)


def test_existing_files_stay(folder, ct):
  path = folder / "there.dcm"
  path.write_text("mine")
  mask = {"a": np.ones(ct.shape, np.bool_)}
  with pytest.raises(errors.ExistingOutputError, match=r"there\.dcm"):
    dicom.write_seg(path, mask, ct)
  assert path.read_text() == "mine"
  dicom.write_seg(path, mask, ct, overwrite=True)
  assert dicom.read_seg(path).names == ("a",)


def bad(ct, value):
  array = np.full(ct.shape, 0.5, np.float32)
  array[1, 2, 3] = value
  return {"a": array}


@pytest.mark.parametrize(
  ("masks", "error", "said"),
  [
    (lambda ct: {}, errors.DataError, "no structures to write"),
    (
      lambda ct: {"a": np.ones((2, 2, 2), np.bool_)},
      errors.GeometryError,
      r"shape \(2, 2, 2\) is not the image's",
    ),
    (
      lambda ct: {"a": np.ones(ct.shape, np.uint8)},
      errors.DataError,
      "uint8; give a bool mask",
    ),
    (lambda ct: bad(ct, np.nan), errors.DataError, r"\(1, 2, 3\) is nan"),
    (lambda ct: bad(ct, -2.0), errors.DataError, "not logits"),
    (lambda ct: bad(ct, 1.5), errors.DataError, "not logits"),
    (
      lambda ct: bad(ct, 0.5) | {"b": np.ones(ct.shape, np.bool_)},
      errors.DataError,
      "mixed",
    ),
    (
      lambda ct: {
        "cord": np.ones(ct.shape, np.bool_),
        "a\nb": np.ones(ct.shape, np.bool_),
      },
      errors.DataError,
      "DICOM does not allow",
    ),
    (
      lambda ct: {
        "brain": np.ones(ct.shape, np.bool_),
        "Brain": np.ones(ct.shape, np.bool_),
      },
      errors.DataError,
      "two structures are written under this name",
    ),
  ],
)
def test_what_cannot_be_written(folder, ct, masks, error, said):
  path = folder / "bad.dcm"
  with pytest.raises(error, match=said):
    dicom.write_seg(path, masks(ct), ct)
  assert not path.exists()


def test_options_that_cannot_work(folder, ct):
  mask = {"a": np.ones(ct.shape, np.bool_)}
  with pytest.raises(errors.ConfigError, match="algorithm"):
    dicom.write_seg(folder / "no.dcm", mask, ct, algorithm="GUESS")
  with pytest.raises(errors.DataError, match="model is empty"):
    dicom.write_seg(folder / "no.dcm", mask, ct, model=" ")
  with pytest.raises(errors.DataError, match="description"):
    dicom.write_seg(folder / "no.dcm", mask, ct, description="x" * 65)


def test_volumes_are_written_where_they_lie(ct, tmp_path):
  mask = np.zeros(ct.shape, np.bool_)
  mask[1:3, 4:9, 6:15] = True
  whole = volume.Volume(mask, ct.grid)
  upside_down = volume.Volume.from_affine(
    mask[::-1], ct.affine @ [[-1, 0, 0, len(mask) - 1], *np.eye(4)[1:]]
  )
  drawn = tmp_path / "drawn.dcm"
  dicom.write_rtstruct(drawn, {"a": whole, "b": upside_down}, ct)
  read = dicom.read_rtstruct(drawn)
  roi = read.mask("a", ct)
  seg = tmp_path / "seg.dcm"
  dicom.write_seg(seg, {"a": whole, "b": upside_down, "c": roi}, ct)
  for name in "ab":
    np.testing.assert_array_equal(read.mask(name, ct).array, mask)
    np.testing.assert_array_equal(dicom.read_seg(seg).on(ct, name), mask)
  np.testing.assert_array_equal(dicom.read_seg(seg).on(ct, "c"), mask)
  again = tmp_path / "again.dcm"
  dicom.write_rtstruct(again, {"c": roi, "d": dicom.RtStructure(whole)}, ct)
  for name in "cd":
    back = dicom.read_rtstruct(again).mask(name, ct).array
    np.testing.assert_array_equal(back, mask)


@pytest.mark.parametrize("write", [dicom.write_rtstruct, dicom.write_seg])
def test_a_volume_elsewhere_is_refused(ct, tmp_path, write):
  moved = ct.affine.copy()
  moved[:3, 3] += 0.5
  elsewhere = volume.Volume.from_affine(np.ones(ct.shape, np.bool_), moved)
  with pytest.raises(errors.GeometryError, match="'a': the volume's voxels"):
    write(tmp_path / "x.dcm", {"a": elsewhere}, ct)
  for other in (7, None, "mask", {1, 2}):
    with pytest.raises(errors.JaxsegError, match="structure 'a'"):
      write(tmp_path / "x.dcm", {"a": other}, ct)
