"""Train density models in PyTorch and export them as the checkpoints that ood reads."""
