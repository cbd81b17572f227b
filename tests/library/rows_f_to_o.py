"""Groups F to J and L to O: licences, mail, tokens, local rights, ownership, bystanders, trails, scope, checkers."""

from __future__ import annotations

from tests.library.rows import row

TOKENS = {
    "ssh-key-bypass": row(
        "token-and-key-holder",
        "code/credential/ssh-workstation admin residual",
        "code/credential/ssh-workstation leaver residual",
    ),
    "client-cert-irrevocable": row(
        "token-and-key-holder delete/erased-on-request",
        "code/credential/ssh-* leaver residual",
    ),
    "oauth-token-of-deleted": row(
        "delete/erased-on-request",
        "code/consent/build-robot leaver residual",
    ),
    "offline-session-unlisted": row(
        "open-sessions",
        "code/session/phone leaver residual",
    ),
    "channels-disagree": row(
        "open-sessions",
        "mail/device/* admin residual",
        "mail/device/* leaver residual",
    ),
    "auth-cache-outlives-disable": row(
        "token-and-key-holder delete/erased-on-request",
        "crm/credential/* leaver residual",
    ),
}

ROWS = TOKENS
