"""Changes to SCIM resources: by PATCH, or by reading and replacing the whole record where a service knows no PATCH."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from harness.wire import scim
from harness.wire.call import Unknown
from harness.wire.scim_client import Client

_ATTEMPTS = 3


class Writer:
    """Every method raises `Unknown` when the change did not happen as asked."""

    def __init__(self, client: Client, *, put: bool = False) -> None:
        self.client = client
        self._put = put
        self._lock = Lock()  # a group is looked for and made by one thread at a time; so is a record replaced

    def create(self, resource: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = self.client.change("POST", f"/{resource}", body)
        data = answer.json()
        if not isinstance(data, Mapping) or not isinstance(data.get("id"), str) or not data["id"]:
            raise Unknown(
                "the answer to the creation has no `id`",
                evidence=answer.evidence, sent=answer.sent, answered=answer.answered, in_doubt=True,
            )  # fmt: skip
        return data

    def delete(self, resource: str, id: str) -> None:
        self.client.change("DELETE", scim.at(resource, id), gone=True)

    def set(self, resource: str, id: str, attribute: str, value: Any) -> None:
        """Replaces one attribute; nothing happens where the resource is gone."""
        if self._put:
            self._replace(resource, id, lambda data: {**data, attribute: value}, gone=True)
        else:
            self._patch(resource, id, {"op": "replace", "path": attribute, "value": value}, gone=True)

    def add(self, resource: str, id: str, attribute: str, value: str) -> None:
        """One more value of a multi-valued attribute."""
        if self._put:
            self._replace(
                resource, id, lambda data: {**data, attribute: [*_others(data, attribute, value), value_of(value)]}
            )
        else:
            operation = {"op": "add", "path": attribute, "value": [value_of(value)]}
            self._patch(resource, id, operation, private=True)  # what a grant is answered with is never stored

    def discard(self, resource: str, id: str, attribute: str, value: str) -> None:
        """One value less; nothing happens where the resource is gone."""
        if self._put:
            self._replace(resource, id, lambda data: {**data, attribute: _others(data, attribute, value)}, gone=True)
        else:
            self._patch(resource, id, {"op": "remove", "path": scim.valued(attribute, value)}, gone=True)

    def leave_all(self, user_id: str, member_filter: str) -> None:
        """Takes a user out of every group that lists it by name of its id."""
        for item in self.client.all("/Groups", ("filter", scim.eq(member_filter, user_id))).items:
            members = item.get("members") or ()
            if any(isinstance(each, Mapping) and each.get("value") == user_id for each in members):
                self.discard("Groups", str(item["id"]), "members", user_id)

    def group(self, name: str) -> str | None:
        """The id of the one group that is called so, or that has this id; None: certainly none."""
        got = self.client.all("/Groups", ("filter", scim.eq("displayName", name)))
        for item in got.items:
            shown = item.get("displayName")
            if not isinstance(shown, str) or shown.casefold() != name.casefold():
                raise Unknown("the filter was ignored: asked for one displayName, was answered a group with another")
        exact = [item for item in got.items if item["displayName"] == name] or list(got.items)
        if len(exact) > 1:
            raise Unknown(f"{len(exact)} groups are called {name!r}")
        if exact:
            return str(exact[0]["id"])
        return name if self.client.get("Groups", name).data is not None else None

    def group_or_new(self, name: str, mark: str | None) -> tuple[str, bool]:
        """The id of the group of this name, made if it is missing; `mark` is stamped on it as `externalId`."""
        with self._lock:
            found = self.group(name)
            if found is not None:
                return found, False
            body = {"schemas": [scim.GROUP], "displayName": name}
            made = self.create("Groups", body | ({"externalId": mark} if mark else {}))
            return str(made["id"]), True

    def delete_if_empty(self, id: str, mark: str) -> None:
        """Removes a group that carries this run's mark, once its last member is out."""
        with self._lock:
            data = self.client.get("Groups", id).data
            if data is not None and data.get("externalId") == mark and not data.get("members"):
                self.delete("Groups", id)

    def _patch(
        self, resource: str, id: str, operation: Mapping[str, Any], *, gone: bool = False, private: bool = False
    ) -> None:
        self.client.change("PATCH", scim.at(resource, id), scim.patch(operation), gone=gone, private=private)

    def _replace(
        self, resource: str, id: str, edit: Callable[[dict[str, Any]], dict[str, Any]], *, gone: bool = False
    ) -> None:
        """Reads, edits and puts the whole record; with `If-Match` where the service gives a version, so that another's
        change in between is never overwritten (RFC 7644 §3.14)."""
        for attempt in range(_ATTEMPTS):
            with self._lock:
                got = self.client.get(resource, id)
                if got.data is None:
                    if gone:
                        return
                    raise Unknown("there is no such record to change", status=404)
                body = edit(scim.writable(got.data))
                try:
                    self.client.change("PUT", scim.at(resource, id), body, gone=gone, etag=got.etag, private=not gone)
                    return
                except Unknown as error:
                    if error.status != 412 or attempt == _ATTEMPTS - 1:
                        raise


def value_of(value: str) -> dict[str, str]:
    return {"value": value}


def _others(data: Mapping[str, Any], attribute: str, value: str) -> list[Any]:
    found = data.get(attribute) or []
    return [each for each in found if not (isinstance(each, Mapping) and each.get("value") == value)]
