"""Pictures: the same Denoiser, samplers and guidance on `[b, c, h, w]`, without a changed line."""
