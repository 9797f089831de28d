"""Names of channels and labels as nnU-Net, the MSD and others write them."""

import json

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from jaxseg import errors
from jaxseg import formats

SHAPE = (3, 4, 5)
# Of the kind: two nested regions and a label of its own.
NESTED = {"liver_and_tumour": [1, 2], "tumour": 2, "kidney": 3}
BRATS = {
  "background": 0,
  "whole": [1, 2, 3],
  "core": [2, 3],
  "enhancing": [3],
}


def case(folder, count, labels, *, name="case", **more):
  """A case of nnU-Net, whose channel k is (k + 1) / 10 everywhere."""
  folder.mkdir(parents=True, exist_ok=True)
  values = np.stack([np.full(SHAPE, (k + 1) / 10) for k in range(count)])
  np.savez(folder / f"{name}.npz", probabilities=values.astype(np.float32))
  written = json.dumps({"labels": labels, **more})
  (folder / "dataset.json").write_text(written)
  return folder / f"{name}.npz"


def channel(path, name):
  read = formats.read_probabilities(path, structure=name)
  return round(10 * float(read.array[0, 0, 0])) - 1


@pytest.mark.parametrize(
  ("labels", "count", "channels"),
  [
    (NESTED, 3, {"liver_and_tumour": 0, "tumour": 1, "kidney": 2}),
    ({"background": 0, **NESTED}, 3, {"tumour": 1, "kidney": 2}),
    ({"background": [0], **NESTED}, 3, {"tumour": 1, "kidney": 2}),
    (BRATS, 3, {"whole": 0, "core": 1, "enhancing": 2}),
    ({**BRATS, "ignore": 4}, 3, {"core": 1}),
    # The order of the file counts, not that of the labels.
    ({"c": 3, "a": [1, 2], "b": 1}, 3, {"c": 0, "a": 1, "b": 2}),
    # As many channels as labels with the background are by softmax.
    (NESTED, 4, {"tumour": 2, "kidney": 3}),
    # Without regions a channel is the label, whatever the order.
    ({"b": 2, "background": 0, "a": 1}, 3, {"a": 1, "b": 2}),
    ({"background": 0, "a": 1, "b": 2, "ignore": 3}, 3, {"a": 1, "b": 2}),
    ({"background": "0", "a": ["1"]}, 2, {"background": 0, "a": 1}),
    # A network of a single region.
    ({"background": 0, "whole": [1, 2]}, 1, {"whole": 0}),
  ],
)
def test_channels_of_names(tmp_path, labels, count, channels):
  path = case(tmp_path, count, labels)
  assert {name: channel(path, name) for name in channels} == channels


@pytest.mark.parametrize(
  ("labels", "count", "name", "said"),
  [
    # Neither is sure to be meant.
    (NESTED, 5, "tumour", "5 channels, for 4 labels .* and 3 regions"),
    ({"a": 1, "b": 2}, 2, "a", "2 channels, for 3 labels with the background"),
    ({"a": 1, "b": 2, "ab": [1, 2]}, 3, "a", "regions or its labels"),
    (NESTED, 4, "liver_and_tumour", "of which none is of that name"),
    (NESTED, 3, "background", "no number for 'background'"),
    ({**NESTED, "ignore": 4}, 3, "ignore", "no number for 'ignore'"),
    ({**NESTED, "ignore": [4, 5]}, 3, "tumour", "a single label above 0"),
    ({**NESTED, "ignore": 0}, 3, "tumour", "a single label above 0"),
  ],
)
def test_what_is_no_channel_for_sure(tmp_path, labels, count, name, said):
  path = case(tmp_path, count, labels)
  with pytest.raises(errors.JaxsegError, match=said) as raised:
    formats.read_probabilities(path, structure=name)
  if "single label" not in said:
    assert "--class" in str(raised.value)


def test_an_order_of_regions_makes_them_regions(tmp_path):
  labels = {"background": 0, "a": 1, "b": 2, "ab": [1, 2]}
  path = case(tmp_path, 3, labels, regions_class_order=[1, 2, 1])
  assert [channel(path, name) for name in ("a", "b", "ab")] == [0, 1, 2]
  path = case(tmp_path, 3, labels, regions_class_order=[1, 2])
  with pytest.raises(errors.DataError, match="3 regions, and its regions_c"):
    formats.read_probabilities(path, structure="ab")


def test_channels_of_an_image_have_names_too(tmp_path):
  case(tmp_path, 3, NESTED)
  values = np.arange(3, dtype=np.float32)[None, None, None] / 10
  image = np.broadcast_to(values, (5, 4, 3, 3))  # x, y, z, channel.
  nibabel.save(
    nibabel.Nifti1Image(np.ascontiguousarray(image), np.eye(4)),
    tmp_path / "other.nii.gz",
  )
  read = formats.read_probabilities(
    tmp_path / "other.nii.gz", structure="tumour"
  )
  np.testing.assert_array_equal(read.array, np.full(SHAPE, 0.1, np.float32))


def test_the_references_dataset_json_where_the_map_has_none(tmp_path):
  path = case(tmp_path / "a" / "b" / "c", 3, NESTED)
  (path.parent / "dataset.json").unlink()
  other = case(tmp_path / "d" / "e" / "f", 3, NESTED)
  with pytest.raises(errors.StructureNotFoundError, match="no dataset"):
    formats.read_probabilities(path, structure="tumour")
  read = formats.read_probabilities(path, structure="tumour", beside=other)
  assert read.array[0, 0, 0] == np.float32(0.2)


AXES = [("L", "P", "S"), ("R", "A", "S"), ("L", "A", "S"), ("P", "S", "R")]


@pytest.mark.parametrize("axes", AXES, ids="".join)
@pytest.mark.parametrize("key", ["image_reader_writer", "overwrite"])
def test_maps_of_a_network_that_turns_images_to_ras(tmp_path, axes, key):
  # As nnU-Net's NibabelIOWithReorient: the map stays in RAS, the segmentation
  # is turned back.
  draw = np.random.default_rng(0)
  affine = np.diag([0.7, 1.3, 2.5, 1.0])
  affine[:2, 3] = 4, -5
  values = draw.random((5, 4, 3)).astype(np.float32)
  ras = nibabel.Nifti1Image(values, affine)
  np.savez(
    tmp_path / "a.npz",
    probabilities=np.stack([np.zeros(SHAPE), ras.get_fdata().T]),
  )
  to = nibabel.orientations.ornt_transform(
    nibabel.io_orientation(ras.affine),
    nibabel.orientations.axcodes2ornt(axes),
  )
  mask = nibabel.Nifti1Image(
    (ras.get_fdata() > 0.5).astype(np.uint8), ras.affine
  )
  for name in ("a.nii.gz", "reference.nii.gz"):
    nibabel.save(mask.as_reoriented(to), tmp_path / name)
  if key == "overwrite":
    content = {"overwrite_image_reader_writer": "NibabelIOWithReorient"}
    (tmp_path / "dataset.json").write_text(json.dumps(content))
  else:
    content = {"image_reader_writer": "SimpleITKIOWithReorient"}
    (tmp_path / "plans.json").write_text(json.dumps(content))
  p, y = formats.match_grids(
    formats.read_probabilities(tmp_path / "a.npz", structure=1),
    formats.read_mask(tmp_path / "reference.nii.gz"),
  )
  np.testing.assert_array_equal(p > 0.5, y)
  assert y.any()


def test_other_readers_of_nnunet_turn_nothing(tmp_path):
  path = case(tmp_path, 2, {"background": 0, "a": 1})
  (tmp_path / "plans.json").write_text('{"image_reader_writer": "SimpleITKIO"}')
  image = sitk.GetImageFromArray(np.zeros(SHAPE, np.uint8))
  sitk.WriteImage(image, str(tmp_path / "case.nii.gz"))
  read = formats.read_probabilities(path, structure=1)
  np.testing.assert_allclose(np.diag(read.affine[:3, 2::-1]), 1)


@pytest.mark.parametrize(
  ("content", "said"),
  [
    ({"lacels": {"background": 0, "liver": 1}}, "'lacels' where \"labels\""),
    ({"labels": {"background": 0, "ignose": 2}}, "'ignose' where \"ignore\""),
    ({"labels": {"0": "background", "2": "Ignore"}}, "'Ignore' where"),
  ],
)
def test_what_is_all_but_a_name_is_refused(tmp_path, content, said):
  (tmp_path / "dataset.json").write_text(json.dumps(content))
  np.save(tmp_path / "a.npy", np.zeros((2, 3, 4), np.uint8))
  with pytest.raises(errors.DataError, match=said):
    formats.read_reference(tmp_path / "a.npy")
