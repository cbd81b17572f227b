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
    "sync-only-at-login": row(  # the harness signs in only after it has looked
        "token-and-key-holder",
        "crm/account/account admin late",
        "crm/credential/* admin late",
    ),
    "destroy-only-deactivates": row(
        "delete/erased-on-request",
        "mail/account/account admin residual",
    ),
    "remnant-undeletable": row(
        "delete/erased-on-request",
        "code/ownership/budget-models admin residual",
    ),
    "automation-runs-as-leaver": row(
        "works-on-alone",
        "crm/ownership/* admin residual",
    ),
    "share-of-disabled-user": row(
        "works-on-alone",
        "crm/share/quarterly-pipeline leaver residual",
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
    "stale-cutoff-redisables": row(
        "rejoin/rehired rejoin/old-notice-comes-again",
        "directory/account/account admin missing",
    ),
    "lock-hits-others": row(
        "open-sessions",
        "code/session/* admin collateral",
    ),
}

TRAILS = {
    "constant-actor": row(
        "on-the-record",
        "crm/account/account admin contradicted",
        "crm/license/sales-pro admin contradicted",
        "crm/role/deal-desk admin contradicted",
        "crm/group/account-owners admin contradicted",
    ),
    "actor-is-token-creator": row(
        "on-the-record",
        "mail/account/account admin contradicted",
        "mail/mailbox/* admin contradicted",
        "mail/delegation/sales-inbox#* admin contradicted",
        "mail/device/phone admin contradicted",
    ),
    "actor-missing-or-internal": row(
        "on-the-record",
        "code/account/account admin contradicted",
        "code/role/member admin contradicted",
        "code/share/handbook#write admin contradicted",
        "code/credential/ssh-laptop admin contradicted",
    ),
    "target-missing": row(
        "on-the-record",
        "mail/device/phone admin contradicted",
    ),
    "object-shown-as-actor": row(
        "on-the-record",
        "code/credential/ssh-laptop admin contradicted",
    ),
}

GOVERNANCE = {
    "connector-token-is-personal": row(
        "last-administrator",
        "crm/role/admin admin residual",
        "crm/license/sales-basic admin residual",
        "crm/group/account-owners admin residual",
        "code/role/* admin residual",
    ),
    "gate-keyed-on-mutable-email": row(
        "renamed-before-leaving",
        "mail/account/account leaver residual",
    ),
    "delete-scope-not-separable": row(
        "suspend/garden-leave",
        "crm/license/sales-pro admin missing",
        "crm/group/sales-team admin missing",
    ),
    "replay-inside-window": row(
        "rejoin/old-notice-comes-again",
        "directory/account/account admin missing",
    ),
}

CHECKER = {
    "forbidden-read-as-absent": row(  # what hangs on the account cannot be seen; the groups' side shows what is left
        "licence-holder overlapping-groups",
        "crm/group/* admin residual",
        "crm/account/account admin inconclusive",
        "crm/license/* admin inconclusive",
        "crm/role/report-viewer admin inconclusive",
        blinded=True,
    ),
    "limited-info-members": row(  # the seat that comes with the group shows that its nameless member is the leaver
        "seat-through-a-group overlapping-groups",
        "crm/license/reporting admin residual",
        "crm/group/* admin inconclusive",
        blinded=True,
    ),
    "filter-ignored-or-truncated": row(
        "there-before-the-connector",
        "crm/account/account admin residual",
        "crm/account/account leaver residual",
        "crm/license/sales-basic admin residual",
    ),
    "filter-and-resource-disagree": row(
        "there-before-the-connector",
        "crm/account/account admin residual",
        "crm/account/account leaver residual",
        "crm/license/sales-basic admin residual",
    ),
    "case-sensitive-lookup-empty": row(
        "there-before-the-connector",
        "mail/account/account admin residual",
        "mail/account/account leaver residual",
        "mail/mailbox/* admin residual",
    ),
    "probe-prolongs-session": row(
        "open-sessions",
        "code/session/* admin residual",
        "code/session/* leaver residual",
    ),
    "gone-is-not-404": row(
        "delete/erased-on-request",
        "mail/account/account leaver residual",
    ),
    "no-positive-control": row(  # nothing can be learnt from a token that never worked; the list still shows it
        "token-and-key-holder",
        "code/consent/* admin residual",
        "code/consent/* leaver inconclusive",
        blinded=True,
    ),
    "replica-or-index-lag": row(
        "nested-teams",
        "directory/group/engineering-all admin residual",
        "directory/group/on-call admin residual",
    ),
}

ROWS = TOKENS | SEATS | OWNERSHIP | BYSTANDERS | TRAILS | GOVERNANCE | CHECKER
