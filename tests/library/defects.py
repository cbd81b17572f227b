"""What each defect of the sandbox must look like from outside: the stories that meet it, every finding that fails."""

from __future__ import annotations

from tests.library import rows_f_to_o
from tests.library.rows import row

# The ten of the first release: one of each group of the catalogue.
TEN = {
    "scim-active-noop-200": row(
        "joined-by-the-connector",
        "directory/account/account admin residual",
    ),
    "rename-before-disable": row(
        "renamed-before-leaving",
        "crm/account/account admin residual",
        "crm/account/account leaver residual",
        "crm/license/sales-pro admin residual",
        "crm/group/sales-team admin residual",
        "crm/credential/pipeline-sync admin residual",
        "crm/credential/pipeline-sync leaver residual",
    ),
    "first-page-only": row(
        "delegate-on-shared-mailboxes overlapping-groups",
        "mail/delegation/* admin residual",
        "crm/group/* admin residual",
        "code/group/* admin residual",
    ),
    "late-event-resurrects": row(
        "duplicate-and-late-events",
        "directory/account/account admin resurrected",
        "directory/group/* admin resurrected",
        "crm/account/account admin resurrected",
        "mail/account/account admin resurrected",
        "code/account/account admin resurrected",
        "crm/account/account leaver residual",
        "mail/account/account leaver residual",
        "code/account/account leaver residual",
    ),
    "nested-not-expanded": row(
        "nested-teams",
        "code/group/payments admin residual",
        "code/group/backend admin residual",
        "code/group/engineering admin residual",
    ),
    "api-token-skips-active": row(
        "token-and-key-holder",
        "crm/credential/spreadsheet-import leaver residual",
        "crm/credential/nightly-export leaver residual",
    ),
    "outside-collaborator": row(
        "owner-of-repositories",
        "code/share/infrastructure#admin admin residual",
    ),
    "rejoin-restores-groups": row(
        "rejoin/rehired",
        "directory/group/finance-all admin resurrected",
        "directory/group/finance-approvers admin resurrected",
        "directory/group/all-staff admin resurrected",
    ),
    "remove-one-removes-all": row(
        "last-member",
        "directory/group/sales-all admin collateral",
    ),
    "list-hides-deprovisioned": row(
        "overlapping-groups",
        "crm/group/account-owners admin residual",
        "crm/group/sales-team admin residual",
    ),
}

MORE = {
    "member-remove-value-form": row(
        "nested-teams",
        "directory/group/engineering-all admin residual",
        "directory/group/on-call admin residual",
    ),
    "delete-refused-by-ownership": row(
        "delete/erased-on-request owner-of-repositories",
        "code/account/account admin residual",
        "code/ownership/budget-models admin residual",
        "code/ownership/payday-* admin residual",
    ),
    "key-revoked-by-name": row(
        "token-and-key-holder",
        "code/credential/ssh-workstation admin residual",
        "code/credential/deploy-script admin residual",
        "code/credential/backup-job admin residual",
    ),
    "direct-and-nested-overlap": row(  # the sync mends it, too late
        "overlapping-groups",
        "code/group/frontend admin late",
        "code/group/payments admin late",
        "code/group/backend admin late",
        "code/group/engineering admin late",
    ),
    "disabled-still-counted": row(
        "licence-holder",
        "crm/license/invoicing admin residual",
        "crm/license/reporting admin residual",
    ),
    "delegate-on-others-mailbox": row(
        "delegate-on-shared-mailboxes",
        "mail/delegation/director-office#* admin residual",
        "mail/delegation/press-inbox#read admin residual",
    ),
    "rules-survive-conversion": row(
        "forwarding-rules",
        "mail/forwarding/to-my-private-address admin residual",
        "mail/forwarding/support-inbox admin residual",
    ),
    "registered-device-stays": row(
        "open-sessions",
        "mail/device/phone admin residual",
        "mail/device/tablet admin residual",
    ),
    "session-survives-disable": row(
        "open-sessions",
        "code/session/* admin residual",
        "code/session/* leaver residual",
    ),
    "manual-grant-untouched": row(
        "local-grants",
        "directory/group/finance-approvers admin residual",
        "directory/role/expense-approver admin residual",
        "crm/role/admin admin residual",
        "crm/group/account-owners admin residual",
        "crm/license/reporting admin residual",
        "code/role/billing-manager admin residual",
        "code/group/security admin residual",
    ),
    "pre-scim-user-unmanaged": row(
        "there-before-the-connector",
        "directory/account/account admin residual",
        "directory/group/finance-all admin residual",
        "crm/account/account admin residual",
        "crm/account/account leaver residual",
        "crm/license/sales-basic admin residual",
        "mail/account/account admin residual",
        "mail/account/account leaver residual",
        "mail/mailbox/* admin residual",
        "code/account/account admin residual",
        "code/account/account leaver residual",
        "code/role/member admin residual",
    ),
    "gitops-readds": row(
        "nested-teams",
        "code/group/payments admin residual",
        "code/group/backend admin residual",
        "code/group/engineering admin residual",
    ),
    "neighbour-loses-licence": row(
        "licence-holder",
        "crm/license/* admin collateral",
    ),
    "renamed-owner-overlooked": row(
        "renamed-owner",
        "code/ownership/payday-batch admin residual",
    ),
    "admin-flag-trusted": row(
        "delegate-on-shared-mailboxes",
        "mail/account/account leaver residual",
    ),
}

ROWS = TEN | MORE | rows_f_to_o.ROWS

# Nothing remains and nobody is hurt; what is told instead is asserted by tests of their own, or cannot be told.
HARMLESS = {
    "guard-after-write": "the connector's claim is wrong, the offboarding is not",
    "scim-change-unlogged": "the fleet reads no trail of the directory",
}
