"""What `tools/gpu_check.py` does on a machine with an NVIDIA GPU: its parts, how they are run and reported.

Nothing here needs more than torch, numpy, Pillow and safetensors, and Python 3.10 or newer.
"""
