"""`exitproof keygen` and `exitproof verify`: the commands of evidence, with their options."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def keygen(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The private key's file.")],
    public: Annotated[
        Path | None, typer.Option(metavar="PEM", help="Make no key: trust this public one, of a KMS.")
    ] = None,
    note: Annotated[str, typer.Option(metavar="TEXT", help="Whose it is, for readers of the trust file.")] = "",
) -> int:
    """Make a signing key. And the trust file that its readers need, PATH.trust.json.

    An Ed25519 key in PATH, mode 0600, encrypted if EXITPROOF_SIGNING_PASSPHRASE is set. Nothing is overwritten. Hand
    the key's id to whoever will verify, by another way than the evidence.
    """
    from harness.evidence import keys
    from harness.model import BadInput, Problem

    trust = path.with_name(f"{path.name}.trust.json")
    if trust.exists():
        raise BadInput([Problem(str(trust), 1, 1, "it is there already, and nothing is overwritten")])
    try:
        if public is not None:
            key = keys.pem_public(public)
        else:
            key = keys.generate(path, os.environ.get(keys.PASSPHRASE, ""))
    except FileExistsError:
        raise BadInput([Problem(str(path), 1, 1, "it is there already, and nothing is overwritten")]) from None
    except OSError as error:
        raise BadInput([Problem(str(path), 1, 1, f"cannot be written: {error.strerror}")]) from None
    trust.write_bytes(keys.trust_file(key, keys.today(), note))
    if public is None:
        typer.echo(f"wrote {path}: the private key; for `--sign` or {keys.VARIABLE}")
    typer.echo(f"wrote {trust}: the public key; for `exitproof verify --trust`")
    typer.echo(f"key id {key.keyid}")
    return 0


def report(
    run: Annotated[Path, typer.Option("--from", metavar="RUN", help="The folder of a run.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to write; never the run itself.")],
    pdf: Annotated[bool, typer.Option("--pdf", help="Print report.html as well, to report.pdf.")] = False,
) -> int:
    """Make a run's report again. From its ledger and exchanges alone: results.json, report.html and the rest.

    Says of each file whether it is byte for byte the one in RUN. Exits with 8 if one is not: changed, or made by
    another version of this program. A PDF is printed by Chromium, or set by WeasyPrint (pip install 'exitproof[pdf]')
    where there is none.
    """
    from harness.session.rebuild import rebuild

    words = {True: "the same", False: "DIFFERENT", None: "not there"}
    made = rebuild(run, out)
    for each in made:
        typer.echo(f"wrote {each.path}: in the run's folder it is {words[each.same]}")
    if pdf:
        from harness.commands.paper import paper

        printed, maker = paper(out / "report.html", os.environ)
        typer.echo(f"wrote {printed}, by {maker}")
    return 8 if any(each.same is False for each in made) else 0


def verify(
    path: Annotated[Path, typer.Argument(metavar="DIR|ZIP", help="A run, or a folder of runs with its register.")],
    trust: Annotated[Path | None, typer.Option(metavar="FILE", help="The keys that you trust.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A checkpoint that you kept from an earlier time.")
    ] = None,
) -> int:
    """Verify evidence, offline. Prints one line per check, and what is not proven.

    A folder or a ZIP of one run, or of many with their register. Nothing in it is believed, unpacked or run. Exits with
    0 if everything is good, 8 if something was tampered with, and 9 if something is missing: a file, a signature, or
    --trust.
    """
    from harness.evidence import keys
    from harness.evidence.verdicts import code
    from harness.evidence.verify import verify as check
    from harness.model import BadInput, Problem

    def given(file: Path) -> bytes:
        try:
            return file.read_bytes()
        except OSError as error:
            raise BadInput([Problem(str(file), 1, 1, f"cannot be read: {error.strerror}")]) from None

    trusted = None
    if trust is not None:
        try:
            trusted = keys.read_trust(given(trust))
        except ValueError as error:
            raise BadInput([Problem(str(trust), 1, 1, str(error))]) from None
    anchor = given(checkpoint) if checkpoint is not None else None
    try:
        lines = check(path, trusted, anchor)
    except OSError as error:
        raise BadInput([Problem(str(path), 1, 1, f"cannot be read: {error.strerror or 'not there'}")]) from None
    for line in lines:
        typer.echo(str(line))
    ended = code(lines)
    typer.echo({0: "good", 8: "TAMPERED", 9: "INCOMPLETE"}[ended])
    return ended
