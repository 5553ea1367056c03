"""The suite in an installed wheel, where this file is `fasthttp_conformance/__init__.py`.

The wheel keeps `spec`, `conformance` and `cassettes` in this one folder, so that no such common
names appear in site-packages; this makes them importable for the suite's own process only. In an
editable install this file is there alone, and the suite is that of the checkout.
"""

import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> int:
    """Run `fasthttp-conformance`."""
    sys.path.insert(0, str(_home()))
    from conformance import rerun

    return rerun.main()


def _home() -> Path:
    """The folder that has the suite."""
    here = Path(__file__).parent
    if (here / "conformance").is_dir():
        return here
    found = find_spec("fasthttp")
    assert found is not None, "an editable install has its checkout's fasthttp on the path"
    assert found.origin is not None
    return Path(found.origin).parents[1]
