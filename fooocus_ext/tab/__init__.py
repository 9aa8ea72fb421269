"""What the Fooocus tab means, without a page: its widgets, their values, and what they ask for."""
