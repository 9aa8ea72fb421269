"""The panel in txt2img and img2img, and the X/Y/Z axes, built with the webui's components."""
