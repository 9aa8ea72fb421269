"""Entry point: the webui runs this file and registers the one Script class it finds in it."""

from fooocus_ext.host.a1111.script import FooocusScript, register

__all__ = ["FooocusScript"]

register()
