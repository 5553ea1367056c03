"""The suite in an installed wheel, where this file is `fasthttp_conformance/__init__.py`.

The wheel keeps `spec`, `conformance` and `cassettes` in this one folder, so that no such common
names appear in site-packages; this makes them importable for the suite's own process only.
"""

import sys
from pathlib import Path


def main() -> int:
    """Run `fasthttp-conformance`."""
    sys.path.insert(0, str(Path(__file__).parent))
    from conformance import rerun

    return rerun.main()
