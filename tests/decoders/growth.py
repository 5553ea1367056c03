"""Time over the size of the work: some 8 for eight times as much, 64 if it is quadratic."""

import gc
import time
from collections.abc import Callable

LINEAR = 32


def growth(prepare: Callable[[int], Callable[[], object]], size: int) -> float:
    """Return the time of `prepare(8 * size)()` over that of `prepare(size)()`."""

    def seconds(size: int) -> float:
        work = prepare(size)
        start = time.process_time()
        work()
        return time.process_time() - start

    gc.disable()  # its full collections are what grows, if a test makes many objects
    try:
        return min(seconds(8 * size) for _ in range(3)) / min(seconds(size) for _ in range(3))
    finally:
        gc.enable()
