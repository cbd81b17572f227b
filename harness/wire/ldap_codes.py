"""What an LDAP result code means (RFC 4511 appendix A): a sentence for a person, and whether a change is in doubt."""

from __future__ import annotations

SUCCESS = 0
NO_SUCH_OBJECT = 32
INVALID_CREDENTIALS = 49

_CODES = {
    1: ("operationsError", "the server could not carry it out"),
    2: ("protocolError", "the server does not understand the request"),
    3: ("timeLimitExceeded", "the server stopped at its time limit"),
    4: ("sizeLimitExceeded", "the server cut the list at its size limit"),
    7: ("authMethodNotSupported", "the server does not take this way to sign in"),
    8: ("strongerAuthRequired", "the server demands a stronger way to sign in (TLS, signing)"),
    10: ("referral", "the server refers to another server"),
    11: ("adminLimitExceeded", "the server cut the search at a limit of its administrator"),
    12: ("unavailableCriticalExtension", "the server does not know a control that is needed"),
    13: ("confidentialityRequired", "the server demands TLS"),
    14: ("saslBindInProgress", "the sign-in did not come to an end"),
    16: ("noSuchAttribute", "the entry has no such attribute or value"),
    17: ("undefinedAttributeType", "the server's schema does not know an attribute"),
    18: ("inappropriateMatching", "an attribute cannot be matched like this"),
    19: ("constraintViolation", "a value breaks a rule of the server"),
    20: ("attributeOrValueExists", "the value is there already"),
    21: ("invalidAttributeSyntax", "a value does not have its attribute's syntax"),
    32: ("noSuchObject", "there is no such entry, or the credential may not see it"),
    33: ("aliasProblem", "an alias leads nowhere"),
    34: ("invalidDNSyntax", "a name is not a distinguished name"),
    36: ("aliasDereferencingProblem", "an alias cannot be followed"),
    48: ("inappropriateAuthentication", "the entry cannot sign in like this"),
    49: ("invalidCredentials", "the credential was refused"),
    50: ("insufficientAccessRights", "this is not allowed"),
    51: ("busy", "the server is busy"),
    52: ("unavailable", "the server is unavailable"),
    53: ("unwillingToPerform", "the server is unwilling to do it"),
    54: ("loopDetect", "the server went in circles"),
    64: ("namingViolation", "the entry may not have this name here"),
    65: ("objectClassViolation", "the entry would break its object classes"),
    66: ("notAllowedOnNonLeaf", "the entry has entries below it"),
    67: ("notAllowedOnRDN", "the entry's name hangs on this value"),
    68: ("entryAlreadyExists", "there is such an entry already"),
    69: ("objectClassModsProhibited", "the object class cannot be changed"),
    71: ("affectsMultipleDSAs", "it would take several servers"),
    80: ("other", "the server failed"),
}
AGAIN = frozenset((51, 52))
# After these a change may have happened all the same: the server gave up on it, or passes on what another one said.
_DOUBTFUL = frozenset((1, 3, 52, 80))


def reason(code: int, message: str = "", *, look: bool = False) -> str:
    """`message` is the server's own diagnostic text: shortened, it may say more than the code does."""
    name, sentence = _CODES.get(code, ("", "a result that LDAP does not know"))
    if code == 50 and look:
        sentence = "the reader may not look"
    said = "".join(c if c.isprintable() else " " for c in message).strip()
    told = f": {said if len(said) <= 120 else said[:120] + '…'}" if said else ""
    return f"{sentence} ({name + ', ' if name else ''}{code}){told}"


def in_doubt(code: int) -> bool:
    """Whether a change that was answered like this may have happened."""
    return code in _DOUBTFUL or code not in _CODES
