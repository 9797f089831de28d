from xml.etree import ElementTree

import matplotlib
from matplotlib import lines as mpl_lines
import numpy as np

from jaxseg.report import _style


def draw():
  with _style.style():
    figure = _style.new_figure("a title", 2.0)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], label="line")
    _style.add_legend(figure, axes.get_legend_handles_labels()[0])
  return figure


def test_save_writes_all_files_and_the_same_bytes_twice(tmp_path):
  first = _style.save(draw(), tmp_path / "a" / "dice@0.5")
  again = _style.save(draw(), tmp_path / "b" / "dice@0.5")
  assert [path.name for path in first] == [
    "dice@0.5.svg", "dice@0.5.png", "dice@0.5.pdf"
  ]  # fmt: skip
  for one, other in zip(first, again, strict=True):
    assert one.read_bytes() == other.read_bytes()
  assert first[1].read_bytes().startswith(b"\x89PNG")
  assert ElementTree.parse(first[0]).getroot().tag.endswith("svg")
  assert first[2].read_bytes().startswith(b"%PDF")
  assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
    "dice@0.5.pdf",
    "dice@0.5.png",
    "dice@0.5.svg",
  ]


def test_files_hold_no_date_and_no_program(tmp_path):
  svg, png, pdf = _style.save(draw(), tmp_path / "a")
  assert "dc:date" not in svg.read_text()
  assert b"Software" not in png.read_bytes()
  assert b"CreationDate" not in pdf.read_bytes()
  assert b"/Type3" not in pdf.read_bytes()  # Journals refuse such fonts.


def test_the_callers_settings_neither_matter_nor_change(tmp_path):
  plain = _style.save(draw(), tmp_path / "plain")[1].read_bytes()
  with matplotlib.rc_context({"font.size": 30.0, "axes.grid": True}):
    before = dict(matplotlib.rcParams)
    other = _style.save(draw(), tmp_path / "other")[1].read_bytes()
    assert dict(matplotlib.rcParams) == before
  assert other == plain


def test_long_titles_are_wrapped_inside_of_the_figure():
  with _style.style():
    figure = _style.new_figure("word " * 60, 2.0)
  figure.draw_without_rendering()
  [title] = figure.texts
  box = title.get_window_extent()
  assert box.x0 >= 0
  assert box.x1 <= figure.bbox.x1


def test_objectives_differ_in_colour_and_marker_whatever_the_order():
  names = ["dice", "tversky", "bce_dice", "bce", "focal", "bce"]
  styles = _style.objective_styles(names)
  assert list(styles) == ["bce", "dice", "bce_dice", "focal", "tversky"]
  assert styles == _style.objective_styles(names[::-1])
  assert len({look.color for look in styles.values()}) == 5
  assert len({look.marker for look in styles.values()}) == 5


def test_more_objectives_than_colours():
  assert len(_style.objective_styles([f"loss{k}" for k in range(9)])) == 9


def test_structure_colors():
  left, right = map(_style.structure_color, ("parotid_left", "parotid_right"))
  assert left != right
  assert left.startswith("#")
  assert len(left) == 7
  assert _style.structure_color("unheard_of") == "#7f7f7f"


def test_a_legend_of_two_rows_reads_row_by_row():
  with _style.style():
    figure = _style.new_figure("", 2.0)
    lines = [mpl_lines.Line2D([], [], label=f"{k}") for k in range(7)]
    _style.add_legend(figure, lines)
  figure.draw_without_rendering()
  boxes = {
    text.get_text(): text.get_window_extent()
    for text in figure.legends[0].get_texts()
  }
  tops = np.array([boxes[f"{k}"].y0 for k in range(7)])
  assert np.ptp(tops[:4]) < 2
  assert np.ptp(tops[4:]) < 2
  assert tops[3] > tops[4]


def test_long_names_break_behind_an_underscore():
  assert _style.wrap("class lung_upper_lobe_left, label 3", 12) == [
    "class", "lung_upper_", "lobe_left,", "label 3"
  ]  # fmt: skip
  assert _style.wrap("__" * 9, 5) == ["_____"] * 3 + ["___"]
  assert _style.wrap("unbreakable", 5) == ["unbreakable"]


def test_names_with_dollars_are_no_formulas(tmp_path):
  # Matplotlib would set "$x$" in italics, and fail at what is no formula.
  name = "class $x_{$, label $\\frac{$"
  with _style.style():
    figure = _style.new_figure(name, 2.0)
    panel = figure.subplots()
    panel.set_title(name)
    panel.set_yticks([0, 1], [name, "$1$"])
  path, *_ = _style.save(figure, tmp_path / "figure")
  assert path.stat().st_size > 1000


def test_a_legend_too_wide_for_its_rows_takes_another():
  with _style.style():
    figure = _style.new_figure("a title", 2.0)
    figure.subplots()
    handles = [_style.handle(f"{k}: a median of 11.8 % (BCE)") for k in "abcd"]
    _style.add_legend(figure, handles)
    figure.set_dpi(150)
    figure.draw_without_rendering()
  [legend] = figure.legends
  box = legend.get_window_extent()
  assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
  assert [text.get_text()[0] for text in legend.texts] == list("acbd")
