"""What the samplers share: the slope, ancestral steps, and calling the model for a whole batch."""

from __future__ import annotations

from k_diffusion.progress import steps_of


def to_d(x, sigma, denoised):
    """The derivative dx/dsigma of the probability flow; the webui's own, for a `sigma` [] on the CPU."""
    return (x - denoised) / sigma


def get_ancestral_step(sigma_from, sigma_to, eta=1.0):
    """(sigma_down, sigma_up): how far to step without noise, and how much noise brings it to sigma_to."""
    if not eta:
        return sigma_to, 0.0
    sigma_up = min(
        sigma_to, eta * (sigma_to**2 * (sigma_from**2 - sigma_to**2) / sigma_from**2) ** 0.5
    )
    return (sigma_to**2 - sigma_up**2) ** 0.5, sigma_up


class Steps:
    """What all samplers share: calls the model for the whole batch and tells the callback."""

    def __init__(self, model, x, sigmas, extra_args, callback, disable):
        self.model = model
        self.ones = x.new_ones([x.shape[0]])
        self.extra_args = extra_args or {}
        self.callback = callback
        self.sigmas = sigmas
        self.indexes = steps_of(len(sigmas) - 1, disable)

    def denoise(self, x, sigma):
        return self.model(x, sigma * self.ones, **self.extra_args)

    def tell(self, x, i, denoised, sigma_hat=None):
        if self.callback is not None:
            sigma = self.sigmas[i]
            sigma_hat = sigma if sigma_hat is None else sigma_hat
            self.callback(
                {"x": x, "i": i, "sigma": sigma, "sigma_hat": sigma_hat, "denoised": denoised}
            )


def time_of(sigma):
    """t = -log sigma, in which the exponential integrators step."""
    return sigma.log().neg()


def sigma_at(t):
    """The noise level at t."""
    return t.neg().exp()
