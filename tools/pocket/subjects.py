"""The subjects of views by the names that captions give them."""

from __future__ import annotations

from tools.pocket import creatures, things
from tools.pocket.pen import Drawing

DRAWINGS: dict[str, Drawing] = {
    "house": things.house,
    "castle": things.castle,
    "tree": things.tree,
    "flower": things.flower,
    "boat": things.boat,
    "car": things.car,
    "cat": creatures.cat,
    "dog": creatures.dog,
    "owl": creatures.owl,
    "fish": creatures.fish,
    "woman": creatures.woman,
    "man": creatures.man,
    "old man": creatures.old_man,
    "knight": creatures.knight,
    "robot": creatures.robot,
}
"""subject -> its drawing on (pen, x, y of the ground below it, colour, details)"""
