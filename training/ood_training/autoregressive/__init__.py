"""Autoregressive models: PixelCNN++ for images, an LSTM for sequences."""
