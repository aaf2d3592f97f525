"""Score-based diffusion models: SDEs, score networks, denoising score matching, export."""
