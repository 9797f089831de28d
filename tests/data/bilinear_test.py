import numpy as np
import pytest
import SimpleITK as sitk

from jaxseg.data import _bilinear


def by_itk(array, size, origin, step, own, fill):
  """The slices as ITK has them, x along columns."""
  image = sitk.GetImageFromArray(array)
  image.SetOrigin([*own[0][::-1], 0.0])
  image.SetSpacing([*own[1][::-1], 1.0])
  resample = sitk.ResampleImageFilter()
  resample.SetSize([*size[::-1], len(array)])
  resample.SetOutputOrigin([*origin[::-1], 0.0])
  resample.SetOutputSpacing([*step[::-1], 1.0])
  resample.SetInterpolator(sitk.sitkLinear)
  resample.SetDefaultPixelValue(fill)
  return sitk.GetArrayFromImage(resample.Execute(image))


@pytest.mark.parametrize(
  ("origin", "step"),
  [
    ((-31.25, 17.5), (3.061, 3.061)),
    ((13.0, 28.0), (3 / 0.98, 3 / 0.98)),  # Many half-way between two floats.
    ((0.0, 0.0), (0.5, 2.0)),
    ((40.0, -70.0), (1.0, 1.3)),
  ],
)
def test_the_numbers_are_itks_to_the_last_bit(origin, step):
  draw = np.random.default_rng(0)
  itself = ((0.0, 0.0), (1.0, 1.0))
  image = draw.normal(0, 500, (3, 190, 150)).astype(np.float32)
  maps = draw.uniform(0, 1, (3, 96, 80)).astype(np.float32)
  for array, size, there, own, fill in (
    (image, (96, 80), (origin, step), itself, -1000.0),
    (maps, (190, 150), itself, (origin, step), 0.0),
  ):
    found = _bilinear.bilinear(
      array, size, origin=there[0], step=there[1], own=own, fill=fill
    )
    expected = by_itk(array, size, *there, own, fill)
    assert found.dtype == np.float32 and (found != fill).any()
    np.testing.assert_array_equal(found, expected)
