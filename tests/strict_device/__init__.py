"""A second device made of the CPU's memory, as strict as CUDA and MPS: what would fail or wait
there is seen here.

    device = StrictDevice()
    with device.active():
        x = torch.randn(2, 4, device="cuda")       # real numbers, of the CPU's
        x + torch.randn(2, 4)                      # RuntimeError: Expected all tensors to be ...
        x.double()                                 # TypeError: Cannot convert a MPS Tensor to ...
        float(x.sum())                             # one of device.synchronisations

Tensors are ordinary ones; only their memory is marked, so that views, ``.data`` and modules behave as they
do. ``rules.py`` says which operations may mix devices, which are refused, and which make the CPU wait for the
device.
"""

from tests.strict_device.device import StrictDevice, Synchronisation
from tests.strict_device.memory import CUDA, is_on_device

__all__ = ["CUDA", "StrictDevice", "Synchronisation", "is_on_device"]
