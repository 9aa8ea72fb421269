"""What happens to a prompt's text before the host encodes it."""
