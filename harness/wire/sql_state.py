"""What a PostgreSQL server's SQLSTATE means to a person, and which of them end a session or refuse a login for certain.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

# A new login that was refused: wrong (or expired, or no) password; no such role, NOLOGIN, or no line that lets it in.
REFUSED = {
    "28P01": "password authentication failed",
    "28000": "the role may not log in",
}
# An open session that the server ended on purpose. A crash, a shutdown in the middle and a lost line are not among them
# (a server that is shut down says 57P01 too, but then no control's session goes on either).
ENDED = {
    "57P01": "the server ended this session (terminated by an administrator)",
    "57P05": "the server ended this session (idle for too long)",
    "25P03": "the server ended this session (idle in a transaction for too long)",
}

_ONE = {
    "28P01": "password authentication failed",
    "28000": "the login is not allowed",
    "3D000": "there is no such database",
    "42501": "permission denied",
    "42704": "there is no such object",
    "42710": "it is there already",
    "42P01": "there is no such table",
    "2BP01": "other objects depend on it",
    "53300": "too many connections",
    "55006": "the object is in use",
    "57014": "the statement took too long and was cancelled",
    "57P01": "the server is shutting down, or ended this connection",
    "57P02": "the server crashed",
    "57P03": "the server does not take connections now",
    "57P04": "the database was dropped",
    "25006": "a look may not write",
}
_CLASS = {
    "08": "the connection failed",
    "22": "a value does not fit",
    "23": "a constraint stands against it",
    "28": "the login is not allowed",
    "40": "the transaction was rolled back by a conflict",
    "42": "the statement was refused",
    "53": "the server lacks resources",
    "55": "the object is not in the right state",
    "57": "an operator intervened",
    "58": "the server's own machine failed",
    "XX": "the server failed within itself",
}
_AGAIN = ("08", "40", "53", "57P01", "57P02", "57P03", "58")


def sentence(state: str | None, said: str) -> str:
    """What happened, in words, with the server's own and the code."""
    words = " ".join(said.split())[:300]
    if state is None:
        return words or "the connection was lost"
    meaning = _ONE.get(state) or _CLASS.get(state[:2]) or "the server refused it"
    return f"{meaning} (SQLSTATE {state}): {words}" if words else f"{meaning} (SQLSTATE {state})"


def again(state: str | None) -> bool:
    """Whether another try may do better. Without a code the connection itself broke."""
    return state is None or state.startswith(_AGAIN)
