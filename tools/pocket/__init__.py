"""Pocket SDXL: a few megabytes of diffusion model behind SDXL's interface, from a grammar of pictures.

From words to weights, in the order of the data:

- `grammar` draws scenes and describes them; `painting` draws them with Pillow: shapes and textures itself,
  views with `landscapes`, their subjects (`subjects`) with `things` and `creatures`, all with the `pen` and
  the `colours`;
- `pictures` makes of them what SDXL was trained on: blurred by their original size, cropped, scored;
- `recipe` says how many, of which sizes, and for how many steps;
- `autoencoder` learns them; `latents` keeps them encoded;
- `vocabulary` says which tokens mean something, `text` holds the text encoders, `denoiser` the two UNets and
  their training; `optimizing` and `files` keep what an interruption must not lose;
- `train` runs it all, `store` puts it into the repository, `export` writes single files for other webuis
  (with `original_names`).
"""
