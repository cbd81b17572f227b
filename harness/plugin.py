"""pytest hooks only: one case is one item; all cases of a process start together, and items wait for their own."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness import fleet, scenario
from harness.engine.context import Waiting
from harness.engine.run import Run
from harness.evidence.vault import Vault
from harness.model import BadInput, RunResult, Verdict
from harness.report.text import summary
from harness.session import options, sealing
from harness.session.drill import Drill, Naming, default_folder, exit_code, lost, merge
from harness.session.items import CaseItem, ScenarioFile
from harness.session.parts import without_secrets
from harness.session.plan import consent, digest
from harness.session.progress import choose
from harness.session.resume import UNSURE, waits
from harness.session.sandbox import SandboxFailed, SandboxProcess, embedded
from harness.session.state import KEY, Session, exceptions_of, fleet_of


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add(parser.getgroup("exitproof", "deprovisioning verification"))


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Everything that can be wrong with the input is said here, before items exist: exit 4."""
    given = [Path(argument.partition("::")[0]) for argument in config.args]
    try:
        files = scenario.discover([path for path in given if path.is_dir() or path.suffix == ".yaml"], anywhere=False)
        if not files:
            return
        info = fleet.shape(fleet_of(config))
        loaded = scenario.load_files(files, info, datetime.now(UTC).date(), exceptions_of(config, info.source))
        told: dict[str, Any] = getattr(config, "workerinput", {}).get("exitproof", {})
        naming = Naming(told["id"], told["n"]) if told else Naming.new()
        folder = default_folder(naming, config.getoption("exitproof_out"))
        session = Session(config, loaded, naming, folder.resolve())
        if told:
            session.worker, session.stride = told["worker"], (told["index"], told["count"])
            session.about = pickle.loads(told["about"])  # noqa: S301  from our own controller, over its own pipe
        else:
            consent(config.getoption("exitproof_consent"), digest(info, loaded), info.environment, info.source)
            _prepare(session, info.environment)
    except BadInput as bad:
        raise pytest.UsageError(str(bad)) from None
    except SandboxFailed as failed:
        raise pytest.UsageError(f"the sandbox did not start: {failed}") from None
    config.stash[KEY] = session
    for tag in sorted({tag for case in loaded.cases for tag in case.tags}):
        config.addinivalue_line("markers", f"{tag}: a tag of scenarios")


def _prepare(session: Session, environment: str) -> None:
    """In the process that the user started: the sandbox, and a look at the secrets before any worker is made."""
    config = session.config
    session.shared = bool(getattr(config.option, "numprocesses", None)) and not config.option.collectonly
    if config.option.collectonly:
        return
    named = config.getoption("exitproof_out") is not None
    session.seal = sealing.prepare(
        session.folder, session.naming.id, config.getoption("exitproof_sign"), os.environ, named=named
    )
    defects, leaves = config.getoption("exitproof_defects"), config.getoption("exitproof_leaves")
    if leaves and (session.shared or embedded(session.fleet_file, environment, os.environ)):
        raise pytest.UsageError("--leave-waiting is for one process, and for a sandbox that outlives it")
    if embedded(session.fleet_file, environment, os.environ):
        session.sandbox = SandboxProcess([word for name in defects for word in ("--defect", name)])
        os.environ.update(session.sandbox.env)
    elif defects:
        raise pytest.UsageError("--defect is for a sandbox that the run starts itself, such as `--fleet sandbox`")
    drill = Drill(
        session.fleet_file,
        session.loaded,
        session.folder,
        session.naming,
        concurrency=_width(config),
        vault_key=session.key,
        leaves=leaves,
    )
    drill.qualify(session.seal.register)
    session.about = replace(drill.about(), signing_key=session.seal.keyid)
    if not session.shared:
        session.drill = drill


def _width(config: pytest.Config) -> int:
    return max(1, int(config.getoption("exitproof_concurrency")))


def pytest_unconfigure(config: pytest.Config) -> None:
    session = config.stash.get(KEY, None)
    if session is not None and session.sandbox is not None:
        session.sandbox.close()


# --- items --------------------------------------------------------------------------------------


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    session = parent.config.stash.get(KEY, None)
    if session is None or file_path.suffix != ".yaml" or str(file_path) not in session.by_file:
        return None
    made: ScenarioFile = ScenarioFile.from_parent(parent, path=file_path)
    return made


# --- the run ------------------------------------------------------------------------------------


def pytest_collection_finish(session: pytest.Session) -> None:
    """Selection is over: start this process's whole share at once."""
    mine = session.config.stash.get(KEY, None)
    if mine is None or session.config.option.collectonly or mine.shared:
        return
    index, count = mine.stride
    cases = [item.case for item in session.items[index::count] if isinstance(item, CaseItem)]
    if not cases:
        return
    if mine.drill is None:
        mine.drill = Drill(
            mine.fleet_file,
            mine.loaded,
            mine.folder,
            mine.naming,
            worker=mine.worker,
            stride=mine.stride,
            concurrency=max(1, _width(session.config) // count),
            vault_key=mine.key,
            qualification=mine.about.selftest if mine.about is not None else None,
        )
    try:
        mine.drill.start(cases, mine.seal.begin if mine.seal is not None else lambda: None, mine.about)
    except BadInput as bad:
        raise pytest.UsageError(str(bad)) from None
    if not mine.worker:
        mine.progress = choose(session.config)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Last of all plugins: what they write into the run folder, a JUnit file of pytest's own, is sealed with it."""
    mine = session.config.stash.get(KEY, None)
    if mine is None:
        return
    if mine.progress is not None:
        mine.progress.pause()
    if mine.drill is not None and mine.drill.run is not None:
        mine.outcome = _end(mine, mine.drill, mine.drill.run, interrupted=int(exitstatus) == 2)
        if mine.outcome is None:
            if mine.waits:
                failed = any(case.verdict is Verdict.FAIL for case in mine.drill.run.results.values())
                session.exitstatus = 1 if failed else UNSURE
            return
        if mine.worker:
            output: dict[str, Any] = session.config.workeroutput  # type: ignore[attr-defined]
            output["exitproof"] = pickle.dumps((without_secrets(mine.outcome), mine.drill.vault.known()))
            return
    elif mine.parts:
        parts = [mine.parts[name] for name in sorted(mine.parts)]  # not as they happened to end
        mine.outcome = merge(mine.naming, parts, mine.loaded.deselected)
    if mine.outcome is None or mine.worker:
        return
    vault = _write(mine)
    session.exitstatus = _exit(int(exitstatus), mine.outcome)
    if mine.seal is not None:
        for secret in mine.secrets:
            vault.learn(secret)
        good, mine.sealed = sealing.finish(mine.seal, vault, os.environ, mine.outcome.verdict.word, mine.died)
        if not good:
            session.exitstatus = 3


def _end(mine: Session, drill: Drill, run: Run, *, interrupted: bool) -> RunResult | None:
    """What no item waits for any more ends here; cleanup still runs. A second Ctrl-C leaves the rest to the journal."""
    say = mine.config.pluginmanager.getplugin("terminalreporter")
    run.stop()
    if interrupted and say is not None:
        say.write_line("exitproof: stopped; taking back what was made (Ctrl-C again leaves it to the journal)")
    try:
        return drill.close(mine.about)
    except Waiting as waiting:
        mine.waits = waits(mine.folder, waiting.until)
    except KeyboardInterrupt:
        if say is not None:
            say.write_line(f"exitproof: not cleaned up; `exitproof resume {mine.folder}` goes on from the journal")
    return None


def _write(mine: Session) -> Vault:
    """Everything but the seal; answers what this process knows of secrets."""
    assert mine.outcome is not None  # noqa: S101  the caller's check
    drill = mine.drill or Drill(mine.fleet_file, mine.loaded, mine.folder, mine.naming)
    register = mine.seal.register if mine.seal is not None else None
    mine.written = sealing.write(mine.folder, mine.outcome, mine.about or drill.about(), register)
    return drill.vault


def _exit(pytests: int, outcome: RunResult) -> int:
    """The first that applies: 3, 4, 2, 1, 6, 7, 0; pytest's own word stands where other tests failed as well."""
    if pytests not in (0, 1):
        return pytests
    ours = exit_code(outcome)
    cases_failed = any(case.verdict is not Verdict.PASS for case in outcome.cases)
    if pytests == 1 and ours != 1 and not cases_failed:
        return 1
    return ours


def pytest_terminal_summary(terminalreporter: Any) -> None:
    mine = terminalreporter.config.stash.get(KEY, None)
    if mine is not None and mine.waits:
        terminalreporter.section("exitproof")
        terminalreporter.write_line(mine.waits)
    if mine is None or mine.outcome is None:
        return
    terminalreporter.section("exitproof")
    for skipped in mine.loaded.deselected:
        terminalreporter.write_line(f"not run on this fleet: {skipped.id} ({skipped.reason})")
    for leftover in (*mine.outcome.cleanup.leftovers, *(x for c in mine.outcome.cases for x in c.cleanup.leftovers)):
        terminalreporter.write_line(f"left behind: {leftover}")
    if mine.sealed:
        terminalreporter.write_line(mine.sealed)
    terminalreporter.write_line(summary(mine.outcome))
    html = next((path for path in mine.written if path.name == "report.html"), None)
    if html is not None:
        terminalreporter.write_line(f"report: {html}")


# --- pytest-xdist -------------------------------------------------------------------------------


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Every worker is told who the run is, and which share of the cases is its own."""
    mine = node.config.stash.get(KEY, None)
    if mine is None:
        return
    name = node.gateway.id
    node.workerinput["exitproof"] = {
        "id": mine.naming.id,
        "n": mine.naming.n,
        "worker": name,
        "index": int(name.removeprefix("gw")),
        "count": node.workerinput["workercount"],
        "about": pickle.dumps(mine.about),
    }


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    mine = node.config.stash.get(KEY, None)
    if mine is not None and mine.seal is not None and ids:
        mine.seal.begin()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object | None) -> None:
    mine = node.config.stash.get(KEY, None)
    part = (getattr(node, "workeroutput", None) or {}).get("exitproof")
    if mine is not None and part is not None:
        outcome, known = pickle.loads(part)  # noqa: S301  from a worker of our own, over our own pipe
        mine.parts[node.gateway.id] = outcome
        mine.secrets += known
    elif mine is not None and error:
        mine.parts[node.gateway.id] = lost(mine.naming, node.gateway.id)
        mine.died.append(node.gateway.id)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Each worker gets its whole share at once: its cases wait together, not one after another."""
    if config.stash.get(KEY, None) is None or config.getoption("dist") != "load":
        return None
    from harness.session.shares import ShareScheduling  # xdist is only there when it asked for a scheduler

    return ShareScheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_report_header(config: pytest.Config) -> Iterator[None]:
    lines = yield
    mine = config.stash.get(KEY, None)
    if mine is not None:
        words = f"exitproof: run {mine.naming.id}, fleet {mine.fleet_file}, {len(mine.loaded.cases)} cases"
        lines = [words, *([lines] if isinstance(lines, str) else list(lines or []))]
    return lines  # type: ignore[return-value]  # a wrapper hook answers what the hook answers
