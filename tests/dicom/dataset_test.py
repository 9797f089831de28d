"""What RTSTRUCT and SEG take over from their image, or refuse it for."""

import warnings

import numpy as np
import pydicom
import pytest

from jaxseg import dicom
from jaxseg import errors
from tests.dicom.ct_double import ct_series

WRITERS = (dicom.write_rtstruct, dicom.write_seg)


def written(write, image, path):
  mask = np.zeros(image.shape, np.bool_)
  mask[1:3, 4:9, 5:12] = True
  write(path, {"a": mask}, image, overwrite=True)
  return path


class TestReferences:
  """Each scanned slice has a UID of its own, or nothing can refer to it."""

  @pytest.mark.parametrize("write", WRITERS)
  @pytest.mark.parametrize("spacing", ["even", "resample"])
  def test_a_slice_without_a_uid(self, tmp_path, write, spacing):
    def change(dataset, index):
      if index == 3:
        del dataset.SOPInstanceUID
      return spacing == "even" or index != 2

    paths = ct_series(tmp_path / "ct", change=change)
    image = dicom.read_ct(tmp_path / "ct", spacing=spacing)
    assert image.interpolated == (() if spacing == "even" else (2,))
    nameless = paths[3 if spacing == "even" else 2].name
    with pytest.raises(errors.DataError, match="SOPInstanceUID") as caught:
      written(write, image, tmp_path / "out.dcm")
    assert f"{nameless}: " in str(caught.value)
    assert not (tmp_path / "out.dcm").exists()

  @pytest.mark.parametrize("write", WRITERS)
  def test_two_slices_of_one_uid(self, tmp_path, write):
    def change(dataset, index):
      if index in (1, 4):
        dataset.SOPInstanceUID = "1.2.3.77"

    paths = ct_series(tmp_path / "ct", change=change)
    image = dicom.read_ct(tmp_path / "ct")
    with pytest.raises(errors.DataError, match="SOPInstanceUID") as caught:
      written(write, image, tmp_path / "out.dcm")
    assert paths[1].name in str(caught.value)
    assert paths[4].name in str(caught.value)

  @pytest.mark.parametrize("write", WRITERS)
  def test_interpolated_slices_need_none(self, tmp_path, write):
    ct_series(tmp_path / "ct", change=lambda _, index: index != 2)
    image = dicom.read_ct(tmp_path / "ct", spacing="resample")
    assert image.interpolated == (2,) and image.instances[2] == ""
    assert written(write, image, tmp_path / "out.dcm").exists()


CHINESE = (
  b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=\x1b$)A\xd5\xc5^"
)
JAPANESE = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"


class TestCharacterSets:
  """The patient stays the same to the letter, or nothing is written."""

  def image(self, tmp_path, declared, raw, keyword="PatientName"):
    """An image with bytes that pydicom itself would not write."""
    filler = b"X" * (len(raw) + len(raw) % 2)

    def change(dataset, _):
      if declared is not None:
        dataset.SpecificCharacterSet = declared.split("\\")
      setattr(dataset, keyword, filler.decode())

    for path in ct_series(tmp_path / "ct", shape=(3, 16, 20), change=change):
      content = path.read_bytes()
      assert content.count(filler) == 1
      path.write_bytes(content.replace(filler, raw.ljust(len(filler))))
    with warnings.catch_warnings():
      warnings.simplefilter("error")
      return dicom.read_ct(tmp_path / "ct")

  @pytest.mark.parametrize(
    ("declared", "raw", "expected"),
    [
      (None, b"Doe^Jane", "Doe^Jane"),
      ("ISO_IR 6", b"Doe^Jane", "Doe^Jane"),
      ("ISO_IR 100", b"M\xfcller^J", "M\xfcller^J"),
      ("ISO_IR 192", "Müller^J".encode(), "Müller^J"),
      ("GB18030", "张^伟芳".encode("gbk"), "张^伟芳"),
      ("ISO_IR 144", "Иванов".encode("iso8859_5"), "Иванов"),
      ("ISO_IR 13", b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
      ("\\ISO 2022 IR 87", JAPANESE, "Yamada^Tarou=山田^太郎"),
      ("\\ISO 2022 IR 100", b"\x1b-AM\xfcller", "Müller"),
      ("\\ISO 2022 IR 149", b"Hong=\x1b$)C\xfb\xf3", "Hong=洪"),
      ("\\ISO 2022 IR 58", CHINESE, "Zhang^XiaoDong=张^小东=张^"),
    ],
  )
  def test_a_name_is_read_by_its_set(self, tmp_path, declared, raw, expected):
    image = self.image(tmp_path, declared, raw)
    for write in WRITERS:
      with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = written(write, image, tmp_path / "out.dcm")
      assert str(pydicom.dcmread(path).PatientName) == expected

  @pytest.mark.parametrize(
    ("declared", "raw"),
    [
      (None, "张^伟芳".encode("gbk")),
      (None, "山田^太郎".encode("shift_jis")),
      (None, "Müller^J".encode()),
      (None, b"M\xfcller^J"),
      ("ISO_IR 6", "Иванов^Пётр".encode("cp1251")),
      ("ISO_IR_192", "Müller^J".encode()),  # Misspelt.
      ("\\ISO 2022 IR 87", b"M\xfcller^J"),
      ("\\ISO 2022 IR 87", CHINESE),
      ("ISO_IR 100", "山田^太郎".encode("shift_jis")),
      ("ISO_IR 100", b"Doe\x1b(B^Jane\x07"),
    ],
  )
  @pytest.mark.parametrize("keyword", ["PatientName", "PatientID"])
  def test_a_patient_of_no_known_letters_is_refused(
    self, tmp_path, declared, raw, keyword
  ):
    image = self.image(tmp_path, declared, raw, keyword)
    for write in WRITERS:
      with pytest.raises(errors.DataError, match="SpecificCharacter") as caught:
        written(write, image, tmp_path / "out.dcm")
      said = str(caught.value)
      assert f"img: {keyword} (0010,00" in said and said.isascii()
      assert "\n" not in said and "ller" not in said

  def test_a_description_of_no_known_letters_is_left_out(self, tmp_path):
    raw = "头颈部".encode("gbk")
    image = self.image(tmp_path, None, raw, "StudyDescription")
    path = written(dicom.write_rtstruct, image, tmp_path / "out.dcm")
    assert "StudyDescription" not in pydicom.dcmread(path)

  def test_structures_named_by_iso_2022(self, tmp_path):
    self.image(tmp_path, None, b"Doe^Jane")
    image = dicom.read_ct(tmp_path / "ct")
    path = written(dicom.write_rtstruct, image, tmp_path / "out.dcm")
    dataset = pydicom.dcmread(path)
    dataset.SpecificCharacterSet = ["", "ISO 2022 IR 58"]
    dataset.StructureSetROISequence[0].ROIName = "X" * 8
    dataset.save_as(path)
    raw = b"\x1b$)A\xd0\xa1\xb6\xab"
    path.write_bytes(path.read_bytes().replace(b"X" * 8, raw))
    assert dicom.read_rtstruct(path).names == ("小东",)
