"""The conformance suite: is a session correct? Any session, judged by what it does on a socket."""

from importlib import import_module
from pkgutil import iter_modules


def discover() -> None:
    """Import every module of checks, so that their checks are registered."""
    from conformance import checks

    for module in iter_modules(checks.__path__):
        import_module(f"{checks.__name__}.{module.name}")
