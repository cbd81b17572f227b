"""How fast this machine collects ten thousand stories and drives a thousand leavers: printed, never a gate."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from harness import fleet, scenario
from harness.model import SECOND, Within
from tests.engine.world import World, make_case

FILES = 10_000
CASES = 1_000
MINUTE = 60 * SECOND
FOLDER = Path(__file__).parents[1] / "scenarios"


def main() -> int:
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    say(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {load}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "scenarios"
        plant(folder)
        shape = fleet.shape("sandbox", sandbox_variables())
        timed(f"load {FILES:,} scenario files", lambda: loaded(folder, shape))
        timed(f"pytest --collect-only of {FILES:,} scenario files", lambda: collected(folder))
    timed(f"{CASES:,} leavers, access ends after 40 minutes, in virtual time", drill)
    return 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def timed(what: str, work: Callable[[], str]) -> None:
    """Wall and processor time, children included, of one call, and what it says of itself."""
    began, used = time.perf_counter(), processor()
    told = work()
    say(f"{what}: {time.perf_counter() - began:.2f} s ({processor() - used:.2f} s of CPU); {told}")


def processor() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in both)


def sandbox_variables() -> dict[str, str]:
    """The shape of a fleet asks for no server; its addresses only have to be loopback."""
    names = ("HR", "DIRECTORY", "CRM", "MAIL", "CODE")
    return {f"EXITPROOF_SANDBOX_{name}_URL": f"http://127.0.0.1:{9000 + n}" for n, name in enumerate(names)}


def plant(folder: Path) -> None:
    """The bundled stories over and over, each with a title of its own, in folders of a hundred."""
    stories = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.rglob("*.yaml"))]
    for n in range(FILES):
        below = folder / f"part-{n // 100:03d}"
        below.mkdir(parents=True, exist_ok=True)
        head, _, rest = stories[n % len(stories)].partition("\n")
        (below / f"story-{n:05d}.yaml").write_text(f"{head} {n}\n{rest}", encoding="utf-8")


def loaded(folder: Path, shape: fleet.FleetInfo) -> str:
    made = scenario.load([folder], shape, datetime.now(UTC).date())
    return f"{len(made.cases):,} cases, {len(made.deselected):,} deselected"


def collected(folder: Path) -> str:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "--fleet", "sandbox", str(folder)]
    env = {**os.environ, **sandbox_variables()}
    ended = subprocess.run(command, cwd=folder.parent, env=env, capture_output=True, text=True)
    return f"exit {ended.returncode}"


def drill() -> str:
    stories = [make_case(f"story-{n}", within=Within(60 * MINUTE), settle=None) for n in range(CASES)]
    result = World(delay=40 * MINUTE).run(*stories, concurrency=CASES)
    return f"{result.verdict.word}, {sum(len(f.observations) for c in result.cases for f in c.findings):,} observations"


if __name__ == "__main__":
    sys.exit(main())
