"""A second checkpoint beside the webui's own, and its turn in the running sampler."""
