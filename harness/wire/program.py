"""A program that a fleet file names, as a question or a change: run without a shell, its output told as JSON."""

from __future__ import annotations

import os
from typing import Annotated, Any

from pydantic import Field

from harness.config import Config, DurationField, SecretField
from harness.model import NOTHING, SECOND, Secret
from harness.ports import Vault
from harness.wire.call import Answer, parse_json
from harness.wire.dialogue import Asked, Broken, Dialogue, Heard, Told
from harness.wire.process import Program, execute
from harness.wire.template import Context, TemplateField

# What a program needs to find itself; the rest of our environment may hold secrets and is none of its business.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME")
_SAID = 200  # characters of its last words in a reason

Variable = Annotated[SecretField | TemplateField, Field(union_mode="left_to_right")]


class Run(Config):
    """One program with its arguments. `env` is added to a small inherited environment."""

    argv: list[TemplateField] = Field(min_length=1)
    cwd: TemplateField | None = None
    env: dict[str, Variable] = Field(default_factory=dict)
    stdin: TemplateField | None = None
    timeout: DurationField = 60 * SECOND
    success: list[int] = Field(default=[0], min_length=1)

    def program(self, words: Context) -> Program:
        """Raises `Unfilled`."""
        given = {
            key: value.reveal() if isinstance(value, Secret) else value.render(words) for key, value in self.env.items()
        }
        return Program(
            argv=tuple(part.render(words) for part in self.argv),
            cwd=None if self.cwd is None else self.cwd.render(words),
            env={**{key: os.environ[key] for key in INHERITED if key in os.environ}, **given},
            stdin=None if self.stdin is None else self.stdin.render(words).encode(),
            timeout=self.timeout,
        )

    def tell(self, vault: Vault) -> None:
        """Every secret of its environment must be known before it runs."""
        for value in self.env.values():
            if isinstance(value, Secret):
                vault.learn(value.reveal())


class Programs:
    """Runs them within one system's limits, each run an exchange of its own."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue

    def ask(self, run: Run, label: str, words: Context = NOTHING) -> Told[Any]:
        """The JSON on its standard output. Raises `Unknown`."""
        told = self._run(run, label, words, look=True)
        answer = Answer(0, "", NOTHING, told.value, told.sent, told.answered, told.evidence)
        return Told(parse_json(answer), told.sent, told.answered, told.evidence)

    def change(self, run: Run, label: str, words: Context) -> None:
        """Raises `Unknown`, in doubt unless it certainly did nothing."""
        self._run(run, label, words, look=False)

    def _run(self, run: Run, label: str, words: Context, *, look: bool) -> Told[bytes]:
        program = run.program(words)
        asked = Asked(
            "ASK" if look else "RUN", f"program:{label}", {"argv": list(program.argv), "env": sorted(program.env)}, look
        )

        def attempt() -> Heard[bytes]:
            ended = execute(program)
            if ended.failed:
                raise Broken(ended.failed, in_doubt=False)
            if ended.code is None:
                raise Broken(f"the program {label} was still running at its timeout and was killed")
            if ended.code not in run.success:
                raise Broken(_ended(label, ended.code, ended.stderr), code=ended.code)
            return Heard(ended.stdout, ended.stdout.decode("utf-8", "replace"), ended.code)

        return self._dialogue.ask(asked, attempt)


def _ended(label: str, code: int, stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    said = "".join(c for c in lines[-1] if c.isprintable())[:_SAID] if lines else ""
    return f"the program {label} ended with {code}" + (f": {said}" if said else "")
