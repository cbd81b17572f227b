"""fleet.yaml -> its declared shape, or the fleet itself with every adapter built."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path

from harness.fleet.examine import Checked, Registry, examine
from harness.fleet.info import ConnectorInfo, FleetInfo, SystemInfo, Timing
from harness.fleet.model import FleetModel
from harness.model import NOTHING, BadInput, Problem
from harness.ports import Connector, Fleet, Guard, Limits, SystemEntry, Tools
from harness.source import read

SANDBOX = "sandbox"
_SANDBOX_USER = "zz-leaver-{{ run.n }}-{{ n }}"
_SANDBOX_DOMAIN = "drill.example.test"
_SANDBOX_IDENTITIES = 100_000

ToolsFor = Callable[[str, Limits], Tools]


def locate(fleet: Path | str) -> Path:
    """The file that `--fleet` names; `sandbox` is the embedded one."""
    if str(fleet) != SANDBOX:
        return Path(fleet)
    spec = importlib.util.find_spec("fixtures")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        raise BadInput([Problem(SANDBOX, 1, 1, "the embedded fleet is not installed")])
    return Path(folders[0]) / "sandbox" / "fleet.yaml"


def shape(fleet: Path | str, env: Mapping[str, str] | None = None, *, registry: Registry | None = None) -> FleetInfo:
    """What the fleet declares. No secret is read and no variable needs to be set; raises `BadInput` for all else
    that is wrong with the file."""
    checked = _checked(fleet, os.environ if env is None else env, registry, strict=False)
    return describe(checked)


def load(
    fleet: Path | str,
    env: Mapping[str, str],
    tools_for: ToolsFor,
    *,
    registry: Registry | None = None,
) -> Fleet:
    """The fleet, every adapter built with the tools of its own name and limits. Every secret is told to the vault
    before anything is built. Raises `BadInput` with every problem of the file, missing variables included."""
    checked = _checked(fleet, env, registry, strict=True)
    problems: list[Problem] = []
    connectors: dict[str, Connector] = {}
    systems: dict[str, SystemEntry] = {}
    for name, (connector, config) in checked.connectors.items():
        tools = _tools(checked, tools_for, name, Limits())
        try:
            connectors[name] = connector.build(name, config, tools)
        except (ImportError, ValueError) as error:
            problems.append(_unbuilt(checked, ("connectors", name), error))
    for name, (system, declared) in checked.systems.items():
        limits = declared.limits.limits()
        tools = _tools(checked, tools_for, name, limits)
        try:
            made = system.build(name, declared, tools)
        except (ImportError, ValueError) as error:
            problems.append(_unbuilt(checked, ("systems", name), error))
        else:
            systems[name] = SystemEntry(name, made, limits, declared.poll, declared.control)
    if problems:
        raise BadInput(problems)
    model = checked.model
    timing = {
        key: value for key in type(model.timing).model_fields if (value := getattr(model.timing, key)) is not None
    }
    return Fleet(
        name=model.fleet,
        environment=model.environment,
        source=checked.source.file,
        sha256=checked.source.sha256,
        guard=_guard(model),
        systems=systems,
        connectors=connectors,
        timing=timing,
        names=model.names,
        actors={name: config.actor for name, (_, config) in checked.connectors.items() if config.actor},
    )


def describe(checked: Checked) -> FleetInfo:
    """The declared shape of a checked file."""
    model = checked.model
    systems = {
        name: SystemInfo(
            name,
            config.type,
            config.owner,
            config.declared(),
            config.able(),
            config.without,
            config.not_listable,
        )
        for name, (_, config) in checked.systems.items()
    }
    connectors = {
        name: ConnectorInfo(name, config.type, config.owner, config.event_names())
        for name, (_, config) in checked.connectors.items()
    }
    return FleetInfo(
        name=model.fleet,
        environment=model.environment,
        source=checked.source.file,
        sha256=checked.source.sha256,
        guard=_guard(model),
        systems=systems,
        connectors=connectors,
        timing=_timing(model),
        names=model.names,
    )


def _checked(fleet: Path | str, env: Mapping[str, str], registry: Registry | None, *, strict: bool) -> Checked:
    source = read(locate(fleet))
    return examine(source, env, registry or Registry.installed(), strict=strict)


def _tools(checked: Checked, tools_for: ToolsFor, name: str, limits: Limits) -> Tools:
    tools = tools_for(name, limits)
    for secret in dict.fromkeys(checked.refs.secrets):
        tools.vault.learn(secret)
    return tools


def _unbuilt(checked: Checked, path: tuple[str, ...], error: Exception) -> Problem:
    return checked.source.problem(path, checked.refs.clean(str(error)) or type(error).__name__, key=True)


def _guard(model: FleetModel) -> Guard:
    written = model.guard
    sandbox = model.environment == SANDBOX
    if written is None:
        return Guard(_SANDBOX_USER, _SANDBOX_DOMAIN, _SANDBOX_IDENTITIES, None)
    given: dict[str, dict[str, tuple[str, ...]]] | None = None
    if written.may_grant is not None or not sandbox:
        given = {
            system: {str(kind): tuple(globs) for kind, globs in kinds.items()}
            for system, kinds in (written.may_grant or {}).items()
        }
        _add_fleet_names(given, model)
    deny = list(written.deny)
    for name, renamed in model.names.items():
        if any(fnmatchcase(name, glob) for glob in written.deny) and name.count("/") >= 2:
            system, kind, _ = name.split("/", 2)
            deny.append(f"{escape(model.names.get(system, system))}/{kind}/{escape(renamed)}")
    return Guard(written.username, written.domain, written.max_identities, given, tuple(deny))


def _add_fleet_names(given: dict[str, dict[str, tuple[str, ...]]], model: FleetModel) -> None:
    """`may_grant` speaks of names as scenarios write them; the guard sees the fleet's: what `names` turns an allowed
    name into is allowed, and nothing else."""
    for written, name in model.names.items():
        parts = written.split("/", 2)
        if len(parts) != 3:
            continue
        system = model.names.get(parts[0], parts[0])
        globs = given.get(system, {}).get(parts[1], ())
        if any(fnmatchcase(parts[2], glob) for glob in globs):
            given[system][parts[1]] = (*globs, escape(name))


def _timing(model: FleetModel) -> Timing:
    written = model.timing
    within = written.within
    hold = written.hold
    if isinstance(hold, int):
        hold = [hold]
    return Timing(
        settle=written.settle,
        within=within if isinstance(within, int) else None,
        within_by=within if isinstance(within, dict) else NOTHING,
        hold=None if hold is None else tuple(span for span in hold if span),
        wait=written.wait,
        poll=written.poll,
    )
