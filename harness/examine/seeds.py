"""What a seed changes around the correct connector: nothing of it is a reason for an alarm."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from harness.model import SECOND, Case
from harness.session.virtual import TIMING, Ground

# What a user name or a person's name may well be, and what careless programs trip over.
USERNAMES = (
    "",
    "O'Leary.{{ run.n }}.{{ n }}",
    "zz-leaver+{{ run.n }}-{{ n }}",
    "zz%leaver_{{ run.n }}_{{ n }}",
    "{{ n }}.{{ run.n }}",
)
NAMES = (("Ada", "Null"), ("Bée", "O'Leary"), ("Łucja", "Żółć"), ("Do Ngoc", "de la Cruz-Vega"), ("Ann", "Test; --"))


def ground(seed: int) -> Ground:
    """Latency, order, lag up to `settle`, page sizes, names and other people's work, all from the seed."""
    chance = random.Random(seed)  # noqa: S311  the same again is what it is for
    settle = (TIMING.settle or SECOND) / SECOND
    return Ground(
        seed=seed,
        delay=round(chance.uniform(0.05, 0.9), 3),
        latency=round(chance.uniform(0.001, 0.005), 4),  # a look is dozens of requests, and deadlines are seconds here
        lag=round(chance.uniform(0.0, settle), 3) if chance.random() < 0.7 else 0.0,
        jitter=chance.random() < 0.7,
        page=chance.choice((0, 2, 3, 7, 50)),
        traffic=round(chance.uniform(0.5, 3.0), 2),
        username=chance.choice(USERNAMES),
    )


def named(cases: Sequence[Case], seed: int) -> list[Case]:
    """The same cases in an order of the seed's, and leavers with its names where the story gives none."""
    chance = random.Random(f"{seed} names")  # noqa: S311  as above
    shuffled = chance.sample(list(cases), len(cases))
    told = []
    for case in shuffled:
        given, family = chance.choice(NAMES)
        told.append(replace(case, attributes={"given_name": given, "family_name": family, **case.attributes}))
    return told


def conditions(ground: Ground) -> dict[str, str]:
    """For people: what the seed chose."""
    return {
        "acts after": f"{ground.delay:g} s",
        "latency": f"{ground.latency * 1000:g} ms",
        "lag": f"{ground.lag:g} s",
        "order": "arbitrary" if ground.jitter else "by id",
        "rows a page": str(ground.page or "as built"),
        "other people": f"an act every {ground.traffic:g} s",
        "user names": ground.username or "as in the fleet file",
    }
