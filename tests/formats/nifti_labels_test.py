"""Names of labels in the header extension of a NIfTI file."""

import json

import nibabel
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import formats
from jaxseg.formats import _nifti_labels

# As TotalSegmentator 2 writes it; names of its own.
TABLE = """<?xml version="1.0" encoding="UTF-8"?> <CaretExtension>
  <VolumeInformation Index="0">   <LabelTable>
<Label Key="1" Red="0.0" Green="1.0" Alpha="1"><![CDATA[spleen]]></Label>
<Label Key="52" Red="0.0" Alpha="1"><![CDATA[aorta & arch]]></Label>
<Label Red="0.5" Key="6">stomach &amp; duodenum</Label>
<Label Key="7" Red="0.5">twice</Label><Label Key="8" Red="0.5">twice</Label>
  </LabelTable> <Label Key="9" Red="1">not in the table</Label>
  </VolumeInformation></CaretExtension>"""  # fmt: skip


def written(folder, *, kind=nibabel.Nifti1Image, text=TABLE, name="s.nii.gz"):
  y = np.array([0, 1, 6, 52, 7, 8], np.uint8).reshape(1, 2, 3)
  image = kind(y, np.eye(4))
  extension = nibabel.nifti1.Nifti1Extension(0, text.encode())
  image.header.extensions.append(extension)
  nibabel.save(image, folder / name)
  return folder / name


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("name", ["s.nii", "s.nii.gz"])
def test_labels_are_found_by_their_names(tmp_path, kind, name):
  path = written(tmp_path, kind=kind, name=name)
  for wanted, labels in (
    ("spleen", [1]),
    ("aorta & arch", [52]),
    ("stomach & duodenum", [6]),
    ("spleen, aorta & arch", [1, 52]),
    (["spleen", 7], [1, 7]),
    (52, [52]),
  ):
    mask = formats.read_mask(path, structure=wanted).array
    held = np.asarray(nibabel.load(path).dataobj).transpose(2, 1, 0)
    np.testing.assert_array_equal(mask, np.isin(held, labels))


def test_a_name_that_it_lacks(tmp_path):
  path = written(tmp_path)
  for name in ("twice", "liver", "not in the table"):
    with pytest.raises(errors.StructureNotFoundError, match=name) as caught:
      formats.read_mask(path, structure=name)
    assert "s.nii.gz has no number for" in str(caught.value)
    assert "'spleen', 'aorta & arch'" in str(caught.value)


def test_dataset_json_goes_first(tmp_path):
  path = written(tmp_path)
  content = {"labels": {"spleen": 6, "ignore": 7}}
  (tmp_path / "dataset.json").write_text(json.dumps(content))
  coded = formats.read_reference(path, structure="spleen").array
  assert (coded == formats.INSIDE).sum() == 1
  assert (coded == formats.IGNORED).sum() == 1


@pytest.mark.parametrize("text", ["", "<Label Key='1'>a</Label>", "\xff" * 99])
def test_other_extensions_name_nothing(tmp_path, text):
  path = written(tmp_path, text=text)
  assert _nifti_labels.read(path) == {}
  with pytest.raises(errors.StructureNotFoundError, match="give the number"):
    formats.read_mask(path, structure="spleen")
  path.write_bytes(path.read_bytes()[:40])
  assert _nifti_labels.read(path) == {}
  path.write_bytes(b"")
  assert _nifti_labels.read(path) == {}
  assert _nifti_labels.read(tmp_path / "none.nii") == {}
