"""Prints what the shipped model writes behind forty prompts, as it stands in docs/expander.md."""

from __future__ import annotations

from fooocus_ext.prompting.expander import load_expander

PROMPTS = """
portrait of an old sailor; isometric kitchen; a knight in the rain; a cat sleeping on a sofa
cyberpunk street at night; bowl of ramen; red sports car; lighthouse in a storm
astronaut riding a horse; abstract waves; haunted mansion; cute baby dragon
young woman with freckles, oil painting; battle on a bridge; vintage pocket watch; spaceship over a city
samurai; a teapot shaped like a hippo; forest path in autumn; library with tall windows
violinist on stage; coral reef; old steam train; market in Marrakesh
wolf howling at the moon; greenhouse full of orchids; brutalist tower; chocolate cake
deep sea diver; wizard's study; a robot gardener; desert caravan
grandmother baking bread; paper boat; mountain lake at dawn; jazz club
saturn seen from a moon; fox in the snow, watercolor; empty subway station; logo of a coffee shop
"""


def main() -> None:
    """Print one Markdown list item per prompt; the seed is its number."""
    prompts = [prompt.strip() for line in PROMPTS.split("\n") for prompt in line.split(";")]
    prompts = [prompt for prompt in prompts if prompt]
    seeds = range(1, len(prompts) + 1)
    for seed, expansion in zip(seeds, load_expander().expansions(prompts, seeds), strict=True):
        print(f"{seed}. **{expansion.prompt}**, {expansion.words}")


if __name__ == "__main__":
    main()
