import hypothesis
from hypothesis import strategies as st
from matplotlib import figure as mpl_figure
import numpy as np
import pytest

from jaxseg.report import _annotate


def panel():
  figure = mpl_figure.Figure(figsize=(5, 4))
  axes = figure.subplots()
  axes.set(xlim=(0, 1), ylim=(0, 1))
  figure.draw_without_rendering()
  return axes


def boxes(axes):
  return [
    text.get_window_extent().extents for text in axes.texts if text.get_text()
  ]


def overlap(one, other):
  low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
  return float(np.prod(np.clip(high - low - 0.5, 0, None)))


def test_close_points_get_names_that_do_not_overlap():
  axes = panel()
  x = [0.5, 0.5, 0.51, 0.52, 0.49, 0.48]
  y = [0.5, 0.51, 0.5, 0.49, 0.49, 0.51]
  _annotate.annotate(axes, x, y, [f"structure {k}" for k in range(6)])
  found = boxes(axes)
  assert len(found) == 6
  for k, one in enumerate(found):
    assert all(overlap(one, other) == 0 for other in found[:k])


@hypothesis.settings(deadline=None, max_examples=15)
@hypothesis.given(
  st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=10)
)
def test_names_stay_inside_of_the_panel(points):
  axes = panel()
  x, y = zip(*points, strict=True)
  _annotate.annotate(axes, x, y, ["left organ"] * len(points))
  edge = axes.get_window_extent().extents
  for box in boxes(axes):
    assert (box[:2] >= edge[:2] - 1).all()
    assert (box[2:] <= edge[2:] + 1).all()


def test_names_keep_off_a_line():
  line = np.column_stack([np.linspace(0, 1, 200), np.full(200, 0.5)])
  axes = panel()
  _annotate.annotate(axes, [0.5], [0.5], ["name"], avoid=line)
  [box] = boxes(axes)
  middle = axes.transData.transform((0.5, 0.5))[1]
  assert box[1] > middle or box[3] < middle


@pytest.mark.parametrize("count", [0, 1, 60])
def test_none_one_and_many(count):
  axes = panel()
  x = np.linspace(0.05, 0.9, count)
  _annotate.annotate(axes, x, x, [f"{k}" for k in range(count)])
  assert len(boxes(axes)) == count
