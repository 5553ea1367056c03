"""What the harness asks of the machine: cores, open files, memory; and its description.

Linux gives all of it; elsewhere pinning and peak memory are left out, and the report says so.
"""

from __future__ import annotations

import os
import platform
import resource
from pathlib import Path

_STATUS = Path("/proc/self/status")


def cores() -> tuple[int | None, int | None]:
    """Return the cores for the server and for the client; None where they cannot be chosen."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[-1]) if len(usable) > 1 else (None, None)


def pin(core: int | None) -> None:
    """Keep this process on one core."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def allow_files() -> int:
    """Allow this process as many open files as the system lets it; return the number."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def memory() -> int:
    """Return the resident memory of this process in bytes."""
    return _status("VmRSS") or _peak()


def reset_peak() -> None:
    """Let `peak_memory` count from now on, where the system can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_memory() -> int:
    """Return the most memory that was resident since `reset_peak`, in bytes."""
    return _status("VmHWM") or _peak()


def _status(field: str) -> int:
    if not _STATUS.exists():
        return 0
    for line in _STATUS.read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    return 0


def _peak() -> int:
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def description() -> dict[str, object]:
    """Return what a reader must know of the machine to judge the figures."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "pinned": cores() != (None, None),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
