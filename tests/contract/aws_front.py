"""A front before moto that answers in AWS's own form where moto does not: pages, end marks, one more credential.

moto gives most lists of IAM whole and leaves `IsTruncated` out of some. The front cuts them into the pages that were
asked for, and says of each whether it is the last, so that adapters are tested against the strict form. Faults are
planted in the answers to one operation.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

from tests.contract.service_specific import Credentials

NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
PAGED_BY_MOTO = {"ListVirtualMFADevices"}

# Every list that an adapter reads, and the id of its items.
LISTS: Mapping[str, tuple[str, str]] = {
    "GetAccountAuthorizationDetails": ("UserDetailList", "UserId"),
    "ListGroups": ("Groups", "GroupId"),
    "GetGroup": ("Users", "UserId"),
    "ListMFADevices": ("MFADevices", "SerialNumber"),
    "ListVirtualMFADevices": ("VirtualMFADevices", "SerialNumber"),
    "ListAccessKeys": ("AccessKeyMetadata", "AccessKeyId"),
    "ListSSHPublicKeys": ("SSHPublicKeys", "SSHPublicKeyId"),
    "ListSigningCertificates": ("Certificates", "CertificateId"),
    "ListServiceSpecificCredentials": ("ServiceSpecificCredentials", "ServiceSpecificCredentialId"),
    "ListUsers": ("Users", "UserId"),  # from here on, lists that only the writer reads
    "ListGroupsForUser": ("Groups", "GroupId"),
    "ListAttachedUserPolicies": ("AttachedPolicies", "PolicyArn"),
    "ListUserPolicies": ("PolicyNames", ""),
    "ListPolicies": ("Policies", "Arn"),
    "ListGroupMembershipsForMember": ("GroupMemberships", "MembershipId"),  # and those of Identity Center
    "ListGroupMemberships": ("GroupMemberships", "MembershipId"),
    "ListAccountAssignmentsForPrincipal": ("AccountAssignments", "PrincipalId"),
    "ListAccountAssignments": ("AccountAssignments", "PrincipalId"),
    "ListPermissionSets": ("PermissionSets", ""),
    "ListAccountsForProvisionedPermissionSet": ("AccountIds", ""),
}


@dataclass(frozen=True)
class Reply:
    """An answer: moto's, or what a fault made of it."""

    status: int
    kind: str
    body: bytes


Fault = Callable[[str, Reply], Reply]  # (operation, moto's answer) -> what is told


@dataclass
class AwsFront:
    """`address` is where it listens. `plant(fault, operation)` holds until `clear`. While `remembers`, moto is asked
    the same thing once: so that hundreds of looks at one state take no longer than they must."""

    url: str
    faults: dict[str, Fault] = field(default_factory=dict)
    hits: int = 0
    special: Credentials = field(default_factory=Credentials)
    remembers: bool = False
    memory: dict[bytes, Reply] = field(default_factory=dict)

    def __enter__(self) -> AwsFront:
        front = self

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """Whoever asked has hung up: that is what the relay before it is for."""

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = front.answer(body, dict(self.headers.items()))
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.kind)
                if 300 <= answer.status < 400:
                    self.send_header("Location", "https://login.example.test/")
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self._server.server_address[1])

    def plant(self, fault: Fault, operation: str) -> None:
        self.hits = 0
        self.faults = {operation: fault}

    def clear(self) -> None:
        self.faults = {}
        self.memory = {}
        self.remembers = False

    def answer(self, body: bytes, headers: dict[str, str]) -> Reply:
        target = headers.get("X-Amz-Target", "")
        asked = dict(parse_qsl(body.decode())) if not target else json.loads(body)
        operation = target.rpartition(".")[2] or str(asked["Action"])
        told = self.special.answer(operation, asked)
        if told is not None:
            reply = Reply(200, "text/xml", told)
        elif self.remembers and body in self.memory:
            reply = self.memory[body]
        else:
            reply = self._forward(body, headers)
            if not target and reply.status == 200:
                reply = Reply(200, reply.kind, finished(operation, asked, reply.body))
            if self.remembers:
                self.memory[body] = reply
        fault = self.faults.get(operation)
        if fault is None:
            return reply
        self.hits += 1
        return fault(operation, reply)

    def _forward(self, body: bytes, headers: dict[str, str]) -> Reply:
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)
        try:
            connection.request("POST", "/", body, headers)  # the signature covers Host: it is handed on as it came
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers.get("Content-Type", ""), answer.read())
        finally:
            connection.close()


def finished(operation: str, asked: dict[str, str], body: bytes) -> bytes:
    """The page that was asked for, with its end mark, of a list that moto gave whole."""
    root = ElementTree.fromstring(body)
    result = root.find(f"{{{NAMESPACE}}}{operation}Result")
    if result is None or operation not in LISTS:
        return body
    found = {_local(child.tag): child for child in result}
    if operation not in PAGED_BY_MOTO:
        many = found.get(LISTS[operation][0])
        limit, start = int(asked.get("MaxItems", 100)), int(asked.get("Marker", 0))
        members = list(many) if many is not None else []
        for member in members[:start] + members[start + limit :]:
            assert many is not None
            many.remove(member)
        more = len(members) > start + limit
        for name in ("IsTruncated", "Marker"):
            if name in found:
                result.remove(found[name])
        _add(result, "IsTruncated", str(more).lower())
        if more:
            _add(result, "Marker", str(start + limit))
    return ElementTree.tostring(root)


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = text


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
