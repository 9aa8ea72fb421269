"""Pocket SDXL: a few megabytes of diffusion model behind SDXL's interface, from a grammar of pictures."""
