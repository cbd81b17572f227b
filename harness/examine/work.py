"""Runs the examination on every core: a task for each defect with all stories, a task for each seed."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache

from harness.examine import seeds
from harness.examine.judging import cell
from harness.examine.model import Examination, Row, Trial
from harness.model import SECOND, Case, RunResult, Verdict
from harness.scenario import ScenarioFile
from harness.session.virtual import TIMING, Ground, Planted, load, rehearse

TOGETHER = 6  # cases of a trial that share a sandbox: enough to meet each other
Tell = Callable[[str, int, int], None]  # what is done, how many of how many


@dataclass(frozen=True, slots=True)
class _Task:
    """A defect, or a seed of the correct connector."""

    defect: Planted | None
    seed: int = 0


def examine(
    files: Sequence[ScenarioFile],
    defects: Sequence[Planted],
    trials: int,
    tell: Tell = lambda _what, _done, _all: None,
    workers: int | None = None,
) -> Examination:
    """Each of these stories with each of these defects, and all of them `trials` times without any. Equal arguments
    give equal results, however many `workers` there are (default: one a core). Raises `BadInput` for a story that the
    embedded fleet cannot run."""
    load(files)  # whatever is wrong with the stories is said before any process is started
    tasks = [*(_Task(defect) for defect in defects), *(_Task(None, seed) for seed in range(1, trials + 1))]
    made: dict[_Task, Row | Trial] = {}
    count = workers or len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begin) as pool:
        waiting = {pool.submit(_work, task, tuple(files)): task for task in tasks}
        try:
            for done in as_completed(waiting):
                task = waiting[done]
                made[task] = done.result()
                tell(task.defect.id if task.defect else f"correct connector, seed {task.seed}", len(made), len(tasks))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    told = [made[task] for task in tasks]
    return Examination(
        stories=tuple(file.id for file in files),
        rows=tuple(each for each in told if isinstance(each, Row)),
        trials=tuple(each for each in told if isinstance(each, Trial)),
        within_ms=(TIMING.within or 0) * 1000 // SECOND,
    )


def _begin() -> None:
    """In each process. What goes wrong in a connector with a defect is what is looked for: its log tells nobody
    anything. And garbage is looked for when a task is over: within one, that would take a tenth of the time."""
    logging.getLogger("sandbox").setLevel(logging.CRITICAL)
    gc.disable()


def _work(task: _Task, files: Sequence[ScenarioFile]) -> Row | Trial:
    try:
        return trial(files, task.seed) if task.defect is None else row(files, task.defect)
    finally:
        gc.collect()


def row(files: Sequence[ScenarioFile], defect: Planted) -> Row:
    """One defect: each story on a sandbox of its own, so that no story finds what another one brought about."""
    ground = Ground(defects=(defect.id,))
    cells = tuple(cell(file.id, rehearse(_cases(file), ground), defect) for file in files)
    facts = (defect.id, defect.group, defect.sentence, defect.source, defect.shows, defect.unseen)
    return Row(*facts, cells)


@cache
def _cases(file: ScenarioFile) -> tuple[Case, ...]:
    """The same for every defect."""
    return load([file]).cases


def trial(files: Sequence[ScenarioFile], seed: int) -> Trial:
    """All stories on the correct connector, some at a time."""
    ground = seeds.ground(seed)
    cases = seeds.named(load(files).cases, seed)
    alarms: list[str] = []
    for start in range(0, len(cases), TOGETHER):
        alarms += _alarms(cases[start : start + TOGETHER], ground)
    return Trial(seed, seeds.conditions(ground), len(cases), tuple(alarms))


def _alarms(cases: Sequence[Case], ground: Ground) -> list[str]:
    run: RunResult = rehearse(cases, ground)
    told = []
    for result in run.cases:
        if result.verdict is not Verdict.PASS:
            told.append(f"{result.case.id}: {result.verdict.word}: {result.reason or 'see its findings'}")
        found = [each for each in result.findings if each.verdict is not Verdict.PASS]
        told += [f"{result.case.id}: {f.system}/{f.kind}/{f.name} {f.outcome}: {f.reason}" for f in found]
    lost = [each for each in run.bystanders if each.verdict is not Verdict.PASS]
    told += [f"a bystander: {f.system}/{f.kind}/{f.name} {f.outcome}: {f.reason}" for f in lost]
    if not told and run.verdict is not Verdict.PASS:
        told = [f"the run: {run.verdict.word}: {'; '.join(run.notes)}"]
    return told
