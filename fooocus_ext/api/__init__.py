"""The extension's own HTTP routes, /fooocus/v1/*: ``routes`` make and tell, ``files`` write."""
