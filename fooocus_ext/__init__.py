"""Fooocus's rendering, prompting and page, inside AUTOMATIC1111's stable-diffusion-webui."""

__version__ = "0.1.0"
