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

SEATS = {
    "inherited-licence-stays": row(
        "seat-through-a-group",
        "crm/group/analysts admin residual",
        "crm/license/reporting admin residual",
    ),
    "licence-waits-for-mailbox": row(  # the sync mends it, too late
        "seat-through-a-group",
        "directory/license/ledger-suite admin late",
    ),
    "direct-object-permission": row(
        "delegate-on-shared-mailboxes",
        "mail/share/press-inbox#Contracts admin residual",
    ),
    "calendar-grant-stale": row(
        "delegate-on-shared-mailboxes delete/erased-on-request",
        "mail/delegation/director-office#calendar admin residual",
        "mail/delegation/finance-inbox#calendar admin residual",
    ),
    "permission-call-noise": row(
        "delegate-on-shared-mailboxes delete/erased-on-request",
        "mail/delegation/director-office#read admin late",
        "mail/delegation/press-inbox#read admin late",
        "mail/delegation/finance-inbox#read admin residual",
    ),
}

OWNERSHIP = {
    "local-password-remains": row(
        "last-administrator",
        "crm/account/account leaver residual",
    ),
    "owner-exempt": row(
        "last-administrator",
        "code/account/account admin residual",
        "code/account/account leaver residual",
        "code/role/member admin residual",
        "code/role/owner admin residual",
    ),
    "disabled-keeps-permissions": row(
        "owner-of-repositories",
        "code/role/member admin residual",
        "code/ownership/payday-batch admin residual",
        "code/ownership/payday-forms admin residual",
    ),
    "two-user-stores": row(
        "delete/erased-on-request",
        "crm/account/account leaver residual",
    ),
    "destroy-only-deactivates": row(
        "delete/erased-on-request",
        "mail/account/account admin residual",
    ),
    "remnant-undeletable": row(
        "delete/erased-on-request",
        "code/ownership/budget-models admin residual",
    ),
}

BYSTANDERS = {
    "unpaged-replace-evicts": row(
        "last-member",
        "crm/group/sales-team admin collateral",
    ),
    "disables-non-scim-members": row(
        "open-sessions",
        "directory/account/account admin collateral",
    ),
    "deletes-unmanaged-objects": row(
        "last-member",
        "crm/group/closed-deals-archive-* admin collateral",
    ),
    "manual-roles-wiped": row(
        "local-grants",
        "crm/role/admin admin collateral",
    ),
    "lock-hits-others": row(
        "open-sessions",
        "code/session/* admin collateral",
    ),
}

ROWS = TOKENS | SEATS | OWNERSHIP | BYSTANDERS
