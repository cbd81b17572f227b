"""The words of `type: http`: what loads, and what is refused before anything runs."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model import Kind
from harness.systems.http_config import HttpConfig
from tests.systems.http_case import BASE, SEATS, config


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"lists": {"account": SEATS}}, "not as a kind"),
        ({"lists": {"license": SEATS}, "without": {"license": "x"}}, "declared, and also"),
        ({"without": {"license": "x"}, "not_listable": {"license": "y"}}, "both in"),
        ({"kinds": {"license": {"grant": {"put": "/x"}}}}, "needs `list`"),
        ({"lists": {"license": {**SEATS, "name": None}}}, "name"),
        ({"lists": {"license": {k: v for k, v in SEATS.items() if k != "name"}}}, "needs `name`"),
        ({"lists": {"license": {**SEATS, "post": "/x"}}}, "exactly one of"),
        ({"lists": {"license": {"post": "/x", "items": "a", "id": "b", "name": "c"}}}, "touches: nothing"),
        ({"lists": {"license": {**SEATS, "as": "leaver"}}}, "as: leaver"),
        ({"lists": {"license": {**SEATS, "present": [1]}}}, "need `value`"),
        ({"lists": {"license": {**SEATS, "value": "v", "present": [1], "absent": [1]}}}, "both present and absent"),
        ({"lists": {"license": {**SEATS, "value": "v"}}}, "needs `present`"),
        ({"lists": {"license": {**SEATS, "where": {"a[?b]": 1}}}}, "plain path"),
        ({"lists": {"license": {**SEATS, "where": {}}}}, "mapping"),
        ({"lists": {"license": {**SEATS, "page": {"next": "a || b"}}}}, "plain path"),
        ({"lists": {"license": {**SEATS, "from": "account"}}}, "no request of its own"),
        ({"lists": {"license": {**SEATS, "each": {"get": "/x", "items": "@"}}}}, "needs `take`"),
        ({"account": {"create": {"post": "/x"}}}, "takes `id`"),
        ({"account": {"login": {"post": "/x", "works": [200]}}}, "`works` and `refused`"),
        ({"account": {"login": {"post": "/x", "works": [200], "refused": [200]}}}, "both in `works`"),
        ({"account": {"reed": {}}}, "Extra inputs"),
        ({"url": "ftp://x"}, "pattern"),
    ],
)
def test_a_wrong_description_is_refused_when_loaded(words: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(**words)


def test_use_is_a_request_a_list_or_channels() -> None:
    use = {"get": "/me", "works": [200], "refused": [401]}
    listed = {"list": SEATS}
    for given, channels in (
        (use, {""}),
        ([{**use}, {"delete": "/s"}], {""}),
        ({"api": use, "imap": [use, {"delete": "/s"}]}, {"api", "imap"}),
    ):
        made = config(kinds={"credential": {**listed, "use": given}})
        assert made.declared()[Kind.CREDENTIAL].uses.keys() == channels


def test_every_address_that_is_asked_is_told() -> None:
    kinds = {"license": {**SEATS, "each": {"get": "https://other.test/x", "items": "@", "take": {"a": "b"}}}}
    made = config(lists=kinds, account={"login": {"post": "http://{{ a }}/l", "works": [200], "refused": [401]}})
    assert made.addresses() == (BASE, "http://{{ a }}/l", "https://other.test/x")


def test_its_json_schema_can_be_printed() -> None:
    schema = HttpConfig.model_json_schema()
    assert set(schema["$defs"]["KindConfig"]["properties"]) == {"grant", "list", "use", "revoke", "object", "scope"}
