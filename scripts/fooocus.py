"""Entry point: the webui runs this file and registers the one Script class it finds in it."""

from fooocus_ext.host.family import is_supported

if is_supported():
    from fooocus_ext.host.registration import register
    from fooocus_ext.host.script import FooocusScript

    __all__ = ["FooocusScript"]

    register()
