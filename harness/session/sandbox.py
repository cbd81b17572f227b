"""Starts the embedded sandbox as a process of its own, and ends it: harness and sandbox share no code."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

READY_WITHIN = 30.0
_VARIABLE = re.compile(r"\$\{env:(EXITPROOF_SANDBOX_[A-Z_]+)\}")


def embedded(fleet_file: str, environment: str, env: Mapping[str, str]) -> bool:
    """Whether a run starts the sandbox itself: for `--fleet sandbox`, and for a sandbox fleet that names the variables
    of one while none of them is set. Where some are set, one is running, and the rest is missing."""
    if fleet_file == "sandbox":
        return True
    if environment != "sandbox":
        return False
    named = set(_VARIABLE.findall(Path(fleet_file).read_text(encoding="utf-8")))
    return bool(named) and not any(env.get(name) for name in named)


def lacks() -> str:
    """What is not installed that the sandbox is made of, with the fix; empty if it is all there."""
    try:
        found = importlib.util.find_spec("scim2_server")
    except ImportError:
        found = None
    return "" if found else "its directory is not installed: pip install 'exitproof[sandbox]'"


class SandboxFailed(Exception):
    """The sandbox did not start; its own words are the message."""


class SandboxProcess:
    """`env` holds the addresses and credentials that the sandbox's fleet file names."""

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        if lacking := lacks():
            raise SandboxFailed(lacking)
        # -P: a folder `fixtures` of the user's own must not be taken for ours.
        command = [sys.executable, "-P", "-m", "fixtures.sandbox", "--json", *arguments]
        self._words = tempfile.TemporaryFile("w+")  # noqa: SIM115  a pipe that nobody reads would fill up
        self._process = subprocess.Popen(  # noqa: S603  our own module, arguments passed as a list
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            text=True,
            start_new_session=True,  # Ctrl-C is for the run: its cleanup still needs the sandbox
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
