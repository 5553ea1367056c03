"""The session class that is judged, loaded from `module:attribute`.

It may be any callable that takes the constructor's keywords (`base_url`, `headers`, `timeout`,
`security`, and for some requirements `limits` and `follow_redirects`) and gives an async context
manager. An adapter says in `__version__` which version of its client it wraps. `LoadError` says
what is wrong with a name that cannot be loaded.
"""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT = "fasthttp:AsyncSession"
CLAIMS = ("documented", "robust")  # what others claim, unless they say otherwise


class LoadError(Exception):
    """The name does not lead to a session class."""


@dataclass(frozen=True)
class Subject:
    """A session class, its name, and the version of the package that has it."""

    name: str
    make: Callable[..., Any]
    version: str

    def takes(self, keyword: str) -> bool:
        """Whether the constructor has such a keyword; if it cannot be told, it has."""
        try:
            parameters = inspect.signature(self.make).parameters.values()
        except (TypeError, ValueError):
            return True
        return any(p.name == keyword or p.kind is p.VAR_KEYWORD for p in parameters)


def load(name: str) -> Subject:
    """The session class behind `module:attribute`."""
    module_name, colon, path = name.partition(":")
    if not colon or not module_name or not path:
        raise LoadError(f"--session {name}: write module:attribute, as in {DEFAULT}")
    try:
        found: Any = importlib.import_module(module_name)
    except BaseException as error:  # sys.exit() as well: a module that is imported ends no run
        raise LoadError(f"--session {name}: importing {module_name} failed: {error!r}") from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise LoadError(f"--session {name}: {found!r} has no attribute {part!r}")
        found = getattr(found, part)
    if not callable(found):
        raise LoadError(f"--session {name}: {found!r} cannot be called")
    return Subject(name, found, str(getattr(found, "__version__", "")) or _version(module_name))


def _version(module_name: str) -> str:
    top = module_name.partition(".")[0]
    for distribution in packages_distributions().get(top, [top]):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return "unknown version"
