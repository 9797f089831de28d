"""Augmentation: each slice of a batch bent, scaled and dimmed by chance.

It is part of the compiled step, on whatever device that runs. The random
numbers of a slice come from the training's key, the number of the step and the
slice's place in the batch alone, so a resumed training draws the same ones,
however many devices share the batch.

There are no mirrored slices: a left parotid would become a right one.

Slices turn about their middle and move by pixels. These are square on a
prepared grid; where patients keep an uneven spacing of their own, a turn shears
a little.
"""

from collections.abc import Mapping, Sequence
import math

import jax
import jax.numpy as jnp

from jaxseg import errors

# Kind -> (its usual strength, the largest that leaves an image of a body).
# Angles, scales and gammas are those of nnU-Net's data augmentation or milder:
# patients lie alike in a scanner, and their heads are turned by a few degrees.
KINDS: Mapping[str, tuple[float, float]] = {
  "shift": (0.05, 0.5),  # Up to so much of the image's side, each way.
  "scale": (0.15, 1.0),  # Up to 1 + so much larger, or as much smaller.
  "rotation": (10.0, 180.0),  # Up to so many degrees, either way.
  "elastic": (0.01, 0.04),  # Up to so much of the side, standard deviation.
  "gamma": (0.3, 2.0),  # Exponent up to 1 + so much, or one over that.
  "noise": (20.0, 500.0),  # HU, standard deviation up to so much.
}
_CONTROL = 6  # Points of the elastic grid along a side.
_STREAM = 0x617567  # Keeps these draws apart from the dropout's.


def parse(names: Sequence[str]) -> dict[str, float]:
  """Kinds and strengths, as a flag gives them.

  >>> parse(["shift", "rotation:20"])
  {'shift': 0.05, 'rotation': 20.0}

  Args:
    names: KIND or KIND:STRENGTH each, one at least; "all", which may come with
      the strengths of some; or "none" alone.

  Raises:
    ConfigError: A kind is unknown or named twice, or a strength cannot work.
  """
  if list(names) == ["none"]:
    return {}
  if not names:
    raise errors.ConfigError("augment: empty; give kinds, all or none")
  result: dict[str, float] = {}
  for name in names:
    kind, colon, given = name.partition(":")
    if kind in ("all", "none"):
      if colon or kind == "none" or names.count(kind) > 1:
        raise errors.ConfigError(
          f"augment: {','.join(names)} is unclear; give none alone, and all"
          " alone or with KIND:STRENGTH"
        )
      continue
    if kind in result:
      raise errors.ConfigError(f"augment: {kind} is named twice; name it once")
    try:
      result[kind] = float(given) if colon else KINDS.get(kind, (math.nan,))[0]
    except ValueError as e:
      raise errors.ConfigError(
        f"augment: strength {given!r} of {kind} is no number; give"
        f" {kind}:STRENGTH"
      ) from e
  check(result)
  if "all" in names:
    return {kind: usual for kind, (usual, _) in KINDS.items()} | result
  return result


def check(strengths: Mapping[str, float]) -> None:
  """Refuses augmentations that there are not, or that leave no image.

  Raises:
    ConfigError: A kind is unknown, or a strength cannot work.
  """
  for kind, strength in strengths.items():
    if kind not in KINDS:
      raise errors.ConfigError(
        f"augment: {kind!r} is unknown; take all, none, or some of"
        f" {', '.join(KINDS)}"
      )
    most = KINDS[kind][1]
    if not 0 < strength <= most:
      raise errors.ConfigError(
        f"augment: {kind} is {strength}; give more than 0, at most {most:g}"
      )


def augment(
  strengths: Mapping[str, float],
  key: jax.Array,
  images: jax.Array,
  labels: jax.Array,
  *,
  window_hu: tuple[float, float],
  first: jax.Array | int = 0,
) -> tuple[jax.Array, jax.Array]:
  """Changes each slice of a batch, and its mask alike.

  What comes into the image from beyond its edge repeats the edge, in image and
  mask.

  Args:
    strengths: Kind -> strength, as in `KINDS`; what is left out stays as it is.
    key: Random key of the step.
    images: HU, `[N, H, W]`, or `[N, S, H, W]` of S neighbouring slices, which
      move together.
    labels: Masks of 0 and 1, `[N, H, W]`.
    window_hu: HU between which gamma bends the grey values.
    first: Place of the first slice in the whole batch, where this is a part.

  Returns:
    (images float32, labels of their dtype), of the same shapes.
  """
  key = jax.random.fold_in(key, _STREAM)
  places = first + jnp.arange(len(images))
  keys = jax.vmap(lambda place: jax.random.fold_in(key, place))(places)
  drawn = _drawn(keys)
  hu = images.astype(jnp.float32)
  if any(
    kind in strengths for kind in ("shift", "scale", "rotation", "elastic")
  ):
    at = _places(strengths, drawn, keys, labels.shape[1:])
    hu, labels = _sampled(hu, labels, at)
  if "noise" in strengths:
    sigma = strengths["noise"] * jnp.abs(drawn["noise"])
    hu = hu + _by_slice(sigma, hu) * _normal(keys, 1, hu.shape[1:])
  if "gamma" in strengths:
    power = jnp.exp(math.log1p(strengths["gamma"]) * drawn["gamma"])
    low, high = window_hu
    grey = jnp.clip((hu - low) / (high - low), 0, 1)
    hu = low + (high - low) * grey ** _by_slice(power, hu)
  return hu, labels


def _places(
  strengths: Mapping[str, float],
  drawn: Mapping[str, jax.Array],
  keys: jax.Array,
  size: tuple[int, ...],
) -> jax.Array:
  """Where in the given slice each pixel comes from, `[N, 2, H, W]`, pixels."""
  n, (height, width) = len(keys), size
  middle = jnp.array([(height - 1) / 2, (width - 1) / 2], jnp.float32)
  rows = (jnp.arange(height, dtype=jnp.float32) - middle[0])[None, :, None]
  columns = (jnp.arange(width, dtype=jnp.float32) - middle[1])[None, None]
  scale = jnp.exp(math.log1p(strengths.get("scale", 0.0)) * drawn["scale"])
  turn = math.radians(strengths.get("rotation", 0.0)) * drawn["rotation"]
  cosine, sine = ((f(turn) / scale)[:, None, None] for f in (jnp.cos, jnp.sin))
  at = jnp.stack(
    [cosine * rows - sine * columns, sine * rows + cosine * columns], 1
  )
  side = min(height, width)
  if "shift" in strengths:
    moved = jnp.stack([drawn["down"], drawn["right"]], 1)
    at = at + strengths["shift"] * side * moved[:, :, None, None]
  if "elastic" in strengths:
    reach = strengths["elastic"] * side * jnp.abs(drawn["elastic"])
    control = _normal(keys, 0, (2, _CONTROL, _CONTROL))
    bent = jax.image.resize(control, (n, 2, height, width), "cubic")
    at = at + _by_slice(reach, bent) * bent
  return at + middle[None, :, None, None]


def _sampled(
  images: jax.Array, labels: jax.Array, at: jax.Array
) -> tuple[jax.Array, jax.Array]:
  """Slices and masks at other places, linear between the pixels."""
  n, height, width = labels.shape
  planes = images.reshape(n, -1, height, width)
  planes = jnp.concatenate([planes, labels[:, None].astype(jnp.float32)], 1)
  pixels = planes.reshape(n, -1, height * width).transpose(0, 2, 1)
  ends = jnp.array([height - 1, width - 1], jnp.float32)[None, :, None, None]
  at = jnp.clip(at, 0, ends)
  before = jnp.minimum(jnp.floor(at), jnp.maximum(ends - 1, 0))
  share = (at - before).reshape(n, 2, height * width, 1)
  row, column = (before[:, k].astype(jnp.int32) for k in (0, 1))

  def corner(down: int, right: int) -> jax.Array:
    r, c = (
      jnp.minimum(row + down, height - 1),
      jnp.minimum(column + right, width - 1),
    )
    index = (r * width + c).reshape(n, height * width, 1)
    return jnp.take_along_axis(pixels, index, 1, mode="promise_in_bounds")

  upper, lower = (
    corner(k, 0) * (1 - share[:, 1]) + corner(k, 1) * share[:, 1]
    for k in (0, 1)
  )
  found = upper * (1 - share[:, 0]) + lower * share[:, 0]
  found = found.transpose(0, 2, 1).reshape(planes.shape)
  # Half of a pixel is still the structure, so that its size is kept.
  return found[:, :-1].reshape(images.shape), (found[:, -1] >= 0.5).astype(
    labels.dtype
  )


def _drawn(keys: jax.Array) -> Mapping[str, jax.Array]:
  """What chance decides of each slice, `[N]` each, between -1 and 1.

  All at once, whatever is on: a kind that is left out changes no other, and
  one draw compiles faster than seven.
  """
  names = ("down", "right", *(k for k in KINDS if k != "shift"))

  def draw(key: jax.Array) -> jax.Array:
    return jax.random.uniform(key, (len(names),), jnp.float32, -1, 1)

  values = jax.vmap(draw)(keys)
  return {name: values[:, k] for k, name in enumerate(names)}


def _normal(keys: jax.Array, number: int, shape: tuple[int, ...]) -> jax.Array:
  """`[N, *shape]` of mean 0 and standard deviation 1."""

  def draw(key: jax.Array) -> jax.Array:
    key = jax.random.fold_in(key, number)
    return jax.random.normal(key, shape, jnp.float32)

  return jax.vmap(draw)(keys)


def _by_slice(values: jax.Array, like: jax.Array) -> jax.Array:
  """`[N]`, to be multiplied with `[N, ...]`."""
  return values.reshape(-1, *(1,) * (like.ndim - 1))
