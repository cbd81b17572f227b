"""Starts the embedded sandbox as a process of its own, and ends it: harness and sandbox share no code."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from types import TracebackType

READY_WITHIN = 30.0


class SandboxFailed(Exception):
    """The sandbox did not start; its own words are the message."""


class SandboxProcess:
    """`env` holds the addresses and credentials that the sandbox's fleet file names."""

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        command = [sys.executable, "-m", "fixtures.sandbox", "--json", *arguments]
        self._words = tempfile.TemporaryFile("w+")  # noqa: SIM115  a pipe that nobody reads would fill up
        self._process = subprocess.Popen(  # noqa: S603  our own module, arguments passed as a list
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._words, text=True
        )
        assert self._process.stdout is not None  # noqa: S101  PIPE
        line = self._process.stdout.readline()
        try:
            told = json.loads(line)
        except ValueError:
            self._process.wait(READY_WITHIN)
            self._words.seek(0)
            words = _last_line(self._words.read())
            self.close()
            raise SandboxFailed(words or "the sandbox ended without a word") from None
        self.env: dict[str, str] = told["env"]

    def close(self) -> None:
        """Closing its stdin ends it."""
        if self._process.poll() is None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._words):
            if stream is not None:
                stream.close()

    def __enter__(self) -> SandboxProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _last_line(words: str) -> str:
    lines = [line for line in words.splitlines() if line.strip()]
    return lines[-1] if lines else ""
