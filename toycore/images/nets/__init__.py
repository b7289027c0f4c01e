"""Networks for pictures: U-Net, transformer, autoencoder, CLIP."""
