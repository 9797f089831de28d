import numpy as np
import pytest

from jaxseg import errors
from jaxseg.report import _overlay
from jaxseg.report import _style

IMAGE = np.zeros((40, 50), np.int16)


def disc(radius, *, shape=IMAGE.shape):
  rows, columns = np.mgrid[: shape[0], : shape[1]]
  return (rows - 20) ** 2 + (columns - 25) ** 2 < radius**2


def legend(figure):
  return [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_legend_says_thresholds_and_dice():
  probability = 0.4 * disc(8) + 0.3 * disc(5)
  figure = _overlay.overlay(IMAGE, disc(8), probability, 0.3, "title")
  inner, outer = disc(5).sum(), disc(8).sum()
  assert legend(figure) == [
    "reference",
    f"prediction at 0.5: Dice of this slice {2 * inner / (inner + outer):.3f}",
    "prediction at own threshold, 0.3: Dice of this slice 1.000",
  ]


def test_a_value_at_the_threshold_is_inside():
  probability = np.where(disc(8), np.float32(0.3), np.float32(0))
  figure = _overlay.overlay(IMAGE, disc(8), probability, 0.3, "title")
  assert legend(figure)[2].endswith("Dice of this slice 1.000")


def test_contours_run_along_the_edges_of_pixels():
  reference = np.zeros(IMAGE.shape, np.bool_)
  reference[0, 3:5] = True  # At the image's edge: closed there as well.
  figure = _overlay.overlay(IMAGE, reference, IMAGE * 0.0, 0.5, "title")
  segments = np.array(figure.axes[0].collections[0].get_segments())
  assert len(segments) == 6
  assert segments[..., 0].min() == 2.5
  assert segments[..., 0].max() == 4.5
  assert segments[..., 1].min() == -0.5
  assert segments[..., 1].max() == 0.5


def test_the_close_up_has_all_contours():
  figure = _overlay.overlay(IMAGE, disc(3), 1.0 * disc(9), 0.5, "title")
  (left, right), (bottom, top) = (
    figure.axes[1].get_xlim(),
    figure.axes[1].get_ylim(),
  )
  assert left < 16
  assert right > 34
  assert top < 11
  assert bottom > 29


def test_an_empty_slice_says_so_and_is_drawn(tmp_path):
  empty = np.zeros(IMAGE.shape, np.bool_)
  figure = _overlay.overlay(
    IMAGE, empty, 0.0 * IMAGE, 0.2, "title", pixel_mm=(2.0, 1.0)
  )
  assert legend(figure) == [
    "reference: not on this slice",
    "prediction at own threshold, 0.2: Dice of this slice undefined",
    "prediction at 0.5: Dice of this slice undefined",  # Beside the first.
  ]
  _style.save(figure, tmp_path / "overlay")


def test_shapes_must_agree():
  with pytest.raises(errors.DataError, match="figure 't': image, reference"):
    _overlay.overlay(IMAGE, disc(3)[1:], 1.0 * disc(3), 0.5, "t")
  with pytest.raises(errors.DataError, match=r"give one slice \[row, column\]"):
    _overlay.overlay(*[np.zeros((2, 3, 4))] * 3, 0.5, "t")
