"""What is asked of a socket itself."""

from __future__ import annotations

import select


def readable(fileno: int) -> bool:
    """Whether a socket has something to read, its end included."""
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([fileno], [], [], 0)[0])
    poll = select.poll()
    poll.register(fileno, select.POLLIN)
    return bool(poll.poll(0))
