import pytest

from jaxseg import errors
from jaxseg import formats


@pytest.mark.parametrize(
  ("ours", "theirs", "pairs"),
  [
    (["a", "b"], ["b", "a"], [(0, 1), (1, 0)]),
    (["HN1004", "HN1005"], ["hn1005", "hn1004"], [(0, 1), (1, 0)]),
    (["pred_01", "pred_02"], ["01_gt", "02_gt"], [(0, 0), (1, 1)]),
    (["case_001_seg", "case_002_seg"], ["case_002"], [(1, 0)]),
    (["anything"], ["whatever"], [(0, 0)]),
    (["case1", "case2"], ["case3", "case4"], []),
    (["case1", "case2"], ["case10", "case2"], [(1, 1)]),
    ([], ["a"], []),
  ],
)
def test_pairs(ours, theirs, pairs):
  assert formats.pair_names(ours, theirs) == pairs


def test_a_name_that_fits_two_is_refused():
  with pytest.raises(errors.DataError, match="both fit the name 'hn-1'"):
    formats.pair_names(["HN 1", "HN-1", "x"], ["hn-1", "hn-2"])
