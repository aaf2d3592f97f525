"""The network as it is exported computes what the trained one computes."""

from __future__ import annotations

import pytest
import torch

from ood_training.autoregressive.folded import FoldedPixelCnn, elu
from ood_training.autoregressive.pixelcnn import PixelCnn, PixelCnnConfig

CONFIGS = {
    "gray, two levels": dict(shape=(1, 8, 8), hierarchies=2, activation="elu"),
    "color, three levels, concatenated": dict(shape=(3, 8, 12), hierarchies=3, activation="concat_elu"),
    "conditional, relu": dict(shape=(1, 4, 4), hierarchies=1, activation="relu", condition=(2, 3)),
    "wide field, no weight norm": dict(shape=(2, 8, 8), hierarchies=2, field=(4, 5), weight_norm=False),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_equal_up_to_rounding(name: str) -> None:
    config = PixelCnnConfig.from_dict({"resnets": 2, "filters": 6, "components": 3, **CONFIGS[name]})
    torch.manual_seed(4)
    net = PixelCnn(config).double().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    x = torch.rand(3, *config.shape, dtype=torch.float64) * 2 - 1
    condition = torch.randn(3, *config.condition, dtype=torch.float64) if config.condition else None
    want, got = net(x, condition), FoldedPixelCnn(net)(x, condition)
    assert list(got) == list(want)
    for key, value in want.items():
        # Sums in another order, in float64.
        torch.testing.assert_close(got[key], value, rtol=1e-10, atol=1e-10)


def test_elu() -> None:
    x = torch.tensor([-200.0, -1.0, -1e-3, 0.0, 1e-3, 1.0, 200.0])
    torch.testing.assert_close(elu(x), torch.nn.functional.elu(x), rtol=0, atol=1e-7)
