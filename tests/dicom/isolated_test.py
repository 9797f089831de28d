"""Lossless JPEG is decoded in another process, which may die."""

import subprocess

import numpy as np
import pytest

from jaxseg import dicom
from jaxseg import errors
from jaxseg.dicom import _isolated
from tests.dicom.ct_double import ct_series
from tests.dicom.ct_double import stored
from tests.dicom.fuzz_test import fuzz

gdcm = pytest.importorskip("gdcm")


def compress(path):
  """Rewrites a file in lossless JPEG, first-order prediction."""
  reader = gdcm.ImageReader()
  reader.SetFileName(str(path))
  assert reader.Read()
  change = gdcm.ImageChangeTransferSyntax()
  change.SetTransferSyntax(
    gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1)
  )
  change.SetInput(reader.GetImage())
  assert change.Change()
  writer = gdcm.ImageWriter()
  writer.SetFileName(str(path))
  writer.SetFile(reader.GetFile())
  writer.SetImage(change.GetOutput())
  assert writer.Write()


@pytest.fixture
def series(tmp_path):
  paths = ct_series(tmp_path / "ct", shape=(3, 40, 32))
  for path in paths:
    compress(path)
    assert b"1.2.840.10008.1.2.4.70" in path.read_bytes()[:600]
  return paths


def test_lossless_jpeg(series):
  image = dicom.read_ct(series[0].parent)
  np.testing.assert_array_equal(
    image.array, stored((3, 40, 32)).astype(np.int32) - 1024
  )


def test_cut_off(series):
  content = series[1].read_bytes()
  series[1].write_bytes(content[: len(content) // 2])
  with pytest.raises(errors.DataError, match="cut off"):
    dicom.read_ct(series[0].parent)


def test_a_decoder_that_dies_is_an_error_and_started_again(series, monkeypatch):
  _isolated._stop()
  real = subprocess.Popen

  def dying(command, **options):
    return real([command[0], "-c", "import os; input(); os.abort()"], **options)

  with monkeypatch.context() as patch:
    patch.setattr(_isolated.subprocess, "Popen", dying)
    with pytest.raises(errors.DataError, match="crashed"):
      dicom.read_ct(series[0])
  assert dicom.read_ct(series[0]).shape == (1, 40, 32)


def test_a_decoder_that_hangs_is_stopped(series, monkeypatch):
  _isolated._stop()
  real = subprocess.Popen

  def hanging(command, **options):
    return real([command[0], "-c", "import time; time.sleep(60)"], **options)

  monkeypatch.setattr(_isolated.subprocess, "Popen", hanging)
  with pytest.raises(errors.LimitError, match="seconds"):
    _isolated.decode(series[0], expected=1280, seconds=0.2)


def test_broken_images_leave_the_program_alive(series, tmp_path):
  content = series[0].read_bytes()
  outcomes = fuzz(dicom.read_ct, content, tmp_path / "x", 5, cases=25)
  assert {"read", "DataError"} <= outcomes


@pytest.mark.slow
def test_many_broken_images_leave_the_program_alive(series, tmp_path):
  outcomes = fuzz(dicom.read_ct, series[0].read_bytes(), tmp_path / "x", 5)
  assert {"read", "DataError"} <= outcomes
