"""Changes on an OpenBao or Vault server: logins with their entity, members of groups, policies, tokens, secret-ids."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from threading import Lock

from harness.model import Secret
from harness.ports import Person
from harness.wire.call import Answer, Call, Unknown
from harness.wire.vault_api import TOKEN, Data, Send, VaultApi, encode, one, unknown
from harness.wire.vault_groups import listed
from harness.wire.vault_look import Belongings

_OK = frozenset((200, 204))


class VaultWriter:
    """Every method raises `Unknown` when the change did not happen as asked."""

    def __init__(self, send: Send, api: VaultApi, userpass: str, approle: str, learn: Callable[[str], None]) -> None:
        self._send = send
        self.api = api
        self._userpass = userpass
        self._approle = approle
        self._learn = learn
        self._lock = Lock()  # members and policies are written as whole lists: two at once would lose one

    # --- accounts ---------------------------------------------------------------------------------

    def create(self, person: Person, policies: list[str]) -> str:
        """A login, an entity of the same name, and the alias that ties them; answers the entity's id."""
        who = person.identity
        login = {"password": who.password.reveal(), "token_policies": policies}
        self.api.change("POST", self._login(who.username), login)
        entity = self.api.made("/identity/entity", {"name": who.username, "metadata": {"external_id": who.external_id}})
        made = entity.get("id")
        if not isinstance(made, str) or not made:
            raise Unknown("the answer to the creation has no `id`", in_doubt=True)
        alias = {"name": who.username, "canonical_id": made, "mount_accessor": self.accessor()}
        self.api.made("/identity/entity-alias", alias)
        return made

    def remove(self, username: str, found: Belongings) -> None:
        """The login of this name, the entity and another one that a sign-in may have made in its place, and what the
        server would keep listing for as long as it was made for: tokens and secret-ids."""
        self.api.change("DELETE", self._login(username), gone=True)
        if found.entity is not None:
            with self._lock:  # nobody writes a list of members back that still names it
                self.api.change("DELETE", f"/identity/entity/id/{one(found.entity)}", gone=True)
        asked = {"alias_name": username, "alias_mount_accessor": self.accessor()}
        answer = self.api.change("POST", "/identity/lookup/entity", asked)
        if answer.status != 204:
            data = answer.json().get("data")
            if isinstance(data, Mapping) and isinstance(data.get("id"), str):
                self.api.change("DELETE", f"/identity/entity/id/{one(data['id'])}", gone=True)
        for accessor in found.tokens:
            self.end_token(accessor)
        for role, accessor in found.secret_ids:
            self.destroy_secret_id(role, accessor)

    def accessor(self) -> str:
        """What aliases name the mount of logins by."""
        data = self.api.data("/sys/auth").value or {}
        about = data.get(f"{self._userpass}/")
        found = about.get("accessor") if isinstance(about, Mapping) else None
        if not isinstance(found, str) or not found:
            raise Unknown(f"there is no auth method {self._userpass!r}")
        return found

    def _login(self, username: str) -> str:
        return f"/auth/{self._userpass}/users/{one(username)}"

    # --- groups and policies ----------------------------------------------------------------------

    def group(self, name: str) -> str | None:
        """The id of the group of this name; None: certainly none."""
        data = self.api.data(f"/identity/group/name/{one(name)}").value
        if data is None:
            return None
        found = data.get("name")
        if not isinstance(found, str) or found.casefold() != name.casefold() or not isinstance(data.get("id"), str):
            raise Unknown("asked for one group by name, was answered another")
        return str(data["id"])

    def make_group(self, name: str, policies: list[str], mark: str) -> str:
        made = self.api.made("/identity/group", {"name": name, "policies": policies, "metadata": {"made_by": mark}})
        if not isinstance(made.get("id"), str):
            raise Unknown("the answer to the creation has no `id`", in_doubt=True)
        return str(made["id"])

    def remove_group(self, id: str) -> None:
        self.api.change("DELETE", f"/identity/group/id/{one(id)}", gone=True)

    def member(self, group: str, entity: str, *, there: bool) -> None:
        """In or out; out of a group that is gone is done."""
        self._edit(f"/identity/group/id/{one(group)}", "member_entity_ids", entity, there=there)

    def policy(self, entity: str, policy: str, *, there: bool) -> None:
        self._edit(f"/identity/entity/id/{one(entity)}", "policies", policy, there=there)

    def _edit(self, path: str, key: str, value: str, *, there: bool) -> None:
        with self._lock:
            data = self.api.data(path).value
            if data is None:
                if there:
                    raise Unknown("there is no such record to change", status=404)
                return
            held = [one for one in listed(data, key) if one != value]
            self.api.change("POST", path, {key: [*held, value] if there else held}, gone=not there)

    # --- tokens -----------------------------------------------------------------------------------

    def sign_in(self, person: Person) -> Data:
        """The leaver's own login: `{id, secret}` of its token."""
        body = {"password": person.identity.password.reveal()}
        path = f"/auth/{self._userpass}/login/{one(person.identity.username)}"
        return self._auth(self._as_leaver("POST", path, body))

    def token(self, parent: Data, name: str, *, orphan: bool) -> Data:
        """One more token, made by the one that is given."""
        body = {"display_name": name, "no_parent": orphan}
        return self._auth(self._as_leaver("POST", "/auth/token/create", body, parent["secret"].reveal()))

    def sign_out(self, token: Data) -> None:
        self._as_leaver("POST", "/auth/token/revoke-self", None, token["secret"].reveal())

    def end_token(self, accessor: str) -> None:
        """Also one that has ended: this server warns and answers 200, others answer 400 and say so."""
        accept = frozenset((*_OK, 400))
        call = Call(
            "POST", "/auth/token/revoke-accessor", accept,
            headers={**self.api.headers, "Content-Type": "application/json"},
            body=encode({"accessor": accessor}), look=False,
        )  # fmt: skip
        answer = self._send(call)
        if answer.status == 400 and b"invalid accessor" not in answer.body:
            raise unknown(answer, "the token could not be ended (400)")

    # --- secret-ids -------------------------------------------------------------------------------

    def secret_id(self, person: Person, role: str) -> Data:
        """One that the leaver makes, marked with the owner's name as a careful maker would; `{id, secret, role_id}`."""
        base = f"/auth/{self._approle}/role/{one(role)}"
        told = self.api.data(f"{base}/role-id").value or {}
        if not isinstance(told.get("role_id"), str):
            raise Unknown(f"there is no AppRole {role!r}")
        held = self.sign_in(person)
        marks = {"metadata": json.dumps({"owner": person.identity.username})}
        answer = self._as_leaver("POST", f"{base}/secret-id", marks, held["secret"].reveal())
        body = answer.json()
        data = body.get("data") if isinstance(body, Mapping) else None
        self.sign_out(held)
        if not isinstance(data, Mapping) or not all(
            isinstance(data.get(key), str) for key in ("secret_id", "secret_id_accessor")
        ):
            raise unknown(answer, "the answer holds no secret-id", in_doubt=True)
        self._learn(data["secret_id"])
        secret = Secret(data["secret_id"])
        return {"id": data["secret_id_accessor"], "secret": secret, "role_id": told["role_id"]}

    def destroy_secret_id(self, role: str, accessor: str) -> None:
        """`role` is `mount/role`. Destroying one that is gone is answered with 500, so it is looked up first."""
        mount, _, name = role.rpartition("/")
        base = f"/auth/{mount}/role/{one(name)}"
        if self.api.secret_id(base, accessor).value is not None:
            path = f"{base}/secret-id-accessor/destroy"
            self.api.change("POST", path, {"secret_id_accessor": accessor}, gone=True)

    # --- leases -----------------------------------------------------------------------------------

    def lease(self, person: Person, path: str, body: Data | None) -> Data:
        """A secret that the leaver is given on demand, and the login that it was asked with: it ends with that."""
        held = self.sign_in(person)
        method = "GET" if body is None else "POST"
        answer = self._as_leaver(method, f"/{path}", body, held["secret"].reveal())
        found = answer.json()
        lease = found.get("lease_id") if isinstance(found, Mapping) else None
        if not isinstance(lease, str) or not lease.startswith(f"{path}/"):
            raise unknown(answer, f"what {path} answers has no lease below it", in_doubt=True)
        return {"id": lease, "parent": held["id"]}

    def end_lease(self, lease: str) -> None:
        self.api.change("PUT", "/sys/leases/revoke", {"lease_id": lease, "sync": True})

    # --- how --------------------------------------------------------------------------------------

    def _as_leaver(self, method: str, path: str, body: Data | None, token: str = "") -> Answer:
        headers = {**self.api.headers, "Content-Type": "application/json"} | ({TOKEN: token} if token else {})
        data = None if body is None else encode(body)
        return self._send(Call(method, path, _OK, (), headers, data, own_auth=True, private=True, look=False))

    def _auth(self, answer: Answer) -> Data:
        body = answer.json()
        auth = body.get("auth") if isinstance(body, Mapping) else None
        words = [auth.get(key) if isinstance(auth, Mapping) else None for key in ("accessor", "client_token")]
        if not all(isinstance(word, str) and word for word in words):
            raise unknown(answer, "the answer holds no token", in_doubt=True)
        self._learn(str(words[1]))
        return {"id": words[0], "secret": Secret(str(words[1]))}
