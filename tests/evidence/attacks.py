"""What somebody may do to sealed runs: each function attacks a copy of a folder of four runs."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

from securesystemslib.signer import Signer

from harness.evidence import names, note
from harness.evidence.canonical import canonical
from harness.evidence.ledger import FIRST
from harness.evidence.merkle import root
from harness.evidence.seal import Seal, _envelope, _statement
from harness.evidence.vault import Vault
from tests.evidence import bundles
from tests.evidence.bundles import edit, key, seal, write

KEY, OTHER = key(), key()
OWN = KEY.signer


def rechain(path: Path, link: str = "prev", number: str = "seq") -> None:
    """Makes the chain good again, with all its numbers."""
    prev, made = FIRST, []
    for count, line in enumerate(path.read_bytes().splitlines()):
        record: dict[str, Any] = {**json.loads(line), link: prev, number: count}
        if record["type"] == "close":
            record["records"] = count
        made.append(canonical(record))
        prev = sha256(made[-1]).hexdigest()
    path.write_bytes(b"".join(line + b"\n" for line in made))


def remanifest(folder: Path) -> None:
    """Makes the manifest tell the truth about changed files."""
    fresh = Seal(folder, "id", None)
    old = json.loads((folder / names.MANIFEST).read_bytes())
    kept = {name: (folder / name).read_bytes() for name in (names.MANIFEST, names.ENVELOPE) if (folder / name).exists()}
    for name in kept:
        (folder / name).unlink()
    fresh.finish(Vault(), "0.0", old["verdict"])
    new = json.loads((folder / names.MANIFEST).read_bytes())
    (folder / names.MANIFEST).write_bytes(canonical({**old, "files": new["files"], "ledgers": new["ledgers"]}) + b"\n")
    if names.ENVELOPE in kept:
        (folder / names.ENVELOPE).write_bytes(kept[names.ENVELOPE])


def resign(folder: Path, signer: Signer) -> None:
    manifest = json.loads((folder / names.MANIFEST).read_bytes()) | {"signing_key": bundles.named(signer)}
    data = canonical(manifest) + b"\n"
    (folder / names.MANIFEST).write_bytes(data)
    statement = canonical(_statement(manifest, sha256(data).hexdigest()))
    (folder / names.ENVELOPE).write_bytes(canonical(_envelope(statement, signer)) + b"\n")


def lines_of(reports: Path) -> list[bytes]:
    return (reports / names.RUNS).read_bytes().splitlines()


def put_lines(reports: Path, lines: list[bytes]) -> None:
    (reports / names.RUNS).write_bytes(b"".join(line + b"\n" for line in lines))


def recheckpoint(reports: Path, signer: Signer) -> None:
    lines = lines_of(reports)
    point = note.Checkpoint(json.loads(lines[0])["origin"], len(lines), root(lines))
    (reports / names.CHECKPOINT).write_bytes(note.sign(point, signer).text.encode())


def ledger(reports: Path) -> Path:
    return reports / "run-2" / "ledger.jsonl"


def edit_one(reports: Path) -> None:
    edit(ledger(reports), '"grant":"g-5"', '"grant":"g-6"')


def edit_and_rechain(reports: Path) -> None:
    edit_one(reports)
    rechain(ledger(reports))


def edit_rechain_and_manifest(reports: Path) -> None:
    edit_and_rechain(reports)
    edit(reports / "run-2" / "results.json", '"observations"', '"observations":[], "x"')
    edit(reports / "run-2" / "results.json", '"name": "other",\n      "observations"', '"observations":[], "x"')
    remanifest(reports / "run-2")


def delete_one(reports: Path) -> None:
    lines = ledger(reports).read_bytes().splitlines(keepends=True)
    ledger(reports).write_bytes(b"".join(lines[:4] + lines[5:]))


def delete_and_rechain(reports: Path) -> None:
    delete_one(reports)
    rechain(ledger(reports))


def truncate(reports: Path) -> None:
    lines = ledger(reports).read_bytes().splitlines(keepends=True)
    ledger(reports).write_bytes(b"".join(lines[:6]))


def truncate_inside_a_line(reports: Path) -> None:
    ledger(reports).write_bytes(ledger(reports).read_bytes()[:-20])


def delete_a_middle_run(reports: Path) -> None:
    shutil.rmtree(reports / "run-2")


def delete_it_from_the_register(reports: Path) -> None:
    shutil.rmtree(reports / "run-2")
    put_lines(reports, [line for line in lines_of(reports) if b'"id-2"' not in line])


def delete_it_and_rechain_the_register(reports: Path) -> None:
    delete_it_from_the_register(reports)
    rechain(reports / names.RUNS, number="index")


def swap_two_runs(reports: Path) -> None:
    (reports / "run-2").rename(reports / "spare")
    (reports / "run-3").rename(reports / "run-2")
    (reports / "spare").rename(reports / "run-3")


def swap_two_runs_in_the_register(reports: Path) -> None:
    lines = lines_of(reports)
    lines[3:5], lines[5:7] = lines[5:7], lines[3:5]
    put_lines(reports, lines)


def sign_with_another_key(reports: Path) -> None:
    edit_rechain_and_manifest(reports)
    resign(reports / "run-2", OTHER.signer)


def sign_everything_with_another_key(reports: Path) -> None:
    """The same, and the register tells it: only whose key it is can show it."""
    sign_with_another_key(reports)
    digest = sha256((reports / "run-2" / names.MANIFEST).read_bytes()).hexdigest()
    made = []
    for line in lines_of(reports):
        record = json.loads(line)
        if record["type"] == "sealed" and record["run"] == "id-2":
            record |= {"manifest": digest, "key": OTHER.keyid}
        made.append(canonical(record))
    put_lines(reports, made)
    rechain(reports / names.RUNS, number="index")
    recheckpoint(reports, OTHER.signer)


def strip_the_signature(reports: Path) -> None:
    (reports / "run-2" / names.ENVELOPE).unlink()


def call_it_unsigned(reports: Path) -> None:
    strip_the_signature(reports)
    path = reports / "run-2" / names.MANIFEST
    path.write_bytes(canonical(json.loads(path.read_bytes()) | {"signing_key": None}) + b"\n")


def edit_an_exchange(reports: Path) -> None:
    edit(next((reports / "run-2" / "exchanges").iterdir()), "200", "404")


def delete_an_exchange(reports: Path) -> None:
    next((reports / "run-2" / "exchanges").iterdir()).unlink()


def edit_the_report(reports: Path) -> None:
    edit(reports / "run-2" / "report.html", "pass", "pass!")


def edit_the_results(reports: Path) -> None:
    edit(reports / "run-2" / "results.json", '"verdict": "pass"', '"verdict": "fail"')


def edit_the_journal(reports: Path) -> None:
    edit(reports / "run-2" / "journal.jsonl", "sent", "lost")


def add_a_file(reports: Path) -> None:
    (reports / "run-2" / "extra.txt").write_text("also true")


def add_a_ledger(reports: Path) -> None:
    shutil.copy(ledger(reports), reports / "run-2" / "ledger-gw9.jsonl")


def take_the_checkpoint_away(reports: Path) -> None:
    (reports / names.CHECKPOINT).unlink()


def sign_the_register_with_another_key(reports: Path) -> None:
    recheckpoint(reports, OTHER.signer)


def replay_an_old_checkpoint(reports: Path) -> None:
    """Of another register."""
    write(reports.parent / "elsewhere" / "run-1", "id-1")
    seal(reports.parent / "elsewhere" / "run-1", "id-1", OWN)
    shutil.copy(reports.parent / "elsewhere" / names.CHECKPOINT, reports / names.CHECKPOINT)


# --- what needs an anchor outside ---------------------------------------------------------------


def roll_back_the_newest_run(reports: Path) -> None:
    """As if it had never been: the register and its checkpoint are those of the day before."""
    shutil.rmtree(reports / "run-4")
    put_lines(reports, lines_of(reports)[:-2])
    recheckpoint(reports, OWN)


def insider_rewrites_history(reports: Path) -> None:
    """Who has the key makes the second run anew, better than it was, and seals all that followed again."""
    put_lines(reports, lines_of(reports)[:3])
    (reports / names.CHECKPOINT).unlink()
    for number in (2, 3, 4):
        shutil.rmtree(reports / f"run-{number}")
        write(reports / f"run-{number}", f"id-{number}", presence="absent, really")
        seal(reports / f"run-{number}", f"id-{number}", OWN)
