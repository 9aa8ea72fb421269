"""The extension's own HTTP routes, /fooocus/v1/*: shapes and checks, without the host."""
