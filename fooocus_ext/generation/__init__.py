"""One generation, without the host: its plan, its texts, and what happens at each hook."""
