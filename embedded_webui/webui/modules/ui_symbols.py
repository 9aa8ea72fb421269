"""Symbols on the page's small buttons, by the names that the host's `modules/ui.py` gives them."""

from __future__ import annotations

random_symbol = "\U0001f3b2\ufe0f"  # 🎲️
reuse_symbol = "\u267b\ufe0f"  # ♻️
paste_symbol = "\u2199\ufe0f"  # ↙
refresh_symbol = "\U0001f504"  # 🔄
clear_prompt_symbol = "\U0001f5d1\ufe0f"  # 🗑️
folder_symbol = "\U0001f4c2"  # 📂
switch_values_symbol = "\u21c5"  # ⇅
restore_progress_symbol = "\U0001f300"  # 🌀
