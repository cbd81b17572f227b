"""Verifies a bundle offline: one run, or a folder of runs with its register; believes nothing that it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.evidence import names, note
from harness.evidence.bundle import Files, Folder, Hostile, opened, wrong_name
from harness.evidence.keys import Trusted
from harness.evidence.merkle import root
from harness.evidence.register import read_lines
from harness.evidence.verdicts import UNPROVEN, Line, State
from harness.evidence.verify_run import LARGE, Opened, RunCheck

GIVEN = "--checkpoint"  # where the anchor came from, for it is no file of the bundle


@dataclass(slots=True)
class Register:
    """A register as it was read. `anchored`: how many of its lines a checkpoint from outside was signed over."""

    prefix: str
    records: list[dict[str, Any]] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    anchored: int = 0
    good: bool = False


def verify(path: Path, trust: Sequence[Trusted] | None = None, anchor: bytes | None = None) -> list[Line]:
    """Every check's line, then what is not proven. Raises FileNotFoundError where nothing is."""
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        with opened(path) as files:
            lines = _bundle(files, path, trust, anchor)
    except Hostile as hostile:
        lines = [Line("files", State.TAMPERED, hostile.name, str(hostile))]
    told = {line.check for line in lines if line.state is State.UNPROVEN}
    silent = {"newest"} if anchor is not None else set()
    lines += [Line(name, State.UNPROVEN, "", text) for name, text in UNPROVEN.items() if name not in told | silent]
    return lines


def _bundle(files: Files, path: Path, trust: Sequence[Trusted] | None, anchor: bytes | None) -> list[Line]:
    if _has(files, names.RUNS) and not _has(files, names.MANIFEST):
        return _folder_of_runs(files, trust, anchor)
    lines: list[Line] = []
    register = None
    if isinstance(files, Folder):
        beside = Folder(path.resolve().parent)
        if _has(beside, names.RUNS):
            register = _register(beside, "../", trust, anchor, lines)
    if register is None and anchor is not None:
        lines.append(Line("anchor", State.INCOMPLETE, GIVEN, "no register of runs is here to hold it against"))
    return _run(files, "", register, trust) + lines


def _has(files: Files, name: str) -> bool:
    try:
        files.read(name, LARGE)
    except FileNotFoundError:
        return False
    return True


def _run(files: Files, prefix: str, register: Register | None, trust: Sequence[Trusted] | None) -> list[Line]:
    check = RunCheck(files, prefix)
    made = check.manifest()
    if made is None:
        return check.lines
    place = made.manifest["register"]
    index = place.get("index") if place is not None else None
    anchored = register is not None and isinstance(index, int) and index < register.anchored
    check.all(made, trust, anchored)
    if register is not None:
        check.lines.append(_place(made, register, prefix))
    elif place is not None:
        text = f"that no run was left out: this one is line {index} of the register {place.get('origin')}, not here"
        check.lines.append(Line("newest", State.UNPROVEN, "", text))
    return check.lines


def _place(made: Opened, register: Register, prefix: str) -> Line:
    """The run's line in the register, and what the manifest says of it, are one."""
    where = register.prefix + names.RUNS
    place = made.manifest["register"]
    origin = register.records[0].get("origin") if register.records else None
    folder = {str(one.get("folder")) for one in register.records if one.get("run") == made.run}
    if prefix and folder != {prefix.rstrip("/")}:
        text = f"run {made.run} does not lie in the folder of that run"
        return Line("register", State.TAMPERED, prefix + names.MANIFEST, text)
    if prefix == "" and place is not None and place.get("origin") != origin:
        text = f"that no run was left out: another register stands beside it than {place.get('origin')}"
        return Line("register", State.INCOMPLETE, where, text)
    mine = [record for record in register.records if record.get("type") == "sealed" and record.get("run") == made.run]
    if not mine or place is None:
        if place is None and not mine:
            return Line("register", State.INCOMPLETE, where, f"run {made.run} stands in no register")
        return Line("register", State.TAMPERED, where, f"the register and {prefix}{names.MANIFEST} disagree")
    record = mine[0]
    same = place == {"origin": origin, "index": record["index"], "prev": record["prev"]}
    key = made.manifest["signing_key"]
    keyid = key.get("keyid") if key is not None else None
    told = (record.get("manifest"), record.get("key"), record.get("verdict"), record.get("at"))
    if len(mine) > 1 or not same or told != (made.digest, keyid, made.manifest["verdict"], made.manifest["sealed"]):
        return Line("register", State.TAMPERED, where, f"not this {prefix}{names.MANIFEST} was sealed as this run")
    return Line("register", State.OK, where, f"run {made.run} is line {record['index']} of {len(register.lines)}")


# --- the register -------------------------------------------------------------------------------


def _folder_of_runs(files: Files, trust: Sequence[Trusted] | None, anchor: bytes | None) -> list[Line]:
    lines: list[Line] = []
    register = _register(files, "", trust, anchor, lines)
    folders = files.folders()
    sealed: dict[str, str] = {}
    begun: dict[str, str] = {}
    for record in register.records:
        kinds = {"sealed": sealed, "begun": begun}
        if record.get("type") in kinds:
            kinds[str(record["type"])][str(record.get("run"))] = str(record.get("folder"))
    for run, folder in {**begun, **sealed}.items():
        if wrong_name(folder) or "/" in folder:
            lines.append(Line("register", State.TAMPERED, names.RUNS, f"run {run} has no folder's name"))
        elif run not in sealed:
            lines.append(Line("register", State.INCOMPLETE, folder, f"run {run} began and was never sealed"))
        elif folder not in folders:
            lines.append(Line("register", State.INCOMPLETE, folder, f"run {run} was sealed, its folder is not there"))
        else:
            lines += _guarded(files, f"{folder}/", register, trust)
    known = {*begun.values(), *sealed.values()}
    for folder in sorted(folders - known):
        lines.append(Line("newest", State.UNPROVEN, folder, "in no line of the register: not looked at"))
    return lines


def _guarded(files: Files, prefix: str, register: Register, trust: Sequence[Trusted] | None) -> list[Line]:
    try:
        return _run(files, prefix, register, trust)
    except Hostile as hostile:
        return [Line("files", State.TAMPERED, hostile.name, str(hostile))]


def _register(
    files: Files, prefix: str, trust: Sequence[Trusted] | None, anchor: bytes | None, lines: list[Line]
) -> Register:
    made = Register(prefix)
    where = prefix + names.RUNS
    try:
        made.lines, made.records = read_lines(files.read(names.RUNS, LARGE))
        if not made.records or not isinstance(made.records[0].get("origin"), str):
            raise ValueError("it has no origin")
    except ValueError as error:
        lines.append(Line("register", State.TAMPERED, where, str(error)))
        return made
    made.good = True
    keys = [each.key for each in trust] if trust is not None else None
    lines.append(_checkpoint(files, made, keys))
    if anchor is not None:
        lines.append(_anchor(made, anchor, keys))
    return made


def _checkpoint(files: Files, made: Register, keys: Sequence[Any] | None) -> Line:
    where = made.prefix + names.CHECKPOINT
    try:
        found = note.read(files.read(names.CHECKPOINT, note.LARGEST))
    except FileNotFoundError:
        signed = any(record.get("key") for record in made.records)
        state = State.INCOMPLETE if signed else State.UNPROVEN
        return Line("checkpoint", state, where, "it is not there: nobody signed the register")
    except note.BadNote as error:
        return Line("checkpoint", State.TAMPERED, where, str(error))
    if why := _apart(made, found.checkpoint):
        return Line("checkpoint", State.TAMPERED, made.prefix + names.RUNS, why)
    if keys is None:
        return Line("checkpoint", State.INCOMPLETE, where, "whose it is, nobody can tell without --trust")
    try:
        key = note.signed_by(found, keys)
    except note.BadNote as error:
        return Line("checkpoint", State.TAMPERED, where, str(error))
    if key is None:
        return Line("checkpoint", State.TAMPERED, where, "no trusted key signed it")
    late = len(made.lines) - found.checkpoint.size
    more = f"; the last {late} are not signed" if late else ""
    return Line("checkpoint", State.OK, where, f"{found.checkpoint.size} lines, signed by key {key.keyid}{more}")


def _anchor(made: Register, data: bytes, keys: Sequence[Any] | None) -> Line:
    try:
        kept = note.read(data)
        key = note.signed_by(kept, keys) if keys is not None else None
    except note.BadNote as error:
        return Line("anchor", State.TAMPERED, GIVEN, str(error))
    if keys is not None and key is None:
        return Line("anchor", State.TAMPERED, GIVEN, "no trusted key signed it")
    if why := _apart(made, kept.checkpoint):
        return Line("anchor", State.TAMPERED, made.prefix + names.RUNS, why)
    made.anchored = kept.checkpoint.size
    text = f"its first {made.anchored} of {len(made.lines)} lines are those that the kept checkpoint was signed over"
    return Line("anchor", State.OK, made.prefix + names.RUNS, text)


def _apart(made: Register, point: note.Checkpoint) -> str:
    """How a register and a checkpoint contradict each other; empty where they do not."""
    if made.records[0]["origin"] != point.origin:
        return f"it is another register than {point.origin}"
    if point.size > len(made.lines):
        return f"{point.size - len(made.lines)} of its {point.size} lines are gone"
    if root(made.lines[: point.size]) != point.root:
        return f"its first {point.size} lines are not those that were signed"
    return ""
