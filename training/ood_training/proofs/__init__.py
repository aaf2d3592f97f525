"""Whole models with Jacobians by torch.func, against which @ood/onnx is tested."""
