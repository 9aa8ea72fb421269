"""Programs for developers; the extension imports none of them."""
