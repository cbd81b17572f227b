"""The same file with the adapters that are installed: the language of the tests above is theirs."""

from __future__ import annotations

import jsonschema

from harness import fleet
from harness.source import read
from tests.fleet.worlds import ENV, STAGING, Bench


def test_the_staging_fleet_is_built_with_the_real_adapters() -> None:
    bench = Bench()
    made = fleet.load(STAGING, ENV, bench.tools_for)
    assert [entry.system.declaration().type for entry in made.systems.values()] == ["scim", "http", "http"]
    assert set(made.connectors["hr-feed"].events()) == {"join", "terminate", "delete", "sync"}
    assert set(ENV.values()) <= bench.vault.learned


def test_the_embedded_fleet_has_a_shape_without_being_started() -> None:
    shape = fleet.shape("sandbox", {})
    assert shape.environment == "sandbox"
    assert {"directory", "crm", "mail"} <= set(shape.systems)


def test_the_schema_knows_every_installed_adapter() -> None:
    schema = fleet.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    good = read(STAGING).data
    assert [error.message for error in validator.iter_errors(good)] == []
    bad = {**good, "systems": {**good["systems"], "crm": {**good["systems"]["crm"], "kindz": {}}}}
    assert list(validator.iter_errors(bad)) != []
    strange = {**good, "connectors": {"x": {"type": "fax", "owner": "o"}}}
    assert list(validator.iter_errors(strange)) != []
