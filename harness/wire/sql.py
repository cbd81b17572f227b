"""SQL over a PostgreSQL connection with the wire's promise: read-only looks, bounded in time, or `Unknown`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector
from threading import Lock
from typing import TYPE_CHECKING, Any

from harness.ports import Tools
from harness.wire.auth import Basic
from harness.wire.dialogue import Asked, Broken, Dialogue, Heard, Told
from harness.wire.extra import need
from harness.wire.limits import Gate
from harness.wire.sql_login import Refused, broken, login
from harness.wire.sql_state import ENDED, REFUSED, again, sentence

if TYPE_CHECKING:
    import psycopg

Cells = dict[str, Any]
# Names mean what they mean to the server itself, whatever a database puts into other schemas.
_SAFE = "-c search_path=pg_catalog,pg_temp -c standard_conforming_strings=on"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is, and how its certificate is checked (libpq's `sslmode`)."""

    host: str
    port: int
    sslmode: str = "prefer"
    sslrootcert: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement with its parameters. `shown` stands for the text in evidence, where that holds a secret."""

    text: str
    parameters: Sequence[Any] = ()
    shown: str | None = None

    @property
    def verb(self) -> str:
        return (self.shown or self.text).split(None, 1)[0].upper()


@dataclass(slots=True)
class Held:
    """A session that is kept open. `pid` and `since` tell it in `pg_stat_activity`; `ended` why it is over for good."""

    connection: psycopg.Connection[Cells]
    database: str
    pid: int
    since: int
    ended: str = ""
    lock: Lock = field(default_factory=Lock)


class Sql:
    """One credential at one server. Connections to the `main` database are kept for the next question; those to others
    are closed at once, so that nobody who drops or copies a database has to wait for us."""

    def __init__(
        self,
        tools: Tools,
        place: Place,
        who: Basic,
        main: str,
        *,
        read_only: bool,
        attempts: int = 3,
        timeout_s: float = 30.0,
        gate: Gate | None = None,
    ) -> None:
        self._psycopg = need("psycopg", "postgresql")
        self._rows = need("psycopg.rows", "postgresql").dict_row
        tools.vault.learn(who.password.reveal())
        self._place = place
        self._who = who
        self.main = main
        self._read_only = read_only
        self._timeout_s = timeout_s
        self._dialogue = Dialogue(tools, attempts=attempts, gate=gate)
        self.gate = self._dialogue.gate
        self._lock = Lock()
        self._idle: list[psycopg.Connection[Cells]] = []
        self._connection = _bounded(self._psycopg.Connection, timeout_s)

    def ask(self, statement: Statement, database: str | None = None) -> Told[list[Cells]]:
        """The rows of one statement that only reads."""
        return self._dialogue.ask(
            self._asked(database, (statement,), look=True), lambda: self._rows_of(statement, database)
        )

    def change(self, *statements: Statement, database: str | None = None) -> Told[list[Cells]]:
        """The rows of the last one. All of them are done, or none."""

        def attempt() -> Heard[list[Cells]]:
            with self._connected(database) as connection, self._translated(), connection.transaction():
                rows = [self._run(connection, one) for one in statements]
            return Heard(rows[-1], rows[-1])

        return self._dialogue.ask(self._asked(database, statements, look=False), attempt)

    def login(self, who: Basic, database: str) -> Told[str]:
        """A new login of somebody, closed again: empty if it worked, otherwise the sentence of a certain refusal."""

        def attempt() -> Heard[str]:
            place = self._place
            try:
                login(
                    place.host, place.port,
                    user=who.username, password=who.password.reveal(), database=database,
                    sslmode=place.sslmode, sslrootcert=place.sslrootcert, within_s=self._timeout_s,
                )  # fmt: skip
            except Refused as refused:
                if refused.state not in REFUSED:
                    raise broken(refused) from None
                return Heard(f"{REFUSED[refused.state]} ({refused.state})", {"sqlstate": refused.state})
            return Heard("", {"works": True})

        return self._dialogue.ask(Asked("CONNECT", self._url(database, who), look=False), attempt)

    def hold(self, who: Basic, database: str, name: str) -> Told[Held]:
        """Opens a session of somebody that stays open, under this application name."""

        def attempt() -> Heard[Held]:
            with self._translated(in_doubt=False):
                connection = self._open(database, who, name)
                row = connection.execute(_OWN).fetchone() or {}
            return Heard(Held(connection, database, row["pid"], row["since"]), row)

        return self._dialogue.ask(
            Asked("CONNECT", self._url(database, who), {"application_name": name}, look=False), attempt
        )

    def on(self, held: Held, statement: Statement, refused: Mapping[str, str], *, undo: bool) -> Told[str]:
        """Runs a statement on a held session: empty if it worked, otherwise the sentence of a certain refusal: one of
        these codes, or the server ended the session on purpose. `undo`: it is rolled back, so it changes nothing."""

        def attempt() -> Heard[str]:
            with held.lock:
                if held.ended:
                    return Heard(held.ended, {"ended": True})
                try:
                    with held.connection.transaction(force_rollback=undo):
                        held.connection.execute(statement.text)
                except self._psycopg.Error as error:
                    state = error.sqlstate
                    if state in ENDED:
                        held.ended = f"{ENDED[state]} ({state})"
                        held.connection.close()
                    if state in ENDED or state in refused:
                        return Heard(held.ended or f"{refused[state]} ({state})", {"sqlstate": state})
                    raise self._broken(error) from None
                except ValueError as error:
                    raise Broken(f"the server's answer could not be read: {type(error).__name__}") from None
            return Heard("", {"works": True})

        return self._dialogue.ask(self._asked(held.database, (statement,), look=False), attempt)

    def close(self) -> None:
        """Closes every idle connection."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    # --- one try ------------------------------------------------------------------------------

    def _rows_of(self, statement: Statement, database: str | None) -> Heard[list[Cells]]:
        with self._connected(database) as connection, self._translated():
            rows = self._run(connection, statement)
        return Heard(rows, rows)

    def _run(self, connection: psycopg.Connection[Cells], statement: Statement) -> list[Cells]:
        # Without parameters a `%` in a statement is a `%`.
        cursor = connection.execute(statement.text, list(statement.parameters) or None)
        return list(cursor.fetchall()) if cursor.description is not None else []

    @contextmanager
    def _connected(self, database: str | None) -> Iterator[psycopg.Connection[Cells]]:
        """Kept for the next question only if this one went well."""
        kept = database in (None, self.main)
        connection = self._waiting() if kept else None
        if connection is None:
            with self._translated(in_doubt=False):
                connection = self._open(database or self.main, self._who)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if not kept:
            connection.close()
            return
        with self._lock:
            self._idle.append(connection)

    def _waiting(self) -> psycopg.Connection[Cells] | None:
        """An idle connection that the other side has not closed in the meantime: nothing is to be read from it."""
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return None
            with DefaultSelector() as selector:
                selector.register(connection.pgconn.socket, EVENT_READ)
                if not selector.select(0):
                    return connection
            connection.close()

    def _open(self, database: str, who: Basic, name: str = "exitproof") -> psycopg.Connection[Cells]:
        mine = who is self._who
        limit = f"-c statement_timeout={round(self._timeout_s * 1000)} {_SAFE}"
        limit += " -c default_transaction_read_only=on" if mine and self._read_only else ""
        made: psycopg.Connection[Cells] = self._connection.connect(
            host=self._place.host,
            port=self._place.port,
            dbname=database,
            user=who.username,
            password=who.password.reveal(),
            sslmode=self._place.sslmode,
            sslrootcert=self._place.sslrootcert,
            gssencmode="disable",
            connect_timeout=max(2, round(self._timeout_s)),
            application_name=name,
            client_encoding="utf8",
            options=limit,
            autocommit=True,
            row_factory=self._rows,
            prepare_threshold=None,
        )
        return made

    @contextmanager
    def _translated(self, *, in_doubt: bool = True) -> Iterator[None]:
        try:
            yield
        except self._psycopg.Error as error:
            raise self._broken(error, in_doubt=in_doubt) from None
        except (ValueError, KeyError) as error:  # noise where an answer should be
            raise Broken(f"the server's answer could not be read: {type(error).__name__}") from None

    def _broken(self, error: Any, *, in_doubt: bool = True) -> Broken:
        state = error.sqlstate
        if type(error).__name__ in ("_WaitTimeout", "ConnectionTimeout"):
            return Broken(f"no answer within {self._timeout_s:g} s", again=True, in_doubt=in_doubt)
        # A server that says no has rolled back; one that says nothing may have done it.
        said = (error.diag.message_primary or "") if state is not None else ""
        reason = sentence(state, said or str(error))
        # A login that the server itself refuses has no code here; asking again would only lock somebody out.
        more = again(state) and not (state is None and "FATAL" in reason)
        return Broken(reason, again=more, in_doubt=in_doubt and (state is None or state.startswith("57P")))

    def _asked(self, database: str | None, statements: Sequence[Statement], *, look: bool) -> Asked:
        request = [{"statement": one.shown or one.text, "parameters": list(one.parameters)} for one in statements]
        return Asked(
            statements[-1].verb, self._url(database or self.main, self._who), {"statements": request}, look=look
        )

    def _url(self, database: str, who: Basic) -> str:
        return f"postgresql://{self._place.host}:{self._place.port}/{database}?user={who.username}"


_OWN = """
SELECT pg_backend_pid() AS pid, (extract(epoch FROM backend_start) * 1000000)::bigint AS since
FROM pg_stat_activity WHERE pid = pg_backend_pid()
"""


def _bounded(connection: Any, timeout_s: float) -> Any:
    """A connection none of whose questions waits longer: the server's own timeout does not help when it is silent."""

    class Bounded(connection):  # type: ignore[misc]
        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            return super().wait(gen, interval, timeout_s + 1 if timeout is None else timeout)

    return Bounded


def quoted(name: str) -> str:
    """A name as an SQL identifier, whatever it holds."""
    if not name or "\0" in name:
        raise ValueError(f"{name!r} cannot be a name in SQL")
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL string (`standard_conforming_strings` is on)."""
    if "\0" in text:
        raise ValueError("a text in SQL cannot hold NUL")
    return "'" + text.replace("'", "''") + "'"
