"""Real software that a whole test session shares, whichever of its processes needs it first."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fixtures.fleet import holder


@contextmanager
def shared(name: str, root: Path) -> Iterator[Mapping[str, str]]:
    """The variables of a member that lives below `root` as long as somebody uses it: started by the first, stopped by
    the last. Raises `NotInstalled` or `NotStarted`."""
    folder = root / name
    with _counted(root, name) as users:
        if users.value == 0:
            process = holder.begin(name, folder)
            held = holder.await_held(name, folder, process)
            process.returncode = 0  # it outlives this process on purpose, so nobody here waits for it
        else:
            found = holder.read(folder)
            assert found is not None, f"{name} is gone while {users.value} still use it"
            held = found
        users.value += 1
    try:
        yield held.env
    finally:
        with _counted(root, name) as users:
            users.value -= 1
            if users.value == 0:
                holder.stop(folder)
                shutil.rmtree(folder)


class _Users:
    value = 0


@contextmanager
def _counted(root: Path, name: str) -> Iterator[_Users]:
    """How many use it, while nobody else may change that."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / f"{name}.users").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # released when closed
        file.seek(0)
        users = _Users()
        users.value = int(file.read() or 0)
        yield users
        file.seek(0)
        file.truncate()
        file.write(str(users.value))
