"""The default U-Net in PyTorch, layer by layer the same, as a yardstick."""

import math

import torch
from torch import nn


def _norm(kind: str, width: int) -> nn.Module:
  if kind == "batch":
    return nn.BatchNorm2d(width)
  if kind == "group":
    groups = max(g for g in range(1, 9) if width % g == 0)
    return nn.GroupNorm(groups, width)
  return nn.Identity()


class _Block(nn.Sequential):
  def __init__(self, before: int, width: int, norm: str):
    layers: list[nn.Module] = []
    for channels in (before, width):
      conv = nn.Conv2d(channels, width, 3, padding=1, bias=norm == "none")
      nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
      layers += [conv, _norm(norm, width), nn.ReLU(inplace=True)]
    super().__init__(*layers)


class TorchUNet(nn.Module):
  """See `jaxseg.models.UNet`; images and logits are `[N, 1, H, W]`."""

  def __init__(
    self,
    base: int = 16,
    blocks: int = 5,
    norm: str = "group",
    prior: float = 0.01,
  ):
    super().__init__()
    widths = [base * 2**k for k in range(blocks)]
    before = [1, *widths]
    self.down = nn.ModuleList(
      _Block(before[k], widths[k], norm) for k in range(blocks)
    )
    self.halve = nn.ModuleList(
      nn.Conv2d(widths[k + 1], widths[k], 1) for k in range(blocks - 1)
    )
    self.up = nn.ModuleList(
      _Block(2 * widths[k], widths[k], norm) for k in range(blocks - 1)
    )
    self.logits = nn.Conv2d(base, 1, 1)
    for conv in (*self.halve, self.logits):
      assert isinstance(conv, nn.Conv2d)
      nn.init.normal_(conv.weight, std=1 / math.sqrt(conv.in_channels))
      nn.init.zeros_(conv.bias)
    nn.init.constant_(self.logits.bias, math.log(prior / (1 - prior)))

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    """Logits of images, both `[N, 1, H, W]`."""
    skips = []
    for k, block in enumerate(self.down):
      x = block(x if k == 0 else nn.functional.max_pool2d(x, 2))
      skips.append(x)
    for k in reversed(range(len(self.up))):
      x = nn.functional.interpolate(self.halve[k](x), scale_factor=2)
      x = self.up[k](torch.cat([skips[k], x], 1))
    return self.logits(x)
