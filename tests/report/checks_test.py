import pytest

from jaxseg import errors
from jaxseg.report import _checks


def test_rows_that_have_the_columns_pass():
  _checks.columns("figure 'x'", [{"a": 1, "b": None}], ("a", "b"))


def test_no_rows():
  with pytest.raises(errors.DataError, match="figure 'x': no rows; run"):
    _checks.columns("figure 'x'", [], ("a",))


def test_a_missing_column_is_named_with_its_row():
  rows = [{"a": 1, "b": 2}, {"a": 1}]
  with pytest.raises(errors.DataError, match="row 1 lacks b; give rows with"):
    _checks.columns("figure 'x'", rows, ("a", "b"))
