"""Files fetched from other machines: resumable, checked, whole or not at all, one after the other."""
