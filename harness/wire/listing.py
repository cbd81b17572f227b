"""Reading a list to its end: pages, levels of `each`, and whose the items are. Everything odd raises `Unknown`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.model import Instant, Presence, Row
from harness.wire.call import Answer, Call, Unknown
from harness.wire.context import id_text
from harness.wire.memo import Memo, Reply, items_of, type_word
from harness.wire.path import Path
from harness.wire.selection import Asked, Each, ListSpec, Selection, alike, variables
from harness.wire.template import Context, plain_text

NOT_FOUND = frozenset({404})
_NULL = alike(None)


@dataclass(slots=True)
class Item:
    value: Any
    vars: Mapping[str, Any]
    below: str


@dataclass(slots=True)
class Sweep:
    """All items that one list gave, whoever they belong to."""

    items: list[Item] = field(default_factory=list)
    vanished: set[str] = field(default_factory=set)
    omitted: bool = False
    not_found: bool = False  # 404 on a list that declares `gone_with: account`
    spans: list[tuple[Instant, Instant]] = field(default_factory=list)
    evidence: dict[str, None] = field(default_factory=dict)  # in order, each once
    _index: dict[tuple[str, ...], list[Item]] | None = None
    _ids: dict[str, list[Item]] | None = None
    _unseen: str | None = None

    @property
    def sent(self) -> Instant:
        return min((sent for sent, _ in self.spans), default=0)

    @property
    def answered(self) -> Instant:
        return max((answered for _, answered in self.spans), default=0)

    def cite(self, sent: Instant, answered: Instant, evidence: Iterable[str]) -> None:
        self.spans.append((sent, answered))
        self.evidence.update(dict.fromkeys(evidence))

    def unknown(self, reason: str) -> Unknown:
        return Unknown(reason, evidence=tuple(self.evidence), sent=self.sent, answered=self.answered)


def collect(spec: Selection, context: Context, memo: Memo) -> Sweep:
    """Reads a list with its levels of `each`. Raises `Unknown`."""
    sweep = Sweep()
    levels = spec.levels if isinstance(spec, ListSpec) else ()
    wanted = (spec.names & variables(levels)) or variables(levels) if levels else frozenset[str]()
    gone_with = isinstance(spec, ListSpec) and spec.gone_with is not None

    def ask(asked: Asked, given: dict[str, Any], empty: bool, also: frozenset[int]) -> Reply:
        here = {**context, **given}
        call = asked.call(here, also=also)
        try:
            reply = memo.ask(asked, call, here, empty=empty, gone=also | frozenset(asked.absent_on))
        except Unknown as error:
            raise named(error, call, sweep.evidence) from None
        sweep.cite(reply.read.sent, reply.read.answered, reply.read.evidence)
        return reply

    def descend(depth: int, given: dict[str, Any], below: str) -> None:
        last = depth == len(levels)
        asked: Asked = spec if last else levels[depth]
        also = NOT_FOUND if gone_with and depth == 0 else frozenset[int]()
        reply = ask(asked, given, last and spec.empty is not None, also)
        if reply.read.gone:
            if depth:
                sweep.vanished.add(below)
            else:
                sweep.not_found = reply.status in also
            return
        here = {**context, **given}
        if not last:
            for row in reply.read.items:
                inner = given | _taken(asked.take, row, here, "a row of `each`")
                descend(depth + 1, inner, _below(levels[: depth + 1], inner, wanted))
            return
        sweep.omitted = reply.omitted and not levels
        if reply.read.items:
            inner = given | _taken(spec.take, reply.read.first, here, "the answer")
            sweep.items.extend(Item(value, inner, below) for value in reply.read.items)

    descend(0, {}, "")
    return sweep


def from_record(spec: ListSpec, body: Any, answer: Answer, context: Context) -> Sweep:
    """A list that stands in the account's own record. Raises `Unknown`."""
    sweep = Sweep()
    sweep.cite(answer.sent, answer.answered, answer.evidence)
    try:
        found = items_of(spec, body, context, spec.empty is not None)
        taken = _taken(spec.take, body, context, "the account's record") if found else {}
    except Unknown as error:
        raise sweep.unknown(f"in the account's record: {error.reason}") from None
    sweep.omitted = found is None
    sweep.items.extend(Item(value, taken, "") for value in found or ())
    return sweep


def _below(levels: Sequence[Each], given: Mapping[str, Any], wanted: frozenset[str]) -> str:
    """The key of an `each` row: what the requests below it use of it, outer levels first."""
    names = [name for level in levels for name in level.take if name in wanted]
    return " ".join(f"{name}={plain_text(given[name])}" for name in names)


def is_below(key: str, outer: str) -> bool:
    """Whether a row stands below (or is) another one, by their keys."""
    return not outer or key == outer or key.startswith(f"{outer} ")


def _taken(take: Mapping[str, Path], value: Any, context: Context, what: str) -> dict[str, Any]:
    found = {name: path.get(value, context) for name, path in take.items()}
    for name, got in found.items():
        if got is None:
            raise Unknown(f"{what} has no `{take[name].text}` to take as `{name}`")
    return found


def named(error: Unknown, call: Call, before: Iterable[str] = ()) -> Unknown:
    """The same with the request named, and citing what was read before it."""
    return Unknown(
        f"{call.method} {call.url}: {error.reason}",
        evidence=tuple(dict.fromkeys((*before, *error.evidence))),
        sent=error.sent,
        answered=error.answered,
        in_doubt=error.in_doubt,
        status=error.status,
    )


def select(spec: Selection, sweep: Sweep, context: Context, journalled: Iterable[str] = ()) -> list[tuple[Item, str]]:
    """The items that belong to the subject, each with a note. `journalled`: ids of grants that this run made, whose
    items count whatever `where` says. Raises `Unknown`."""
    if spec.match is not None:
        for item in sweep.items:
            differs = spec.match.differs(item.value, {**context, **item.vars})
            if differs is not None:
                raise sweep.unknown(f"the filter was ignored: an item came back whose `{differs}` is another one's")
    if spec.where is None:
        return [(item, "") for item in sweep.items]
    chosen = [(item, "") for item in _where(spec, sweep, context)]
    known = {id(item) for item, _ in chosen}
    journalled = tuple(journalled)
    _none_nameless(spec, sweep, context, set(journalled), [item for item, _ in chosen])
    for wanted in journalled:
        for item in _by_id(spec, sweep, context).get(wanted, ()):
            if id(item) not in known:
                chosen.append((item, "found by its own id; `where` does not select it"))
    return chosen


def _where(spec: Selection, sweep: Sweep, context: Context) -> list[Item]:
    where = spec.where
    assert where is not None  # noqa: S101  asked by select
    each = isinstance(spec, ListSpec) and bool(spec.levels)
    own = variables(spec.levels) if isinstance(spec, ListSpec) else frozenset()
    if sweep._index is None:
        index: dict[tuple[str, ...], list[Item]] = {}
        for item in sweep.items:
            index.setdefault(where.found(item.value, {**context, **item.vars}), []).append(item)
        sweep._unseen = _never_seen(spec, index)
        sweep._index = index
    if where.needs_item or where.names & (own | spec.take.keys()):
        return [i for i in sweep.items if where.differs(i.value, {**context, **i.vars}) is None]
    expected = where.expected(context)
    if sweep._unseen is not None and not sweep._index.get(expected):
        whole = "no item of the whole sweep" if each else "no item"
        raise sweep.unknown(f"{whole} has the field `{sweep._unseen}` that `where` asks for")
    return sweep._index.get(expected, [])


def _never_seen(spec: Selection, index: Mapping[tuple[str, ...], list[Item]]) -> str | None:
    """A `where` path that no item has at all: a renamed field would else make everybody's items look gone."""
    assert spec.where is not None  # noqa: S101
    for at, (key, _) in enumerate(spec.where.pairs):
        if index and all(found[at] == _NULL for found in index):
            return key.text
    return None


def _none_nameless(
    spec: Selection, sweep: Sweep, context: Context, journalled: set[str], chosen: Iterable[Item]
) -> None:
    """An item that does not say whose it is may be the subject's, below an object that this run put the subject in.
    Raises `Unknown`."""
    if spec.id.of_item:
        return  # such an item is found by its own id

    def below(item: Item) -> str:
        return id_text(spec.id.get(item.value, {**context, **item.vars}))

    missing = journalled - {below(item) for item in chosen}
    for found, items in (sweep._index or {}).items():
        if missing and _NULL in found and not missing.isdisjoint(map(below, items)):
            assert spec.where is not None  # noqa: S101  asked by select
            key = spec.where.pairs[found.index(_NULL)][0].text
            raise sweep.unknown(f"an item below this object has no `{key}`: whose it is cannot be told")


def _by_id(spec: Selection, sweep: Sweep, context: Context) -> dict[str, list[Item]]:
    if sweep._ids is None:
        ids: dict[str, list[Item]] = {}
        # An id that does not come from the item itself (the group's, say) is shared by other people's items.
        if spec.id.of_item and not (isinstance(spec, ListSpec) and spec.by_name):
            for item in sweep.items:
                found = spec.id.get(item.value, {**context, **item.vars})
                if found is not None:
                    ids.setdefault(id_text(found), []).append(item)
        sweep._ids = ids
    return sweep._ids


def row(spec: ListSpec, sweep: Sweep, item: Item, note: str, context: Context) -> Row:
    """One item as a row. Raises `Unknown` for a null id or name."""
    here = {**context, **item.vars}
    name = "" if spec.name is None else _word(spec.name, item, here, "name", sweep)
    found = name if spec.by_name else _word(spec.id, item, here, "id", sweep)
    presence, why = spec.presence(item.value, here)
    if presence is Presence.ABSENT:
        why = "the item remains, but is not usable"
    return Row(found, name, presence, why or note, item.below, spec.by_name)


def _word(path: Path, item: Item, context: Context, what: str, sweep: Sweep) -> str:
    found = path.get(item.value, context)
    if found is None or (found == "" and what == "id"):
        raise sweep.unknown(f"an item's {what} (`{path.text}`) is missing or null")
    if isinstance(found, bool | dict | list):
        raise sweep.unknown(f"an item's {what} (`{path.text}`) is no word but {type_word(found)}")
    return id_text(found)
