"""Arrays as NumPy and nnU-Net save them; pickles stay shut."""

import json
import pickle
import zipfile

import numpy as np
import pytest
import SimpleITK as sitk

from jaxseg import errors
from jaxseg import formats

SHAPE = (3, 4, 5)


def random(*shape, dtype=np.float32):
  return np.random.default_rng(1).random(shape).astype(dtype)


class Bomb:
  """Leaves a file behind when it is unpickled."""

  def __init__(self, path):
    self.path = path

  def __reduce__(self):
    return (open, (str(self.path), "w"))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy(tmp_path, dtype, order):
  values = np.asarray(random(*SHAPE).astype(dtype), order=order)
  np.save(tmp_path / "a.npy", values)
  read = formats.read_probabilities(tmp_path / "a.npy")
  assert read.grid is None
  assert read.array.dtype == np.dtype(dtype).newbyteorder("=")
  assert read.array.flags.c_contiguous
  np.testing.assert_array_equal(read.array, values)


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_of_2d_and_4d(tmp_path, order):
  path = tmp_path / "a.npy"
  np.save(path, random(4, 5))
  np.testing.assert_array_equal(
    formats.read_probabilities(path).array, random(1, 4, 5)
  )
  values = np.asarray(random(2, *SHAPE), order=order)
  np.save(path, values)
  for k in (0, 1):
    read = formats.read_probabilities(path, structure=k)
    np.testing.assert_array_equal(read.array, values[k])
  with pytest.raises(errors.DataError, match="2 channels, 0 to 1; say which"):
    formats.read_probabilities(path)
  np.save(path, random(1, *SHAPE))
  read = formats.read_probabilities(path)
  np.testing.assert_array_equal(read.array, random(*SHAPE))


@pytest.mark.parametrize("shape", [(), (4,), (2, 2, 2, 2, 2), (0, 4, 5)])
def test_npy_of_other_shapes(tmp_path, shape):
  np.save(tmp_path / "a.npy", np.zeros(shape, np.float32))
  with pytest.raises(errors.DataError, match=r"a\.npy: .* shape"):
    formats.read_probabilities(tmp_path / "a.npy")


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.bool_, np.int64])
def test_whole_numbers_are_labels(tmp_path, dtype):
  np.save(tmp_path / "a.npy", np.ones(SHAPE, dtype))
  with pytest.raises(errors.DataError, match="labels, not probabilities"):
    formats.read_probabilities(tmp_path / "a.npy")
  if dtype != np.uint8:
    with pytest.raises(errors.DataError, match="labels, not probabilities"):
      formats.read_probabilities(tmp_path / "a.npy", eight_bit=True)


def test_eight_bits_when_asked_for(tmp_path):
  values = np.arange(60, dtype=np.uint8).reshape(SHAPE)
  np.save(tmp_path / "a.npy", values)
  with pytest.raises(errors.DataError, match="set eight_bit"):
    formats.read_probabilities(tmp_path / "a.npy")
  read = formats.read_probabilities(tmp_path / "a.npy", eight_bit=True)
  assert read.array.dtype == np.uint8
  np.testing.assert_array_equal(read.array, values)


@pytest.mark.parametrize(
  "values",
  [
    np.ones(SHAPE, np.complex64),
    np.ones(SHAPE, "f4,f4"),
    np.full(SHAPE, "a"),
    np.zeros(SHAPE, "M8[s]"),
  ],
)
def test_other_types_are_refused(tmp_path, values):
  np.save(tmp_path / "a.npy", values)
  for read in (formats.read_probabilities, formats.read_mask):
    with pytest.raises(errors.DataError, match="not plain numbers"):
      read(tmp_path / "a.npy")


def test_long_doubles_are_refused(tmp_path):
  np.save(tmp_path / "a.npy", np.ones(SHAPE, np.longdouble))
  with pytest.raises(errors.DataError, match="save probabilities as float16"):
    formats.read_probabilities(tmp_path / "a.npy")


def test_objects_are_never_unpickled(tmp_path):
  values = np.full(SHAPE, None, object)
  values[0, 0, 0] = Bomb(tmp_path / "bang")
  np.save(tmp_path / "a.npy", values, allow_pickle=True)
  np.savez(tmp_path / "a.npz", probabilities=values)
  (tmp_path / "p.npy").write_bytes(pickle.dumps(Bomb(tmp_path / "bang")))
  (tmp_path / "p.npz").write_bytes(pickle.dumps(Bomb(tmp_path / "bang")))
  for name in ("a.npy", "a.npz", "p.npy", "p.npz"):
    for read in (formats.read_probabilities, formats.read_mask):
      with pytest.raises(errors.DataError, match=name):
        read(tmp_path / name)
  assert not (tmp_path / "bang").exists()


def nnunet(folder, key="probabilities", dtype=np.float16, **written):
  """A case as nnU-Net saves it: map, segmentation, and a poisoned pickle."""
  folder.mkdir(parents=True, exist_ok=True)
  values = random(3, *SHAPE, dtype=dtype)
  np.savez_compressed(folder / "case.npz", **{key: values})
  (folder / "case.pkl").write_bytes(pickle.dumps(Bomb(folder / "bang")))
  suffix = written.get("suffix", ".nii.gz")
  if suffix:
    image = sitk.GetImageFromArray(values.argmax(0).astype(np.uint8))
    image.SetSpacing((0.7, 1.3, 2.5))
    image.SetOrigin((1, -2, 3))
    sitk.WriteImage(image, str(folder / f"case{suffix}"))
  if "labels" in written:
    place = (folder / "x").parents[written.get("above", 0)]
    text = json.dumps({"labels": written["labels"]})
    (place / "dataset.json").write_text(text)
  return folder / "case.npz", values


AFFINE = [[0, 0, 0.7, 1], [0, 1.3, 0, -2], [2.5, 0, 0, 3], [0, 0, 0, 1]]


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize(
  ("key", "dtype"), [("probabilities", np.float32), ("softmax", np.float16)]
)
def test_nnunet(tmp_path, key, dtype, suffix):
  path, values = nnunet(tmp_path, key, dtype, suffix=suffix)
  for k in range(3):
    read = formats.read_probabilities(path, structure=k)
    assert read.array.dtype == dtype
    np.testing.assert_array_equal(read.array, values[k])
    np.testing.assert_allclose(read.affine, AFFINE, rtol=0, atol=1e-6)
  assert (tmp_path / "case.pkl").exists()
  assert not (tmp_path / "bang").exists()
  with pytest.raises(errors.DataError, match="3 channels, 0 to 2; say which"):
    formats.read_probabilities(path)


def test_the_bomb_would_go_off(tmp_path):
  nnunet(tmp_path)
  with (tmp_path / "case.pkl").open("rb") as file:
    pickle.load(file).close()
  assert (tmp_path / "bang").exists()


def test_nnunet_without_its_segmentation(tmp_path):
  path, values = nnunet(tmp_path, suffix="")
  read = formats.read_probabilities(path, structure=1)
  assert read.grid is None
  np.testing.assert_array_equal(read.array, values[1])


def test_nnunet_beside_an_image_of_another_shape(tmp_path):
  path, _ = nnunet(tmp_path)
  image = sitk.GetImageFromArray(np.zeros((3, 4, 6), np.uint8))
  sitk.WriteImage(image, str(tmp_path / "case.nii.gz"))
  with pytest.raises(errors.GeometryError, match=r"\(3, 4, 5\).*\(3, 4, 6\)"):
    formats.read_probabilities(path, structure=1)


def test_nnunet_beside_two_images(tmp_path):
  path, _ = nnunet(tmp_path)
  nnunet(tmp_path, suffix=".mha")
  with pytest.raises(errors.DataError, match=r"case\.nii\.gz or case\.mha"):
    formats.read_probabilities(path, structure=1)


LABELS = {"background": 0, "liver": 1, "tumour": 2}


@pytest.mark.parametrize("above", [0, 1, 2])
@pytest.mark.parametrize(
  "labels", [LABELS, {"0": "background", "1": "liver", "2": "tumour"}]
)
def test_nnunet_names(tmp_path, labels, above):
  folder = tmp_path / "fold_0" / "validation"
  path, values = nnunet(folder, labels=labels, above=above)
  read = formats.read_probabilities(path, structure="tumour")
  np.testing.assert_array_equal(read.array, values[2])
  with pytest.raises(errors.StructureNotFoundError, match="it names 'backgro"):
    formats.read_probabilities(path, structure="Tumour")


def test_a_name_that_nothing_explains(tmp_path):
  path, _ = nnunet(tmp_path / "a" / "b" / "c" / "d")
  (tmp_path / "a" / "dataset.json").write_text('{"labels": {"liver": 1}}')
  with pytest.raises(errors.StructureNotFoundError, match=r"no dataset\.json"):
    formats.read_probabilities(path, structure="liver")
  (path.parent / "dataset.json").write_text("[" * 100000)
  with pytest.raises(errors.DataError, match=r"dataset\.json: "):
    formats.read_probabilities(path, structure="liver")
  (path.parent / "dataset.json").write_text('{"labels": [1]}')
  with pytest.raises(errors.StructureNotFoundError, match=r"no dataset\.json"):
    formats.read_probabilities(path, structure="liver")


def test_a_label_map_by_name(tmp_path):
  _path, values = nnunet(tmp_path, labels=LABELS)
  read = formats.read_mask(tmp_path / "case.nii.gz", structure="tumour")
  np.testing.assert_array_equal(read.array, values.argmax(0) == 2)


def test_other_npz(tmp_path):
  path = tmp_path / "a.npz"
  np.savez(path, anything=random(*SHAPE))
  read = formats.read_probabilities(path)
  assert read.grid is None
  np.testing.assert_array_equal(read.array, random(*SHAPE))
  np.savez(path, one=random(*SHAPE), two=random(*SHAPE))
  with pytest.raises(errors.DataError, match="holds 'one', 'two'; save one"):
    formats.read_probabilities(path)
  np.savez(path)
  with pytest.raises(errors.DataError, match="holds nothing"):
    formats.read_probabilities(path)


def test_a_map_of_nnunet_may_be_cut_into_a_mask(tmp_path):
  path, values = nnunet(tmp_path)
  read = formats.read_mask(path, structure=1, threshold=0.3)
  np.testing.assert_array_equal(read.array, values[1].astype(np.float64) >= 0.3)


def test_an_array_longer_than_said(tmp_path):
  np.save(tmp_path / "a.npy", random(*SHAPE))
  with (tmp_path / "a.npy").open("ab") as file:
    file.write(b"more")
  with pytest.raises(errors.DataError, match="takes 240 bytes"):
    formats.read_probabilities(tmp_path / "a.npy")


def test_a_header_that_promises_too_much(tmp_path):
  np.save(tmp_path / "a.npy", random(*SHAPE))
  content = (tmp_path / "a.npy").read_bytes()
  huge = content.replace(b"(3, 4, 5)", b"(9999999, 9999999, 9)")
  huge = huge[:80] + huge[80 + len(huge) - len(content) :]
  (tmp_path / "a.npy").write_bytes(huge)
  with pytest.raises(errors.DataError, match=r"a\.npy: "):
    formats.read_probabilities(tmp_path / "a.npy")


def test_an_array_that_is_too_large(tmp_path):
  header = np.zeros((1, 1, 1), np.float64)
  np.save(tmp_path / "a.npy", header)
  content = (tmp_path / "a.npy").read_bytes()[:128]
  content = content.replace(b"(1, 1, 1), }      ", b"(2048, 1024, 2048)}")
  with (tmp_path / "a.npy").open("wb") as file:
    file.write(content[:128])
    file.truncate(128 + 8 * 2**32)  # Takes no room on the disk.
  with pytest.raises(errors.LimitError, match="save one structure"):
    formats.read_probabilities(tmp_path / "a.npy")


def test_a_zip_of_something_else(tmp_path):
  with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
    archive.writestr("readme.txt", "hello")
  with pytest.raises(errors.DataError, match="NumPy header"):
    formats.read_probabilities(tmp_path / "a.npz")
