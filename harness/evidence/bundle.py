"""Files of a bundle that others packed, read in place: a folder or a ZIP, neither of which is believed or unpacked."""

from __future__ import annotations

import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Protocol

MOST_FILES = 1_000_000
LARGEST = 4 << 30  # of one file, unpacked
ALTOGETHER = 16 << 30
_RATIO = 2000  # deflate cannot do better than about 1032; more is another method, or a lie
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DRIVE = re.compile(r"[A-Za-z]:")


class Hostile(Exception):
    """Something that no bundle of ours has. `name` is where."""

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        super().__init__(why)


class Files(Protocol):
    """What a verifier may ask of a bundle. Names are relative, with `/`."""

    def sizes(self, below: str = "") -> dict[str, int]:
        """Every file below a prefix. Raises Hostile."""

    def folders(self) -> set[str]:
        """The names of the folders at its top."""

    def read(self, name: str, limit: int) -> bytes:
        """A whole file. Raises FileNotFoundError, and Hostile for one that is longer than `limit`."""

    def digest(self, name: str) -> str:
        """The sha256 of a file, read in pieces."""

    def lines(self, name: str, longest: int) -> Iterator[bytes]:
        """Its lines with their line feeds."""


def wrong_name(name: str) -> str:
    """Why a file of this name is not read; empty for a good one."""
    parts = name.split("/")
    if name.startswith("/") or _DRIVE.match(name):
        return "an absolute name"
    if "\\" in name or not name.isprintable():
        return "a name with characters that lead astray"
    if any(part in ("", ".", "..") for part in parts):
        return "a name that leads out of the bundle"
    return "a name of excessive length" if len(name) > 1000 else ""


class _Opens:
    """The reading that folders and ZIPs have in common."""

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        raise NotImplementedError(name)

    def read(self, name: str, limit: int) -> bytes:
        with self.open(name) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise Hostile(name, f"longer than {limit} bytes")
        return data

    def digest(self, name: str) -> str:
        made, left = sha256(), LARGEST
        with self.open(name) as file:
            while data := file.read(1 << 20):
                made.update(data)
                left -= len(data)
                if left < 0:
                    raise Hostile(name, f"longer than {LARGEST} bytes")
        return made.hexdigest()

    def lines(self, name: str, longest: int) -> Iterator[bytes]:
        left = LARGEST
        with self.open(name) as file:
            while line := file.readline(longest + 1):
                left -= len(line)
                if len(line) > longest or left < 0:
                    raise Hostile(name, f"a line longer than {longest} bytes")
                yield line


class Folder(_Opens):
    """A folder on the disk. Links and special files are refused, never followed and never opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def sizes(self, below: str = "") -> dict[str, int]:
        found: dict[str, int] = {}
        waiting = [below.rstrip("/")]
        while waiting:
            prefix = waiting.pop()
            with os.scandir(self.path / prefix) as listed:
                entries = list(listed)
            for entry in entries:
                name = f"{prefix}/{entry.name}" if prefix else entry.name
                if why := wrong_name(name):
                    raise Hostile(name, why)
                if entry.is_symlink():
                    raise Hostile(name, "a link")
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(name)
                elif entry.is_file(follow_symlinks=False):
                    found[name] = entry.stat(follow_symlinks=False).st_size
                else:
                    raise Hostile(name, "neither a file nor a folder")
                if len(found) + len(waiting) > MOST_FILES:
                    raise Hostile(name, f"more than {MOST_FILES} files")
        return found

    def folders(self) -> set[str]:
        with os.scandir(self.path) as listed:
            return {entry.name for entry in listed if entry.is_dir(follow_symlinks=False)}

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        # O_NONBLOCK: a pipe that took a file's place must not make us wait for ever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        if wrong_name(name):
            raise Hostile(name, wrong_name(name))
        try:
            opened = os.open(self.path / name, flags)
        except (FileNotFoundError, NotADirectoryError):
            raise FileNotFoundError(name) from None
        except OSError as error:
            raise Hostile(name, f"cannot be opened: {error.strerror}") from None
        with os.fdopen(opened, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Hostile(name, "not a plain file")
            yield file


class Zip(_Opens):
    """A ZIP. The one folder that everything in it is below, if there is one, is left out of the names."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members: dict[str, zipfile.ZipInfo] = {}
        total, folded = 0, set()
        if len(archive.infolist()) > MOST_FILES:
            raise Hostile("", f"more than {MOST_FILES} files")
        for info in archive.infolist():
            # `filename` is already tidied by the module, `orig_filename` is what the archive says.
            name = info.orig_filename.removesuffix("/")
            if why := wrong_name(name):
                raise Hostile(name, why)
            if name.casefold() in folded:
                raise Hostile(name, "the same name twice")
            folded.add(name.casefold())
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise Hostile(name, "neither a file nor a folder")
            if info.is_dir():
                continue
            if kind == stat.S_IFDIR or info.flag_bits & 1 or info.compress_type not in _METHODS:
                raise Hostile(name, "encrypted, or packed in a way that is not read here")
            total += info.file_size
            if info.file_size > max(1 << 20, info.compress_size * _RATIO) or total > ALTOGETHER:
                raise Hostile(name, "unpacks to far more than it is")
            self._members[name] = info
        tops = {name.partition("/")[0] for name in self._members}
        if len(tops) == 1 and all("/" in name for name in self._members):
            self._members = {name.partition("/")[2]: info for name, info in self._members.items()}

    def sizes(self, below: str = "") -> dict[str, int]:
        return {name: info.file_size for name, info in self._members.items() if name.startswith(below)}

    def folders(self) -> set[str]:
        return {name.partition("/")[0] for name in self._members if "/" in name}

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        if name not in self._members:
            raise FileNotFoundError(name)
        try:
            with self._archive.open(self._members[name]) as file:
                yield file
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
            raise Hostile(name, f"cannot be unpacked: {error}") from None


@contextmanager
def opened(path: Path) -> Iterator[Files]:
    """Raises Hostile for what is neither a folder nor a good ZIP, FileNotFoundError where nothing is."""
    if path.is_dir():
        yield Folder(path)
        return
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, IsADirectoryError) as error:
        raise Hostile("", f"not a ZIP: {error}") from None
    with archive:
        yield Zip(archive)
