"""References in a fleet file: `${env:NAME}` in any string; `${file:PATH}`, `${keyring:SERVICE/USER}` for secrets."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.config import REFERENCES, Ref
from harness.model import Problem
from harness.source import DataPath, Source

_REFERENCE = re.compile(r"\$\{(?:(env):([A-Za-z_][A-Za-z0-9_]*)|(file):([^}\n]+)|(keyring):([^}/\n]+/[^}\n]+))\}")
_SECRETIVE = re.compile(r"(?i)secret|token|passw|pwd|key|credential|bearer|private")
MISSING = "http://unresolved.invalid"  # stands in for what is not resolved; validators take it for a URL


class References:
    """Resolves the references of one file. `strict` false: only the shape is wanted, nothing secret is read and
    missing variables are no problem. `secrets` collects what must never be written anywhere."""

    def __init__(self, source: Source, env: Mapping[str, str], *, strict: bool) -> None:
        self.problems: list[Problem] = []
        self.secrets: list[str] = []
        self.refs: dict[DataPath, Ref] = {}
        self._missing: dict[DataPath, Problem] = {}
        self._source = source
        self._env = env
        self._strict = strict
        self._values: dict[str, str] = {}  # env name -> value
        self._folder = Path(source.file).parent

    def resolve(self, value: Any, path: DataPath = ()) -> Any:
        """A copy of `value` in which each string with a reference is a `Ref`."""
        if isinstance(value, dict):
            return {key: self.resolve(below, (*path, key)) for key, below in value.items()}
        if isinstance(value, list):
            return [self.resolve(below, (*path, index)) for index, below in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            return self._string(value, path)
        return value

    def _string(self, raw: str, path: DataPath) -> str:
        if "${" in _REFERENCE.sub("", raw):
            # Not echoed: in a secret field the rest may be the secret itself.
            self.problems.append(self._source.problem(path, "not a reference", "", REFERENCES))
            return raw
        secret_only = any(match[3] or match[5] for match in _REFERENCE.finditer(raw))
        text = _REFERENCE.sub(lambda match: self._env_value(match, path), raw)
        made = Ref(MISSING if secret_only else text, raw, secret_only)
        self.refs[path] = made
        return made

    def _env_value(self, match: re.Match[str], path: DataPath) -> str:
        if match[1] is None:
            return match[0]
        name = match[2]
        value = self._env.get(name, "")
        if value:
            self._values[name] = value
            if _SECRETIVE.search(name):
                self.secrets.append(value)
            return value
        state = "is empty" if name in self._env else "is not set"
        problem = self._source.problem(path, f"environment variable {state}", name)
        if self._strict:
            self.problems.append(problem)
        self._missing[path] = problem
        return MISSING

    def accounts_for(self, path: DataPath) -> bool:
        """Whether what a model says about this place is only that a variable is missing. Even the shape of a file may
        need one; then, and only then, its absence is a problem there too."""
        if path not in self._missing:
            return False
        if not self._strict:
            self.problems.append(self._missing[path])
        return True

    def open(self, ref: Ref) -> str:
        """What a secret field holds. Raises ValueError, with a sentence that holds no secret."""
        if not self._strict:
            return ""
        text = _REFERENCE.sub(self._secret_value, ref.raw)
        self.secrets.append(text)
        return text

    def _secret_value(self, match: re.Match[str]) -> str:
        value = _secret(match, self._env, self._folder)
        if value:
            self.secrets.append(value)
        return value

    def misplaced(self, below: DataPath) -> Iterator[Problem]:
        """References that only secret fields may use, elsewhere. Ask after the part `below` was validated."""
        for path, ref in self.refs.items():
            if ref.secret_only and not ref.opened and path[: len(below)] == below:
                message = "only a secret field may use this reference"
                yield self._source.problem(path, message, ref.raw, REFERENCES[:1])

    def clean(self, message: str) -> str:
        """A message of a validator, with resolved values turned back into their references."""
        for name, value in sorted(self._values.items(), key=lambda item: -len(item[1])):
            if len(value) >= 3:
                message = message.replace(value, f"${{env:{name}}}")
        for secret in self.secrets:
            if len(secret) >= 3:
                message = message.replace(secret, "***")
        return message


def secret_of(reference: str, env: Mapping[str, str]) -> str:
    """What a flag refers to as `env:NAME`, `file:PATH` (below the working folder) or `keyring:SERVICE/USER`. Raises
    ValueError, with a sentence that holds no secret; above all for a literal."""
    match = _REFERENCE.fullmatch(f"${{{reference}}}")
    if match is None:
        raise ValueError("not a reference: `env:NAME`, `file:PATH` or `keyring:SERVICE/USER`, never the secret itself")
    value = _secret(match, env, Path())
    if not value:
        raise ValueError(f"`{match[0]}` is not set")
    return value


def _secret(match: re.Match[str], env: Mapping[str, str], folder: Path) -> str:
    if match[1]:
        return env.get(match[2], "")
    return _file(folder, match[4], match[0]) if match[3] else _keyring(match[6], match[0])


def _file(folder: Path, name: str, shown: str) -> str:
    try:
        text = (folder / Path(name).expanduser()).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "no such home"
        raise ValueError(f"`{shown}` cannot be read: {why}") from None
    except ValueError:
        raise ValueError(f"`{shown}` is not UTF-8 text") from None
    if not text:
        raise ValueError(f"`{shown}` is empty")
    return text


def _keyring(name: str, shown: str) -> str:
    service, _, user = name.partition("/")
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise ValueError(f"`{shown}` needs: pip install 'exitproof[keyring]'") from None
    try:
        found = keyring.get_password(service, user)
    except Exception as error:  # noqa: BLE001  back ends raise what they like; the text may hold anything
        raise ValueError(f"`{shown}` cannot be read ({type(error).__name__})") from None
    if not found:
        raise ValueError(f"`{shown}` has no entry in the keyring")
    return str(found)
