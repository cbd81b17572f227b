"""Every attack on sealed runs is caught by both verifiers, and the file is named; or it is said that it cannot be."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.evidence import names
from tests.evidence import attacks
from tests.evidence.attacks import KEY, OTHER, OWN
from tests.evidence.bundles import both, faults, runs, seal, write

Attack = Callable[[Path], None]
CAUGHT: list[tuple[Attack, int, str]] = [
    (attacks.edit_one, 8, "run-2/ledger.jsonl"),
    (attacks.edit_and_rechain, 8, "run-2/ledger.jsonl"),
    (attacks.edit_rechain_and_manifest, 8, "run-2/manifest.dsse.json"),
    (attacks.delete_one, 8, "run-2/ledger.jsonl"),
    (attacks.delete_and_rechain, 8, "run-2/ledger.jsonl"),
    (attacks.truncate, 8, "run-2/ledger.jsonl"),
    (attacks.truncate_inside_a_line, 8, "run-2/ledger.jsonl"),
    (attacks.delete_a_middle_run, 9, "run-2"),
    (attacks.delete_it_from_the_register, 8, "runs.jsonl"),
    (attacks.delete_it_and_rechain_the_register, 8, "runs.jsonl"),
    (attacks.swap_two_runs, 8, "run-2/manifest.json"),
    (attacks.swap_two_runs_in_the_register, 8, "runs.jsonl"),
    (attacks.sign_with_another_key, 8, "run-2/manifest.dsse.json"),
    (attacks.sign_everything_with_another_key, 8, "run-2/manifest.dsse.json"),
    (attacks.strip_the_signature, 9, "run-2/manifest.dsse.json"),
    (attacks.call_it_unsigned, 8, "runs.jsonl"),
    (attacks.edit_an_exchange, 8, "run-2/exchanges/"),
    (attacks.delete_an_exchange, 9, "run-2/exchanges/"),
    (attacks.edit_the_report, 8, "run-2/report.html"),
    (attacks.edit_the_results, 8, "run-2/results.json"),
    (attacks.edit_the_journal, 8, "run-2/journal.jsonl"),
    (attacks.add_a_file, 8, "run-2/extra.txt"),
    (attacks.add_a_ledger, 8, "run-2/ledger-gw9.jsonl"),
    (attacks.take_the_checkpoint_away, 9, "checkpoint"),
    (attacks.sign_the_register_with_another_key, 8, "checkpoint"),
    (attacks.replay_an_old_checkpoint, 8, "runs.jsonl"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    reports = tmp_path_factory.mktemp("made") / "reports"
    runs(reports, OWN)
    return reports


@pytest.fixture
def reports(made: Path, tmp_path: Path) -> Path:
    """A copy to attack."""
    return Path(shutil.copytree(made, tmp_path / "reports"))


def test_without_an_attack_it_is_good(reports: Path) -> None:
    ended, seen = both(reports, KEY)
    assert ended == 0
    assert faults(seen) == set()
    assert both(reports / "run-2", KEY)[0] == 0


@pytest.mark.parametrize(("attack", "ended", "where"), CAUGHT, ids=lambda v: getattr(v, "__name__", None))
def test_it_is_caught_and_the_file_is_named(reports: Path, attack: Attack, ended: int, where: str) -> None:
    attack(reports)
    told, seen = both(reports, KEY)
    assert told == ended
    assert any(name.startswith(where) for name in faults(seen)), seen
    if attack is not attacks.swap_two_runs:  # which names both
        untouched = {name for name in faults(seen) if name.startswith(("run-1/", "run-3/", "run-4/"))}
        assert not untouched, "only what was attacked is named"


# --- what needs an anchor outside ---------------------------------------------------------------


@pytest.mark.parametrize("attack", [attacks.roll_back_the_newest_run, attacks.insider_rewrites_history])
def test_only_a_checkpoint_that_was_kept_elsewhere_shows_it(reports: Path, attack: Attack) -> None:
    kept = (reports / names.CHECKPOINT).read_bytes()
    attack(reports)
    assert both(reports, KEY)[0] == 0, "undetectable in the bundle alone: the documentation says so"
    told, seen = both(reports, KEY, kept)
    assert told == 8
    assert (("TAMPERED", "anchor", "runs.jsonl")) in seen
    assert both(reports / "run-2", KEY, kept)[0] == 8, "nor does one run alone hide it"


def test_an_older_checkpoint_of_the_same_register_is_no_fault(reports: Path) -> None:
    kept = (reports / names.CHECKPOINT).read_bytes()
    write(reports / "run-5", "id-5")
    seal(reports / "run-5", "id-5", OWN)
    told, seen = both(reports, KEY, kept)
    assert told == 0
    assert ("ok", "anchor", "runs.jsonl") in seen


@pytest.mark.parametrize("attack", [attack for attack, *_ in CAUGHT], ids=lambda v: v.__name__)
def test_an_anchor_hides_nothing(reports: Path, attack: Attack) -> None:
    kept = (reports / names.CHECKPOINT).read_bytes()
    attack(reports)
    assert both(reports, KEY, kept)[0] in (8, 9)


def test_a_forged_anchor_is_not_believed(reports: Path) -> None:
    kept = (reports / names.CHECKPOINT).read_bytes()
    attacks.recheckpoint(reports, OTHER.signer)
    forged = (reports / names.CHECKPOINT).read_bytes()
    (reports / names.CHECKPOINT).write_bytes(kept)
    told, seen = both(reports, KEY, forged)
    assert told == 8
    assert ("TAMPERED", "anchor", "--checkpoint") in seen
