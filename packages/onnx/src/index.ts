// Public face of @ood/onnx.
