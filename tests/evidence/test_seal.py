"""Sealing: nothing with a known secret in it, once, by a key that can sign; and keys and trust files themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from harness.evidence import names
from harness.evidence.register import Register
from harness.evidence.seal import Seal
from harness.evidence.sweep import SHORTEST, Leak, sweep
from harness.evidence.vault import Vault
from harness.model import BadInput
from tests.evidence.attacks import KEY
from tests.evidence.bundles import both, faults, main, runs, seal, write

SECRET = 'p4ss/w+rd&"ü<9'
FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "url": lambda s: quote(s, safe=""),
    "json": lambda s: json.dumps(s),
    "json in json": lambda s: json.dumps(json.dumps({"a": s})),
    "base64": lambda s: b64encode(s.encode()).decode(),
    "basic": lambda s: b64encode(f"admin:{s}".encode()).decode(),
    "html": lambda s: s.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&#34;"),
}


def knowing(*secrets: str) -> Vault:
    vault = Vault()
    for secret in secrets:
        vault.learn(secret)
    return vault


@pytest.mark.parametrize("name", ["report.html", "junit.xml", "exchanges/x.json", "deep/er/pytest.log"])
@pytest.mark.parametrize("form", FORMS)
def test_a_run_that_would_leak_is_not_sealed(tmp_path: Path, form: str, name: str) -> None:
    write(tmp_path / "run", "id-1")
    path = tmp_path / "run" / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(f"before {FORMS[form](SECRET)} after")
    with pytest.raises(Leak, match=name) as leak:
        Seal(tmp_path / "run", "id-1", KEY.signer).finish(knowing("another secret", SECRET), "0", "pass")
    assert SECRET not in str(leak.value)
    assert leak.value.files == (name,)
    assert not (tmp_path / "run" / names.MANIFEST).exists()
    assert not (tmp_path / "run" / names.ENVELOPE).exists()
    assert both(tmp_path / "run", KEY)[0] == 9, "never sealed"


def test_a_leak_leaves_a_begun_run_in_the_register(tmp_path: Path) -> None:
    write(tmp_path / "run", "id-1")
    (tmp_path / "run" / "log.txt").write_text(SECRET)
    made = Seal(tmp_path / "run", "id-1", KEY.signer, Register(tmp_path))
    made.begin()
    made.begin()
    with pytest.raises(Leak):
        made.finish(knowing(SECRET), "0", "pass")
    assert len((tmp_path / names.RUNS).read_bytes().splitlines()) == 2, "its beginning, once"
    told, seen = both(tmp_path, KEY)
    assert told == 9
    assert ("INCOMPLETE", "register", "run") in seen


def test_a_secret_across_two_pieces_and_in_a_name_is_found(tmp_path: Path) -> None:
    for at in range((1 << 20) - 12, (1 << 20) + 3, 3):
        (tmp_path / "big").write_text("x" * at + SECRET + "y" * 40)
        assert sweep(tmp_path, knowing(SECRET)).held == ("big",), at
    (tmp_path / "big").write_text("x")
    (tmp_path / "tok-3n-abcdef").write_text("")
    assert sweep(tmp_path, knowing("tok-3n-abcdef")).held == ("tok-3n-abcdef",)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe" + SECRET.encode() + b"\x80")
    assert sweep(tmp_path, knowing(SECRET)).held == ("bytes",)


def test_what_is_too_short_to_be_told_from_words_is_counted(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<p>admin")
    made = sweep(tmp_path, knowing("admin", "long enough"))
    assert (made.held, made.searched, made.short) == ((), 1, 1)
    assert len("admin") < SHORTEST
    write(tmp_path / "run", "id-1")
    Seal(tmp_path / "run", "id-1", KEY.signer).finish(knowing("admin"), "0", "pass")
    assert any("1 were too short" in line.text for line in main(tmp_path / "run", KEY)[2])


def test_a_file_that_cannot_be_searched_is_not_clean(tmp_path: Path) -> None:
    write(tmp_path / "run", "id-1")
    (tmp_path / "run" / "link").symlink_to(tmp_path)
    with pytest.raises(OSError, match="link"):
        Seal(tmp_path / "run", "id-1").finish(Vault(), "0", "pass")


def test_a_run_is_sealed_once(tmp_path: Path) -> None:
    (folder,) = runs(tmp_path, KEY.signer, 1)
    with pytest.raises(FileExistsError, match="sealed once"):
        Seal(folder, "id-1", KEY.signer).finish(Vault(), "0", "pass")


def test_unsigned_is_not_evidence(tmp_path: Path) -> None:
    runs(tmp_path, None, 2)
    told, seen = both(tmp_path, KEY)
    assert told == 9
    assert faults(seen) == {"run-1/manifest.json", "run-2/manifest.json"}
    assert any("unsigned: not evidence" in line.text for line in main(tmp_path, KEY)[2])
    (tmp_path / "run-1" / "ledger.jsonl").write_bytes(b"")
    assert both(tmp_path, KEY)[0] == 8, "it is checked all the same"


def test_nobodys_trust_is_incomplete(tmp_path: Path) -> None:
    runs(tmp_path, KEY.signer, 1)
    assert both(tmp_path, None)[0] == 9
    (tmp_path / "run-1" / names.MANIFEST).write_bytes(
        (tmp_path / "run-1" / names.MANIFEST).read_bytes().replace(b'"pass"', b'"fail"')
    )
    assert both(tmp_path, None)[0] == 8, "what the bundle's own key did not sign is seen without trust"


def test_a_process_that_died_is_said(tmp_path: Path) -> None:
    write(tmp_path / "run", "id-1")
    ledger = tmp_path / "run" / "ledger.jsonl"
    torn = tmp_path / "run" / "ledger-gw1.jsonl"
    torn.write_bytes(ledger.read_bytes()[: ledger.stat().st_size // 2])
    ledger.rename(tmp_path / "run" / "ledger-gw0.jsonl")
    Seal(tmp_path / "run", "id-1", KEY.signer).finish(Vault(), "0", "pass", ["gw1"])
    told, seen = both(tmp_path / "run", KEY)
    assert told == 9
    assert {("INCOMPLETE", "ledger", "ledger-gw1.jsonl"), ("INCOMPLETE", "secrets", "manifest.json")} <= seen


# --- the register ---------------------------------------------------------------------------------


def test_a_register_that_lost_lines_gets_no_new_ones(tmp_path: Path) -> None:
    runs(tmp_path, KEY.signer, 2)
    path = tmp_path / names.RUNS
    whole = path.read_bytes()
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    with pytest.raises(BadInput, match="missing or changed"):
        Register(tmp_path).check()
    with pytest.raises(BadInput, match="missing or changed"):
        Seal(tmp_path / "run-3", "id-3", KEY.signer, Register(tmp_path)).begin()
    path.write_bytes(whole.replace(b'"begun"', b'"began"', 1))
    with pytest.raises(BadInput, match="line 3: the chain breaks"):
        Register(tmp_path).check()
    path.write_bytes(whole + b'{"torn":')
    Register(tmp_path).check()
    write(tmp_path / "run-3", "id-3")
    seal(tmp_path / "run-3", "id-3", KEY.signer)
    assert both(tmp_path, KEY)[0] == 0, "a line that a crash cut off was never one"


def test_runs_that_end_together_share_one_register(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from tests.evidence.bundles import write, seal\n"
        "Path(sys.argv[1], sys.argv[2] + '.ready').touch()\n"
        "while len(list(Path(sys.argv[1]).glob('*.ready'))) < 3: time.sleep(0.001)\n"
        "for n in range(15):\n"
        "    name = f'{sys.argv[2]}-{n}'; folder = Path(sys.argv[1]) / name\n"
        "    write(folder, name, 1); seal(folder, name, None)\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), who]) for who in ("a", "b", "c")]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert len((tmp_path / names.RUNS).read_bytes().splitlines()) == 1 + 3 * 15 * 2
    told, seen = both(tmp_path, None)
    assert told == 9
    assert {check for state, check, _ in seen if state != "ok"} == {"signature"}
