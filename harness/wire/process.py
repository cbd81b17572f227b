"""Runs one program to its end or its timeout: no shell, its own process group, its output kept up to a limit."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import IO

from harness.model import SECOND, Duration

MOST_OUTPUT = 1 << 20  # bytes of each stream; the rest is read and dropped, so that the program never blocks on it
_GRACE_S = 2.0


@dataclass(frozen=True, slots=True)
class Program:
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)  # may hold secrets
    cwd: str | None = None
    stdin: bytes | None = field(default=None, repr=False)
    timeout: Duration = 60 * SECOND


@dataclass(frozen=True, slots=True)
class Ended:
    """`code` None: killed at the timeout, or never started, and then `failed` says why. A signal is -N."""

    code: int | None
    stdout: bytes = field(default=b"", repr=False)
    stderr: bytes = field(default=b"", repr=False)
    failed: str = ""


def execute(program: Program) -> Ended:
    """Never raises for what the program does."""
    try:
        # No shell, and the words of the arguments are the fleet author's own templates.
        process = subprocess.Popen(  # noqa: S603
            list(program.argv),
            cwd=program.cwd,
            env=dict(program.env),
            stdin=subprocess.DEVNULL if program.stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        return Ended(None, failed=f"the program could not be started: {why}")
    out, err = _Drain(process.stdout), _Drain(process.stderr)
    if process.stdin is not None:
        Thread(target=_feed, args=(process.stdin, program.stdin or b""), daemon=True).start()
    try:
        code: int | None = process.wait(program.timeout / SECOND)
    except subprocess.TimeoutExpired:
        code = None
        _kill_group(process)
    # A child that it left behind may keep the pipes open: what it says later is not waited for.
    return Ended(code, out.take(), err.take())


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
            if number is signal.SIGTERM:
                # Its children may have ignored the first signal.
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
            return


def _feed(pipe: IO[bytes], data: bytes) -> None:
    with suppress(OSError):  # it need not read all of it
        pipe.write(data)
    with suppress(OSError):
        pipe.close()


class _Drain:
    """Reads one stream to its end on a thread of its own."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        assert pipe is not None  # noqa: S101  both are pipes
        self._pipe = pipe
        self._kept = bytearray()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._pipe, suppress(OSError, ValueError):
            while data := self._pipe.read1(65_536):  # type: ignore[attr-defined]
                self._kept += data[: max(0, MOST_OUTPUT - len(self._kept))]

    def take(self) -> bytes:
        self._thread.join(_GRACE_S)
        return bytes(self._kept)
