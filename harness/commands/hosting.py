"""`exitproof sandbox` and `exitproof fleet`: software to drill on, run by processes of their own."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

from harness.session.sandbox import SandboxFailed, lacks


def host(arguments: Sequence[str]) -> int:
    """Runs it with this process's output, and answers its exit code. Ctrl-C and SIGTERM end it. It ends with its
    stdin, so it is given a pipe of ours: it also goes when this process is killed, and stays when our own stdin is
    empty, as it is for whatever a shell starts in the background. Raises `SandboxFailed` where it is not installed."""
    if lacking := lacks():
        raise SandboxFailed(lacking)
    command = [sys.executable, "-P", "-m", "fixtures.sandbox", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603  our own module

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(module: str, arguments: Sequence[str]) -> int:
    """One of our own programs with this process's output; answers its exit code. Ctrl-C is for it as well."""
    command = [sys.executable, "-P", "-m", module, *arguments]
    process = subprocess.Popen(command)  # noqa: S603  our own module
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
