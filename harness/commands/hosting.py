"""`exitproof sandbox`: keeps the embedded sandbox running until it is told to stop."""

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
