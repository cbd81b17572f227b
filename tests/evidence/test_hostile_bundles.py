"""Bundles that were packed to harm: nothing is written, followed, waited for or unpacked, and both verifiers end."""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.evidence import bundle, names
from harness.evidence.canonical import canonical
from harness.evidence.verify import verify
from tests.evidence.attacks import KEY
from tests.evidence.bundles import main, runs, standalone


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    reports = tmp_path_factory.mktemp("made") / "reports"
    runs(reports, KEY.signer, 2)
    return reports


def zipped(folder: Path, top: str = "") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, f"{top}{path.relative_to(folder).as_posix()}")
    return data.getvalue()


def ends(path: Path) -> tuple[int, int]:
    return main(path, KEY)[0], standalone(path, KEY)[0]


@pytest.mark.parametrize("top", ["", "reports/", "deep-name/"])
def test_a_zip_is_as_good_as_its_folder(made: Path, tmp_path: Path, top: str) -> None:
    packed = tmp_path / "evidence.zip"
    packed.write_bytes(zipped(made, top))
    assert ends(packed) == (0, 0)
    packed.write_bytes(zipped(made / "run-1", top))
    assert ends(packed) == (0, 0)
    told, _, lines = main(packed, KEY)
    assert told == 0
    assert any(line.check == "newest" and "not here" in line.text for line in lines)
    kept = (made / names.CHECKPOINT).read_bytes()
    assert main(packed, KEY, kept)[0] == standalone(packed, KEY, kept)[0] == 9, "nothing to hold the checkpoint against"


def test_a_change_inside_a_zip_is_found(made: Path, tmp_path: Path) -> None:
    packed = tmp_path / "evidence.zip"
    with zipfile.ZipFile(io.BytesIO(zipped(made))) as old, zipfile.ZipFile(packed, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            new.writestr(info.filename, data.replace(b"g-5", b"g-6") if info.filename == "run-1/ledger.jsonl" else data)
    told, seen, _ = main(packed, KEY)
    assert told == standalone(packed, KEY)[0] == 8
    assert ("TAMPERED", "ledger", "run-1/ledger.jsonl") in seen


def _info(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def _with(name: str, data: bytes = b"x", mode: int = stat.S_IFREG | 0o644) -> Callable[[zipfile.ZipFile], None]:
    return lambda archive: archive.writestr(_info(name, mode), data)


def _twice(archive: zipfile.ZipFile) -> None:
    archive.writestr("run-1/results.json", b"{}")


def _bomb(archive: zipfile.ZipFile) -> None:
    archive.writestr("run-1/bomb", b"\0" * (64 << 20), zipfile.ZIP_BZIP2)


HOSTILE: dict[str, Callable[[zipfile.ZipFile], None]] = {
    "slip": _with("../../evil.txt"),
    "slip inside": _with("run-1/../../evil.txt"),
    "absolute": _with("/tmp/evil.txt"),
    "drive": _with("C:/evil.txt"),
    "backslash": _with("..\\evil.txt"),
    "dot": _with("run-1/./x"),
    "escape sequence": _with("run-1/\x1b[2J"),
    "bidi": _with("run-1/\u202egnp.exe"),
    "link": _with("run-1/link", b"/etc/passwd", stat.S_IFLNK | 0o777),
    "device": _with("run-1/null", b"", stat.S_IFCHR | 0o666),
    "pipe": _with("run-1/pipe", b"", stat.S_IFIFO | 0o666),
    "case": _with("RUN-1/RESULTS.json"),
    "twice": _twice,
    "unlisted": _with("run-1/more.txt"),
    "another packing": _bomb,
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_zip_is_refused(made: Path, tmp_path: Path, name: str) -> None:
    data = io.BytesIO(zipped(made))
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as archive:
        HOSTILE[name](archive)
    packed = tmp_path / "in" / "evidence.zip"
    packed.parent.mkdir()
    packed.write_bytes(data.getvalue())
    assert ends(packed) == (8, 8)
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "evidence.zip"], "nothing was written"
    text = "\n".join(map(str, verify(packed, KEY.trust)))
    assert text.isascii(), "no name moves the terminal"
    assert "\x1b" not in text


def test_a_bomb_is_not_unpacked(made: Path, tmp_path: Path) -> None:
    """A name of the manifest that unpacks to a thousand times its size: the size alone is enough."""
    data = io.BytesIO(zipped(made / "run-1"))
    with zipfile.ZipFile(data) as old:
        kept = {info.filename: old.read(info) for info in old.infolist()}
    packed = tmp_path / "bomb.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in kept.items():
            new.writestr(name, b"\0" * (200 << 20) if name == "report.html" else content)
    assert packed.stat().st_size < 1 << 20
    seen: list[str] = []
    with bundle.opened(packed) as files:
        digest = files.digest

        def noted(name: str) -> str:
            seen.append(name)
            return digest(name)

        files.digest = noted  # type: ignore[method-assign]
        from harness.evidence.verify_run import RunCheck

        check = RunCheck(files, "")
        opened = check.manifest()
        assert opened is not None
        lines = check.all(opened, KEY.trust, False)
    assert "report.html" not in seen
    assert any(line.where == "report.html" and line.state == "TAMPERED" for line in lines)
    assert ends(packed) == (8, 8)


@pytest.mark.parametrize("cut", [0, 10, 200, -10, -30])
def test_a_broken_zip_is_refused(made: Path, tmp_path: Path, cut: int) -> None:
    packed = tmp_path / "evidence.zip"
    packed.write_bytes(zipped(made)[:cut])
    assert ends(packed) == (8, 8)


def test_a_link_in_a_folder_is_not_followed(made: Path, tmp_path: Path) -> None:
    packed = tmp_path / "reports"
    with zipfile.ZipFile(io.BytesIO(zipped(made))) as archive:
        archive.extractall(packed)
    secret = tmp_path / "secret.json"
    secret.write_bytes((packed / "run-1" / "results.json").read_bytes())
    (packed / "run-1" / "results.json").unlink()
    (packed / "run-1" / "results.json").symlink_to(secret)
    assert ends(packed) == (8, 8), "not even where what it leads to is what was sealed"


def test_a_pipe_in_a_folder_is_not_waited_for(made: Path, tmp_path: Path) -> None:
    packed = tmp_path / "reports"
    with zipfile.ZipFile(io.BytesIO(zipped(made))) as archive:
        archive.extractall(packed)
    for name in (names.RESULTS, names.MANIFEST):
        (packed / "run-1" / name).unlink()
        os.mkfifo(packed / "run-1" / name)
        assert ends(packed) == (8, 8)


def test_a_huge_file_is_not_read(made: Path, tmp_path: Path) -> None:
    packed = tmp_path / "reports"
    with zipfile.ZipFile(io.BytesIO(zipped(made))) as archive:
        archive.extractall(packed)
    with (packed / "run-1" / "report.html").open("ab") as file:
        file.truncate(1 << 40)
    assert ends(packed) == (8, 8)


def _deep(manifest: bytes) -> bytes:
    return b"[" * 200_000 + b"]" * 200_000 + b"\n"


def _twins(manifest: bytes) -> bytes:
    return manifest.replace(b'"run":', b'"run":"other","run":', 1)


def _blanks(manifest: bytes) -> bytes:
    return json.dumps(json.loads(manifest), indent=1).encode() + b"\n"


def _leads_out(manifest: bytes) -> bytes:
    made = json.loads(manifest)
    made["files"][0]["path"] = "../../etc/passwd"
    return canonical(made) + b"\n"


def _odd(**changes: object) -> Callable[[bytes], bytes]:
    return lambda manifest: canonical({**json.loads(manifest), **changes}) + b"\n"


MANIFESTS: list[Callable[[bytes], bytes]] = [
    *(_deep, _twins, _blanks, _leads_out, lambda _: b"", lambda _: b"\xff\n", lambda _: b"[]\n", lambda _: b"1e999\n"),
    *(_odd(files={}), _odd(files=[1]), _odd(ledgers=[[]]), _odd(run=None), _odd(sweep=[]), _odd(signing_key=[])),
    *(_odd(signing_key={}), _odd(register={"index": []}), _odd(schema="exitproof-manifest/2"), _odd(more=1)),
    *(_odd(files=[]), _odd(ledgers=[]), _odd(files=[{"path": 1, "size": 1, "sha256": ""}]), _odd(tool={"a": {}})),
    _odd(signing_key={"keyid": "a", "keytype": "ed25519", "scheme": "ed25519", "public": "zz"}),
]


@pytest.mark.parametrize("change", MANIFESTS)
def test_an_odd_manifest_stops_nobody(made: Path, tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    packed = tmp_path / "reports"
    with zipfile.ZipFile(io.BytesIO(zipped(made))) as archive:
        archive.extractall(packed)
    path = packed / "run-1" / names.MANIFEST
    path.write_bytes(change(path.read_bytes()))
    assert ends(packed) == (8, 8)


@pytest.mark.parametrize(
    "name", ["results.json", "ledger.jsonl", "manifest.dsse.json", "../runs.jsonl", "../checkpoint"]
)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null\n",
        b"[]\n",
        b"\xff\xfe\n",
        b'{"a":' * 100_000 + b"\n",
        b'{"run":[],"cases":[1]}\n',
        b"{}\n",
        b"1" * 9000,
    ],
)
def test_odd_files_stop_nobody(made: Path, tmp_path: Path, name: str, data: bytes) -> None:
    packed = tmp_path / "reports"
    with zipfile.ZipFile(io.BytesIO(zipped(made))) as archive:
        archive.extractall(packed)
    (packed / "run-1" / name).write_bytes(data)
    assert ends(packed) == (8, 8)


def test_nothing_and_something_else(tmp_path: Path) -> None:
    assert ends(tmp_path) == (9, 9), "an empty folder"
    (tmp_path / "file.txt").write_text("hello")
    assert ends(tmp_path / "file.txt") == (8, 8)
    with pytest.raises(FileNotFoundError):
        verify(tmp_path / "nowhere")
