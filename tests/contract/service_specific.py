"""The service-specific credentials of IAM, which moto does not know, in AWS's form and in memory."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

_FORM = """<{name}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><{name}Result>{inner}</{name}Result>\
<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{name}Response>"""


class Credentials:
    """Answers four operations, and None to all others. It asks nobody for a signature."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, str]] = {}  # id -> user, service
        self._numbers = itertools.count(1)

    def answer(self, operation: str, asked: Mapping[str, str]) -> bytes | None:
        if not operation.endswith(("ServiceSpecificCredential", "ServiceSpecificCredentials")):
            return None
        user = asked["UserName"]
        if operation.startswith("Create"):
            made = f"ACCA{next(self._numbers):017}"
            self._kept[made] = (user, asked["ServiceName"])
            secret = f"<ServicePassword>hush-{made}</ServicePassword><ServiceUserName>{user}-at-1</ServiceUserName>"
            inner = f"<ServiceSpecificCredential>{self._one(made)}{secret}</ServiceSpecificCredential>"
        elif operation.startswith("Delete"):
            self._kept.pop(asked["ServiceSpecificCredentialId"], None)
            inner = ""
        else:
            mine = [made for made, (whose, _) in self._kept.items() if whose == user]
            members = "".join(f"<member>{self._one(made)}</member>" for made in mine)
            inner = f"<ServiceSpecificCredentials>{members}</ServiceSpecificCredentials>"
        return _FORM.format(name=operation, inner=inner).encode()

    def _one(self, made: str) -> str:
        user, service = self._kept[made]
        told = {"UserName": user, "Status": "Active", "ServiceName": service, "CreateDate": "2026-11-01T09:00:00Z"}
        told["ServiceSpecificCredentialId"] = made
        return "".join(f"<{name}>{value}</{name}>" for name, value in told.items())
