"""How far a call is."""

from __future__ import annotations

from collections.abc import Callable

Listener = Callable[[int, int, str], object]


def listener(progress: bool | Listener) -> Listener | None:
    """What is told of steps: the caller's function, a bar, or nobody."""
    if callable(progress):
        return progress
    if not progress:
        return None
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return _Bar(tqdm)


class _Bar:
    """A bar for each phase."""

    def __init__(self, tqdm: Callable) -> None:
        self._tqdm = tqdm
        self._bar = None

    def __call__(self, done: int, total: int, step: str) -> None:
        if self._bar is None:
            self._bar = self._tqdm(total=total, unit="step", leave=False)
        self._bar.total = total
        self._bar.set_postfix_str(step, refresh=False)
        self._bar.update(done - self._bar.n)
        if done >= total:
            self._bar.close()
            self._bar = None
