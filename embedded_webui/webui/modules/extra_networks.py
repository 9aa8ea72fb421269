"""Doubles modules/extra_networks.py.

<name:arguments> in prompts. <lora:...> is stripped and noted as missing.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict

from modules import errors

extra_network_registry: dict = {}
re_extra_net = re.compile(r"<(\w+):([^>]+)>")


class ExtraNetworkParams:  # noqa: PLW1641 - equal by content, and mutable
    """The arguments of one tag, split at colons; name=value pairs are in `named`."""

    def __init__(self, items=None):
        self.items = items or []
        self.positional = []
        self.named = {}
        for item in self.items:
            parts = item.split("=", 2) if isinstance(item, str) else [item]
            if len(parts) == 2:
                self.named[parts[0]] = parts[1]
            else:
                self.positional.append(item)

    def __eq__(self, other):
        return self.items == other.items


class ExtraNetwork:
    """A kind of tag."""

    def __init__(self, name):
        self.name = name

    def activate(self, p, params_list):
        """Apply these tags, and only these."""
        raise NotImplementedError

    def deactivate(self, p):
        """The job is over."""
        raise NotImplementedError


class MissingNetwork(ExtraNetwork):
    """Accepts tags that the embedded host cannot honour and tells the user so."""

    def activate(self, p, params_list):
        names = ", ".join(params.items[0] for params in params_list if params.items)
        if names:
            p.comment(f"The embedded host has no {self.name} support; ignored: {names}")

    def deactivate(self, p):
        pass


def initialize():
    """Forget all kinds."""
    extra_network_registry.clear()


def register_extra_network(extra_network):
    """Make a kind of tag known."""
    extra_network_registry[extra_network.name] = extra_network


def register_default_extra_networks():
    """The kinds that a webui normally has."""
    for name in ("lora", "hypernet"):
        register_extra_network(MissingNetwork(name))


def lookup_extra_networks(extra_network_data):
    """{network: arguments of its tags}; unknown kinds are left out."""
    res: dict = {}
    for name, params in list(extra_network_data.items()):
        network = extra_network_registry.get(name)
        if network is None:
            logging.getLogger(__name__).info("Skipping unknown extra network: %s", name)
            continue
        res.setdefault(network, []).extend(params)
    return res


def _guarded(network, action, *args) -> None:
    try:
        getattr(network, action)(*args)
    except Exception as e:
        errors.display(e, f"{action} extra network {network.name}")


def activate(p, extra_network_data):
    """Activate the mentioned networks with their tags, the others with none, then tell the scripts."""
    mentioned = lookup_extra_networks(extra_network_data)
    for network, params in mentioned.items():
        _guarded(network, "activate", p, params)
    for network in extra_network_registry.values():
        if network not in mentioned:
            _guarded(network, "activate", p, [])
    if p.scripts is not None:
        p.scripts.after_extra_networks_activate(
            p,
            batch_number=p.iteration,
            prompts=p.prompts,
            seeds=p.seeds,
            subseeds=p.subseeds,
            extra_network_data=extra_network_data,
        )


def deactivate(p, extra_network_data):
    """Deactivate the mentioned networks, then the others."""
    mentioned = lookup_extra_networks(extra_network_data)
    others = [network for network in extra_network_registry.values() if network not in mentioned]
    for network in [*mentioned, *others]:
        _guarded(network, "deactivate", p)


def parse_prompt(prompt):
    """(prompt without tags, {name: [ExtraNetworkParams]})."""
    found = defaultdict(list)
    for name, arguments in re_extra_net.findall(prompt):
        found[name].append(ExtraNetworkParams(items=arguments.split(":")))
    return re_extra_net.sub("", prompt), found


def parse_prompts(prompts):
    """(prompts without tags, the first prompt's tags); None for no prompts."""
    parsed = [parse_prompt(prompt) for prompt in prompts]
    return [prompt for prompt, _ in parsed], parsed[0][1] if parsed else None
