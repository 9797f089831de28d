"""SEG read: by geometry, to the voxel, or refused."""

import highdicom
import numpy as np
from openjpeg import utils as openjpeg_utils
import pydicom
from pydicom import encaps
from pydicom import uid as uids
import pytest
import SimpleITK as sitk

from jaxseg import dicom
from jaxseg import errors
from tests.dicom.ct_double import ct_series
from tests.dicom.seg_double import seg

SHAPE = (5, 13, 11)  # 143 bits a frame: frames do not begin at bytes.


@pytest.fixture(scope="module")
def ct(tmp_path_factory):
  folder = tmp_path_factory.mktemp("ct")
  ct_series(folder, shape=SHAPE)
  return dicom.read_ct(folder)


@pytest.fixture(scope="module")
def masks():
  generator = np.random.default_rng(5)
  a, b = generator.random((2, *SHAPE)) < 0.4
  a[1], b[[0, 3]] = False, False
  return {"a": a, "b": b}


def frames_of(masks, order=None):
  """Frames of all slices that are not empty."""
  frames = [
    (k, number, mask[k])
    for number, mask in enumerate(masks.values(), start=1)
    for k in range(len(mask))
    if mask[k].any()
  ]
  if order is not None:
    np.random.default_rng(order).shuffle(frames)
  return frames


def simple_reader(path):
  """The masks of a file, by number, through pydicom's own unpacking."""
  dataset = pydicom.dcmread(path)
  pixels = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
  found = {}
  shared = dataset.SharedFunctionalGroupsSequence[0]
  for frame, group in zip(
    pixels, dataset.PerFrameFunctionalGroupsSequence, strict=True
  ):
    where = group.get("SegmentIdentificationSequence") or shared.get(
      "SegmentIdentificationSequence"
    )
    number = where[0].ReferencedSegmentNumber
    place = group.PlanePositionSequence[0].ImagePositionPatient
    found.setdefault(number, {})[tuple(float(v) for v in place)] = frame
  return found


def agrees_with_simple_reader(path, read):
  for number, frames in simple_reader(path).items():
    own = (
      read.mask(number) if read.kind == "BINARY" else read.probabilities(number)
    )
    seen = 0
    for place, frame in frames.items():
      apart = np.linalg.norm(read.grid.positions - place, axis=1)
      index = int(apart.argmin())
      assert apart[index] < 0.011
      scale = 1 if read.kind == "BINARY" else np.float32(read.highest)
      np.testing.assert_array_equal(own[index], frame / scale)
      seen += np.count_nonzero(frame)
    assert np.count_nonzero(own) == seen


def same_as_nrrd(read, key, path, label=None):
  """Compares by geometry: the voxels' places in mm."""
  image = sitk.ReadImage(str(path))
  array = sitk.GetArrayFromImage(image)
  wanted = array == label if label is not None else array > 0
  index = np.argwhere(wanted)[:, ::-1]
  turn = np.array(image.GetDirection()).reshape(3, 3)
  theirs = index * np.array(image.GetSpacing()) @ turn.T + image.GetOrigin()
  mask = read.mask(key)
  ours = np.argwhere(mask) @ read.affine[:3, :3].T + read.affine[:3, 3]
  assert len(ours) == len(theirs) > 0
  for points in (ours, theirs):
    points[:] = np.round(points, 2)
  order = [np.lexsort(points.T) for points in (ours, theirs)]
  np.testing.assert_allclose(ours[order[0]], theirs[order[1]], atol=0.02)
  return int(mask.sum())


def test_dcmqi_liver(dicom_data):
  folder = dicom_data / "seg/dcmqi"
  read = dicom.read_seg(folder / "liver.dcm")
  assert read.kind == "BINARY"
  assert same_as_nrrd(read, 1, folder / "liver_seg.nrrd") == 107098
  agrees_with_simple_reader(read.path, read)
  image = dicom.read_ct(folder / "ct-3slice")
  mask = read.on(image, 1)
  assert mask.shape == image.shape
  assert mask.sum() == 107098


@pytest.mark.parametrize(
  ("number", "file", "label", "voxels"),
  [
    (1, 1, 1, 9602), (4, 1, 4, 6693), (5, 1, 5, 4713), (2, 2, 2, 11888),
    (3, 3, 3, 10743),
  ],
)  # fmt: skip
def test_dcmqi_overlaps(dicom_data, number, file, label, voxels):
  folder = dicom_data / "seg/dcmqi"
  read = dicom.read_seg(folder / "partial_overlaps.dcm")
  assert len(read.slices) == 7
  reference = folder / f"partial_overlaps-{file}.nrrd"
  assert same_as_nrrd(read, number, reference, label) == voxels
  agrees_with_simple_reader(read.path, read)
  image = dicom.read_ct(folder / "ct-3slice")
  assert read.on(image, number).sum() == voxels


def test_dcmqi_frames_off_bytes(dicom_data):
  folder = dicom_data / "seg/dcmqi/23x38x3"
  read = dicom.read_seg(folder / "seg/label.seg")
  assert read.frames.form.rows * read.frames.form.columns % 8
  assert same_as_nrrd(read, 1, folder / "nrrd/label.nrrd") == 322
  agrees_with_simple_reader(read.path, read)
  assert read.on(dicom.read_ct(folder / "image"), 1).sum() == 322


def test_dcmqi_sparse_label_map(dicom_data):
  folder = dicom_data / "seg/dcmqi"
  read = dicom.read_seg(folder / "sparse-labelmap-noppv.dcm")
  assert read.kind == "LABELMAP"
  assert len(read.slices) == 2
  reference = folder / "sparse_labelmap_noppv_seg.nrrd"
  voxels = [
    same_as_nrrd(read, one.number, reference, one.number)
    for one in read.segments
  ]
  assert sum(voxels) == 630


@pytest.mark.parametrize(
  "name",
  ["ct_binary", "ct_binary_overlap", "ct_binary_fractional",
   "ct_true_fractional"],
)  # fmt: skip
def test_as_highdicom_reads_it(dicom_data, name, request):
  path = dicom_data / f"seg/highdicom/seg_image_{name}.dcm"
  read = dicom.read_seg(path)
  agrees_with_simple_reader(path, read)
  theirs = highdicom.seg.segread(path)
  request.addfinalizer(theirs._db_con.close)  # It never does so itself.
  for segment in read.segments:
    volume = theirs.get_volume(segment_numbers=[segment.number])
    volume = volume.squeeze_channel() if hasattr(
      volume, "squeeze_channel"
    ) else volume  # fmt: skip
    array = np.squeeze(volume.array, axis=-1) if volume.array.ndim == 4 else (
      volume.array
    )  # fmt: skip
    own = (
      read.mask(segment.number)
      if read.kind == "BINARY"
      else read.probabilities(segment.number)
    )
    # Theirs may run the other way: compare at the places of the voxels.
    index = np.indices(own.shape).reshape(3, -1).T
    places = index @ read.affine[:3, :3].T + read.affine[:3, 3]
    back = np.linalg.inv(volume.affine)
    at = np.rint(places @ back[:3, :3].T + back[:3, 3]).astype(int)
    np.testing.assert_array_equal(array[tuple(at.T)], own.ravel())
    assert array.size == own.size


@pytest.mark.parametrize("name", ["", "_palette_color"])
def test_slides_are_refused(dicom_data, name):
  path = dicom_data / f"seg/highdicom/seg_image_sm_control_labelmap{name}.dcm"
  with pytest.raises(errors.DataError, match="slide image in tiles"):
    dicom.read_seg(path)


@pytest.mark.parametrize("order", range(5))
def test_frames_in_any_order(tmp_path, ct, masks, order):
  path = seg(tmp_path / "s.dcm", frames_of(masks, order))
  read = dicom.read_seg(path)
  agrees_with_simple_reader(path, read)
  for name, mask in masks.items():
    np.testing.assert_array_equal(read.on(ct, name), mask)


def test_what_is_known_of_it(tmp_path, masks):
  read = dicom.read_seg(seg(tmp_path / "s.dcm", frames_of(masks)))
  assert read.names == ("a", "b")
  assert read["b"].number == 2
  assert read[1].type == dicom.Code("2748008", "SCT", "Spinal cord")
  assert read.patient_id == "P0"
  assert len(read.referenced_series) == 1
  assert read.notes == ()
  with pytest.raises(errors.StructureNotFoundError, match="no segment 'c'"):
    read.mask("c")


def test_sparse_numbers_and_shared_names(tmp_path, masks):
  frames = [(k, 3 * n + 4, p) for k, n, p in frames_of(masks)]
  path = seg(tmp_path / "s.dcm", frames, labels=("x", "x"), numbers=(7, 10))
  read = dicom.read_seg(path)
  np.testing.assert_array_equal(
    read.mask(10).sum((1, 2)), masks["b"][:].sum((1, 2))
  )
  with pytest.raises(errors.StructureNotFoundError, match="2 segments.*7, 10"):
    read.mask("x")


def test_fractions_are_not_masks(tmp_path, ct):
  values = np.random.default_rng(1).integers(0, 101, SHAPE, np.uint8)
  frames = [(k, 1, values[k]) for k in range(len(values))]
  path = seg(tmp_path / "p.dcm", frames, kind="FRACTIONAL", labels=("a",))
  read = dicom.read_seg(path)
  expected = values / np.float32(100)
  np.testing.assert_array_equal(read.probabilities("a"), expected)
  np.testing.assert_array_equal(read.on(ct, "a"), expected)
  with pytest.raises(errors.DataError, match="no masks"):
    read.mask("a")


def test_occupancy_is_no_probability(tmp_path):
  def change(dataset):
    dataset.SegmentationFractionalType = "OCCUPANCY"

  frames = [(0, 1, np.full((2, 2), 50))]
  path = seg(
    tmp_path / "o.dcm", frames, kind="FRACTIONAL", labels=("a",), change=change
  )
  read = dicom.read_seg(path)
  with pytest.raises(errors.DataError, match="OCCUPANCY.*not probabilities"):
    read.probabilities("a")
  assert (read.probabilities("a", occupancy=True) == 0.5).all()


def test_label_map_with_padding(tmp_path):
  values = np.array([[0, 1], [2, 9]])

  def change(dataset):
    dataset.PixelPaddingValue = 9

  frames = [(0, 0, values), (2, 0, values)]
  path = seg(
    tmp_path / "l.dcm", frames, kind="LABELMAP", labels=("a", "b"),
    change=change,
  )  # fmt: skip
  read = dicom.read_seg(path)
  assert read.grid.shape == (3, 2, 2)
  assert read.names == ("a", "b")
  assert read.mask("b")[:, 1, 0].tolist() == [True, False, True]
  assert read.mask("a").sum() == read.mask("b").sum() == 2


def test_duplicate_frames(tmp_path, masks):
  frames = frames_of(masks)
  read = dicom.read_seg(seg(tmp_path / "s.dcm", [*frames, frames[0]]))
  assert [note.code for note in read.notes] == ["duplicate-frame"]
  other = (frames[0][0], frames[0][1], ~frames[0][2])
  path = seg(tmp_path / "t.dcm", [*frames, other])
  with pytest.raises(errors.DataError, match=r"frames 1 and 8 .* differ"):
    dicom.read_seg(path)


def test_a_shifted_and_larger_grid_is_exact(tmp_path, ct, masks):
  # One slice lower, two rows and three columns before the image's corner.
  wide = {}
  for name, mask in masks.items():
    wide[name] = np.zeros((8, 18, 20), np.bool_)
    wide[name][1:6, 2:15, 3:14] = mask
    wide[name][7, 17, 19] = True  # Beyond the image.
  path = seg(tmp_path / "s.dcm", frames_of(wide, 1), ipp=(-13, -23, 27))
  read = dicom.read_seg(path)
  for name, mask in masks.items():
    np.testing.assert_array_equal(read.on(ct, name, crop=True), mask)
    for how in ({}, {"resample": True}):
      with pytest.raises(errors.GeometryError, match="1 of .* beyond.*crop"):
        read.on(ct, name, **how)


def test_a_flipped_grid_is_exact(tmp_path, ct, masks):
  def change(dataset):
    shared = dataset.SharedFunctionalGroupsSequence[0]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [
      -1, 0, 0, 0, -1, 0
    ]  # fmt: skip

  flipped = {name: mask[:, ::-1, ::-1] for name, mask in masks.items()}
  path = seg(
    tmp_path / "s.dcm",
    frames_of(flipped, 3),
    ipp=(-10 + 10 * 1.0, -20 + 12 * 1.5, 30),
    change=change,
  )
  read = dicom.read_seg(path)
  for name, mask in masks.items():
    np.testing.assert_array_equal(read.on(ct, name), mask)


def test_another_grid_only_when_asked(tmp_path, ct):
  values = np.full((2 * SHAPE[1], 2 * SHAPE[2]), 100)
  frames = [(k, 1, values) for k in range(5)]
  half = {"spacing": (3.0, 0.75, 0.5), "ipp": (-10.25, -20.375, 30)}
  path = seg(
    tmp_path / "p.dcm", frames, kind="FRACTIONAL", labels=("a",), **half
  )
  read = dicom.read_seg(path)
  with pytest.raises(errors.GeometryError, match="do not coincide.*resample"):
    read.on(ct, "a")
  moved = read.on(ct, "a", resample=True)
  assert moved.dtype == np.float32
  np.testing.assert_allclose(moved[2, 3:-3, 3:-3], 1)
  path = seg(tmp_path / "m.dcm", frames, labels=("a",), **half)
  moved = dicom.read_seg(path).on(ct, "a", resample=True)
  assert moved.dtype == np.bool_
  assert moved[2].all()


def test_another_frame_of_reference(tmp_path, ct, masks):
  path = seg(tmp_path / "s.dcm", frames_of(masks), seed=1)
  read = dicom.read_seg(path)
  with pytest.raises(errors.GeometryError, match="FrameOfReferenceUID"):
    read.on(ct, "a")
  mask = read.on(ct, "a", any_frame_of_reference=True)
  np.testing.assert_array_equal(mask, masks["a"])


def test_sheared_frames_are_noted(tmp_path, masks):
  def slant(by):
    def change(dataset):
      for group in dataset.PerFrameFunctionalGroupsSequence:
        place = group.PlanePositionSequence[0].ImagePositionPatient
        k = round((place[2] - 30) / 3)
        group.PlanePositionSequence[0].ImagePositionPatient = [
          place[0], place[1] + by(k), place[2]
        ]  # fmt: skip

    return change

  path = seg(
    tmp_path / "s.dcm", frames_of(masks), change=slant(lambda k: 0.5 * k)
  )
  read = dicom.read_seg(path)
  assert [note.code for note in read.notes] == ["tilt"]
  assert read.affine[1, 0] == pytest.approx(0.5)
  path = seg(
    tmp_path / "t.dcm", frames_of(masks), change=slant(lambda k: k == 2)
  )
  with pytest.raises(errors.GeometryError, match="shifted against each other"):
    dicom.read_seg(path)


def drop(keyword):
  return lambda dataset: dataset.__delattr__(keyword)


def put(**values):
  def change(dataset):
    for keyword, value in values.items():
      setattr(dataset, keyword, value)

  return change


def cut(dataset):
  dataset.PixelData = dataset.PixelData[:-20]


def no_place(dataset):
  del dataset.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence


def no_measures(dataset):
  del dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence


def twice(dataset):
  dataset.SegmentSequence[1].SegmentNumber = 1


@pytest.mark.parametrize(
  ("change", "said"),
  [
    (cut, "PixelData .* the file is cut off"),
    (no_place, "frame 3 has no ImagePositionPatient"),
    (no_measures, "PixelSpacing"),
    (twice, "SegmentNumber .* there twice"),
    (put(SegmentationType="SPLINE"), "is 'SPLINE'"),
    (put(NumberOfFrames=9), "7 items for 9 frames"),
    (put(SOPClassUID="1.2.840.10008.5.1.4.1.1.2"), "not a SEG"),
    (put(Rows=60000, Columns=60000), "60000"),
  ],
)
def test_malformed(tmp_path, masks, change, said):
  path = seg(tmp_path / "s.dcm", frames_of(masks), change=change)
  with pytest.raises(errors.DataError, match=said) as raised:
    dicom.read_seg(path)
  assert str(path) in str(raised.value)
  assert "Nobody" not in str(raised.value)


def test_without_references(tmp_path, masks):
  path = seg(
    tmp_path / "s.dcm",
    frames_of(masks),
    change=drop("ReferencedSeriesSequence"),
  )
  assert [n.code for n in dicom.read_seg(path).notes] == ["no-source"]


def test_an_unknown_transfer_syntax(tmp_path, masks):
  path = seg(tmp_path / "s.dcm", frames_of(masks))
  content = path.read_bytes()
  path.write_bytes(
    content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.9.9\0", 1)
  )
  with pytest.raises(errors.DataError, match=r"syntax '1\.2.*9' is unknown"):
    dicom.read_seg(path)


def test_big_endian_bytes_and_words(tmp_path, masks):
  # In OB bytes stand as they are; in OW two and two are turned round.
  def big(kind):
    def change(dataset):
      dataset.file_meta.TransferSyntaxUID = uids.ExplicitVRBigEndian
      dataset["PixelData"].VR = kind
      if kind == "OW":
        words = np.frombuffer(dataset.PixelData, "<u2")
        dataset.PixelData = words.byteswap().tobytes()

    return change

  for kind in ("OB", "OW"):
    path = seg(tmp_path / kind, frames_of(masks), change=big(kind))
    for name, mask in masks.items():
      np.testing.assert_array_equal(dicom.read_seg(path).mask(name), mask)


def test_compressed_bits(tmp_path):
  mask = np.random.default_rng(6).random((3, 40, 37)) < 0.4

  def compress(dataset):
    encoded = [
      openjpeg_utils.encode_array(frame, photometric_interpretation=2)
      for frame in mask.view(np.uint8)
    ]
    dataset.PixelData = encaps.encapsulate(encoded)
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = uids.JPEG2000Lossless

  path = seg(tmp_path / "j.dcm", frames_of({"a": mask}), labels=("a",),
             change=compress)  # fmt: skip
  np.testing.assert_array_equal(dicom.read_seg(path).mask("a"), mask)


@pytest.mark.parametrize("apart", [1.5, 0.05, 0.0125])
def test_a_finer_grid_than_the_image_loses_no_slice(tmp_path, ct, apart):
  # The frames are 3 mm apart; that is a multiple of each of these.
  mask = np.ones(SHAPE, np.bool_)

  def finer(dataset):
    (shared,) = dataset.SharedFunctionalGroupsSequence
    shared.PixelMeasuresSequence[0].SpacingBetweenSlices = apart

  path = seg(tmp_path / "s.dcm", frames_of({"a": mask}), labels=("a",),
             change=finer)  # fmt: skip
  np.testing.assert_array_equal(dicom.read_seg(path).on(ct, "a"), mask)


def test_two_slices_that_fall_to_one_are_not_merged(tmp_path, ct):
  frame = np.ones(SHAPE[1:], np.bool_)
  path = seg(
    tmp_path / "s.dcm", [(0, 1, frame), (1, 1, frame)], labels=("a",),
    spacing=(0.02, 1.5, 1.0),
  )  # fmt: skip
  with pytest.raises(errors.GeometryError, match="do not coincide"):
    dicom.read_seg(path).on(ct, "a")


def test_frames_far_apart_are_refused_before_memory_is_taken(tmp_path):
  frame = np.zeros((512, 512), np.bool_)
  path = seg(
    tmp_path / "s.dcm", [(0, 1, frame), (4000, 1, frame)], labels=("a",),
    spacing=(1.0, 1.0, 1.0),
  )  # fmt: skip
  with pytest.raises(errors.LimitError, match="'volume_bytes'"):
    dicom.read_seg(path, limits=dicom.Limits(volume_bytes=1 << 28))


def test_occupancy_is_told_apart_on_every_way(tmp_path, ct):
  def change(dataset):
    dataset.SegmentationFractionalType = "OCCUPANCY"

  frames = [(k, 1, np.full(SHAPE[1:], 50)) for k in range(SHAPE[0])]
  path = seg(
    tmp_path / "o.dcm", frames, kind="FRACTIONAL", labels=("a",), change=change
  )
  read = dicom.read_seg(path)
  for way in (
    lambda **o: read.on(ct, "a", **o),
    lambda **o: read.volume("a", **o).array,
  ):
    with pytest.raises(errors.DataError, match="OCCUPANCY"):
      way()
    assert (way(occupancy=True) == 0.5).all()


def test_by_another_name_of_the_organ(tmp_path, masks):
  path = seg(tmp_path / "s.dcm", frames_of(masks), labels=("Parotid_L", "x"))
  read = dicom.read_seg(path)
  assert read["parotid_left"].number == read["Parotis li"].number == 1
  with pytest.raises(errors.StructureNotFoundError, match="no segment"):
    read["parotid_right"]


def test_a_folder_with_one(tmp_path, masks):
  seg(tmp_path / "in" / "s.dcm", frames_of(masks))
  assert dicom.read_seg(tmp_path / "in").names == ("a", "b")
  seg(tmp_path / "in" / "t.dcm", frames_of(masks))
  with pytest.raises(errors.DataError, match="holds 2 segmentations"):
    dicom.read_seg(tmp_path / "in")
