"""Drives the sandbox from outside, as an administrator would: over HTTP, with the credentials that it prints."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import requests

PREFIX = "EXITPROOF_SANDBOX"
PASSWORD = "correct horse battery staple"
MEDIA = "application/scim+json"
_numbers = itertools.count(1)


@dataclass(slots=True)
class Held:
    """A person with an account everywhere, and the secrets of what it was given."""

    username: str
    employee: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


class Driver:
    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.http = requests.Session()
        self.http.trust_env = False

    def close(self) -> None:
        self.http.close()

    def url(self, system: str) -> str:
        return self.env[f"{PREFIX}_{system.upper()}_URL"]

    def call(
        self,
        system: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "WRITE",
        bearer: str = "",
        **extra: Any,
    ) -> requests.Response:
        token = bearer or self.env.get(f"{PREFIX}_{system.upper()}_{key}", "")
        headers = {"Authorization": f"Bearer {token}", **extra.pop("headers", {})}
        if body is not None:
            extra["data"] = json.dumps(body)
            headers["Content-Type"] = MEDIA if system == "directory" else "application/json"
        return self.http.request(method, self.url(system) + path, headers=headers, timeout=10, **extra)

    def ask(self, system: str, method: str, path: str, body: Any = None, **extra: Any) -> Any:
        answer = self.call(system, method, path, body, **extra)
        assert answer.status_code < 300, f"{method} {system} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def pages(self, system: str, path: str, items: str = "", gone: bool = False, **params: str) -> list[Any]:
        """Every item, read with the reader's credential in the service's own way of paging. `gone`: 404 is none."""
        found: list[Any] = []
        url: str | None = self.url(system) + path
        query: dict[str, str] | None = params
        while url is not None:
            token = self.env[f"{PREFIX}_{system.upper()}_READ"]
            answer = self.http.get(url, params=query, headers={"Authorization": f"Bearer {token}"}, timeout=10)
            if answer.status_code == 404 and gone:
                return []
            assert answer.status_code == 200, answer.text
            body = answer.json()
            rows = body if isinstance(body, list) else body.get(items, [])
            found += rows
            here, url, query = url, None, None
            if isinstance(body, list):
                url = answer.links.get("next", {}).get("url")
            elif body.get("cursor"):
                url, query = self.url(system) + path, {**params, "cursor": body["cursor"]}
            elif "totalResults" in body:
                if len(found) < body["totalResults"]:
                    url, query = self.url(system) + path, {**params, "startIndex": str(len(found) + 1)}
            elif body.get("next"):
                url = urljoin(here, body["next"])
        return found

    # --- hr -------------------------------------------------------------------------------------------

    def event(self, type: str, who: Held, *, wait: bool = True, id: str = "", **fields: Any) -> dict[str, Any]:
        """Sends a signed event and waits until hr says that the connector is done with it."""
        event_id = id or f"event-{next(_numbers)}"
        body = {"type": type, "id": event_id, "employee": who.employee, "username": who.username, **fields}
        answer = self.post("/hr/events", body)
        assert answer.status_code == 202, answer.text
        if wait:
            self.until(lambda: self.ask("hr", "GET", f"/hr/events/{event_id}", key="READ")["state"] == "applied")
        return {**answer.json(), "id": event_id}

    def post(self, path: str, body: Any, signature: str | None = None) -> requests.Response:
        raw = b"" if body is None else json.dumps(body).encode()
        made = hmac.new(self.env[f"{PREFIX}_HR_SECRET"].encode(), raw, hashlib.sha256).hexdigest()
        headers = {"X-Signature": made if signature is None else signature, "Content-Type": "application/json"}
        return self.http.post(self.url("hr") + path, data=raw, headers=headers, timeout=10)

    def sync(self) -> str:
        assert self.post("/sync", None).status_code == 202
        self.until(lambda: self.ask("hr", "GET", "/sync/last", key="READ")["state"] != "running")
        return str(self.ask("hr", "GET", "/sync/last", key="READ")["state"])

    @staticmethod
    def until(good: Callable[[], bool], within: float = 10.0) -> None:
        end = time.monotonic() + within
        while not good():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.01)

    # --- people ---------------------------------------------------------------------------------------

    def person(self) -> Held:
        """Accounts that somebody made by hand, unknown to hr."""
        who = Held(f"zz-{next(_numbers)}")
        body = {"login": who.username, "email": f"{who.username}@drill.example", "password": PASSWORD}
        for system in ("crm", "mail", "code"):
            made = self.ask(system, "POST", "/users", {**body, "external_id": who.username})
            who.ids[system] = made["id"]
        schema = "urn:ietf:params:scim:schemas:core:2.0:User"
        scim = {"schemas": [schema], "userName": who.username, "externalId": who.username, "active": True}
        who.ids["directory"] = self.ask("directory", "POST", "/Users", scim)["id"]
        return who

    def joined(self, **fields: str) -> Held:
        """Hired through hr; the connector makes the accounts."""
        who = Held(f"zz-{next(_numbers)}")
        names = {"given_name": "Zoe", "family_name": "Leaver", "email": f"{who.username}@drill.example"}
        said: dict[str, Any] = {**names, "initial_password": PASSWORD, **fields}
        answer = self.event("hired", who, **said)
        who.employee = answer["employee"]
        for system, items in (("crm", "users"), ("mail", "users"), ("code", "")):
            (user,) = self.pages(system, "/users", items, login=who.username)
            who.ids[system] = user["id"]
        (user,) = self.pages("directory", "/Users", "Resources", filter=f'userName eq "{who.username}"')
        who.ids["directory"] = user["id"]
        return who

    def give_everything(self, who: Held) -> None:
        """One of each, by hand."""
        crm, mail, code, directory = (who.ids[name] for name in ("crm", "mail", "code", "directory"))
        self.ask("crm", "PUT", f"/users/{crm}/seats/sales-pro")
        self.ask("crm", "PUT", f"/users/{crm}/roles/deal-desk")
        self.ask("crm", "PUT", f"/groups/account-owners/members/{crm}")
        who.secrets["crm"] = self.ask("crm", "POST", f"/users/{crm}/tokens", {"label": "ci-deploy"})["token"]
        self.ask("mail", "PUT", f"/mailboxes/finance-inbox/rights/{mail}/read")
        self.ask("mail", "PUT", f"/mailboxes/press-inbox/rights/{mail}/send-as")
        self.ask("mail", "PUT", f"/mailboxes/board-inbox/shares/{mail}/Contracts")
        out = {"user": mail, "name": "home", "direction": "out", "to": "me@elsewhere.example"}
        self.ask("mail", "POST", "/rules", out)
        self.ask("mail", "POST", "/rules", {"user": mail, "name": "tap", "direction": "in", "on": "sales-inbox"})
        device = self.ask("mail", "POST", f"/users/{mail}/devices", {"name": "tablet"})
        who.secrets["device"] = device["token"]
        self.ask("code", "PUT", f"/teams/payments/members/{code}")
        self.ask("code", "PUT", f"/teams/security/members/{code}")
        self.ask("code", "PUT", f"/users/{code}/roles/billing-manager")
        self.ask("code", "PUT", f"/repos/handbook/collaborators/{code}", {"permission": "write"})
        self.ask("code", "POST", "/repos", {"name": "scripts", "owner": code})
        key = self.ask("code", "POST", f"/users/{code}/credentials", {"label": "ssh-laptop", "type": "ssh-key"})
        who.secrets["key"] = key["secret"]
        who.secrets["consent"] = self.ask("code", "POST", f"/users/{code}/consents", {"app": "build-bot"})["token"]
        who.secrets["session"] = self.login("code", who).json()["session"]
        self.join_group(who, "finance-all")
        add = {"op": "add", "value": {"roles": [{"value": "expense-approver"}], "entitlements": [{"value": "ledger"}]}}
        self.patch(f"/Users/{directory}", add)

    def join_group(self, who: Held, name: str) -> None:
        (group,) = self.pages("directory", "/Groups", "Resources", filter=f'displayName eq "{name}"')
        member = [{"value": who.ids["directory"]}]
        self.patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": member})

    def patch(self, path: str, *operations: Any) -> None:
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}
        self.ask("directory", "PATCH", path, body)

    def login(self, system: str, who: Held) -> requests.Response:
        return self.call(system, "POST", "/login", {"login": who.username, "password": PASSWORD}, bearer="none")

    # --- what is there --------------------------------------------------------------------------------

    def active(self, who: Held) -> dict[str, bool | None]:
        """Per system whether the account is usable; None when the record is gone."""
        found: dict[str, bool | None] = {}
        reads = {"crm": ("active", True), "mail": ("status", "active"), "code": ("state", "active")}
        for system, (key, good) in reads.items():
            answer = self.call(system, "GET", f"/users/{who.ids[system]}", key="READ")
            found[system] = None if answer.status_code == 404 else answer.json()[key] == good
        answer = self.call("directory", "GET", f"/Users/{who.ids['directory']}", key="READ")
        found["directory"] = None if answer.status_code == 404 else answer.json()["active"]
        return found

    def held(self, who: Held) -> set[str]:
        """Everything that the readers see of a person, as `system/kind/name`."""
        crm, mail, code, directory = (who.ids[name] for name in ("crm", "mail", "code", "directory"))
        found: set[str] = set()

        def rows(system: str, path: str, items: str = "") -> list[Any]:
            return self.pages(system, path, items, gone=True)

        found |= {f"crm/license/{row['plan']}" for row in rows("crm", f"/users/{crm}/seats", "seats")}
        found |= {f"crm/role/{row['role']}" for row in rows("crm", f"/users/{crm}/roles", "roles")}
        found |= {f"crm/credential/{row['label']}" for row in rows("crm", f"/users/{crm}/tokens", "tokens")}
        for group in rows("crm", "/groups", "groups"):
            members = rows("crm", f"/groups/{group['id']}/members", "members")
            found |= {f"crm/group/{group['name']}" for row in members if row["id"] == crm}
        record = self.call("mail", "GET", f"/users/{mail}", key="READ").json()
        found |= {f"mail/mailbox/{box['address']}" for box in record.get("mailboxes", [])}
        for box in rows("mail", "/mailboxes", "mailboxes"):
            for table, kind, key in (("rights", "delegation", "right"), ("shares", "share", "folder")):
                for row in rows("mail", f"/mailboxes/{box['id']}/{table}", table):
                    found |= {f"mail/{kind}/{box['address']}#{row[key]}"} if row["user"] == mail else set()
        found |= {f"mail/forwarding/{row['name']}" for row in rows("mail", "/rules", "rules") if row["user"] == mail}
        found |= {f"mail/device/{row['name']}" for row in rows("mail", f"/users/{mail}/devices", "devices")}
        for team in rows("code", "/teams"):
            members = rows("code", f"/teams/{team['slug']}/members")
            found |= {f"code/group/{team['slug']}" for row in members if row["user"] == code}
        for repo in rows("code", "/repos"):
            found |= {f"code/ownership/{repo['name']}"} if repo["owner"]["id"] == code else set()
            for row in rows("code", f"/repos/{repo['id']}/collaborators"):
                found |= {f"code/share/{repo['name']}#{row['permission']}"} if row["user"] == code else set()
        for kind, table, key in (
            ("role", "roles", "role"),
            ("credential", "credentials", "label"),
            ("consent", "consents", "app"),
            ("session", "sessions", "client"),
        ):
            found |= {f"code/{kind}/{row[key]}" for row in rows("code", f"/users/{code}/{table}")}
        answer = self.call("directory", "GET", f"/Users/{directory}", key="READ")
        user = answer.json() if answer.status_code == 200 else {}
        for kind, key in (("role", "roles"), ("license", "entitlements")):
            found |= {f"directory/{kind}/{row['value']}" for row in user.get(key, [])}
        groups = self.pages("directory", "/Groups", "Resources", filter=f'members.value eq "{directory}"')
        return found | {f"directory/group/{group['displayName']}" for group in groups}

    def works(self, who: Held) -> set[str]:
        """Which of the person's own credentials are accepted."""
        uses = {
            "crm": ("crm", "/me", {"bearer": who.secrets.get("crm", "-")}),
            "device": ("mail", "/sync", {"bearer": who.secrets.get("device", "-")}),
            "key": ("code", "/git/handshake", {"bearer": who.secrets.get("key", "-")}),
            "consent": ("code", "/oauth/userinfo", {"bearer": who.secrets.get("consent", "-")}),
            "session": ("code", "/user", {"bearer": "-", "headers": {"X-Session": who.secrets.get("session", "-")}}),
        }
        found = set()
        for name, (system, path, extra) in uses.items():
            answer = self.call(system, "GET", path, **extra)  # type: ignore[arg-type]
            assert answer.status_code in (200, 401, 403), answer.text
            found |= {name} if answer.status_code == 200 else set()
        return found | {
            f"{system}-login" for system in ("crm", "mail", "code") if self.login(system, who).status_code == 200
        }
