"""The one policy for empty masks, used by every metric."""

from jaxseg import errors

POLICIES = ("nan", "perfect", "skip")


def check(empty: str) -> None:
  """Raises ConfigError unless `empty` is a policy.

  - "nan": both masks empty is undefined; one empty is the worst value.
  - "perfect": both empty is the best value; one empty is the worst.
  - "skip": an empty reference is undefined whatever was predicted.
  """
  if empty not in POLICIES:
    raise errors.ConfigError(
      f"empty {empty!r} is unknown; take one of {', '.join(POLICIES)}"
    )
