"""README, CHANGELOG, Makefile and the distribution tell the same story."""

from __future__ import annotations

import re
import tomllib

from harness import __version__
from tests.docs.markdown import ROOT, page, pages

AMERICAN = re.compile(
    r"\b(behavior|color|favorite|canceled|labeled|unauthorized|authorized|organization|recogniz\w+|normaliz\w+|"
    r"catalog|center|analyz\w+|artifact|honored|serializ\w+)\b",
    re.IGNORECASE,
)


def test_the_changelog_knows_this_version() -> None:
    first = page("CHANGELOG.md").headings()[1]
    assert re.match(rf"{re.escape(__version__)}\b", first), first


def test_the_first_screen_has_both_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    screen = "\n".join(text.splitlines()[:40])
    assert "make demo" in screen
    assert "make test" in screen


def test_every_make_target_that_is_named_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    shell = "".join(block.text for each in pages() for block in each.blocks if block.info == ("sh",))
    spans = "\n".join(span for each in pages() for line in each.lines for span in re.findall(r"`([^`]+)`", line))
    named = set(re.findall(r"^make ([a-z]+)", f"{shell}\n{spans}", re.MULTILINE))
    assert {"demo", "test", "check"} <= named
    assert named <= targets, named - targets
    phony = set(re.search(r"^\.PHONY:(.*)$", makefile, re.MULTILINE)[1].split())  # type: ignore[index]
    assert phony == targets


def test_no_setting_of_pytest_needs_a_package_of_dev() -> None:
    """`exitproof run` in a checkout reads them too."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert set(settings) <= {"testpaths", "addopts", "filterwarnings", "markers", "xfail_strict"}
    assert "timeout" not in settings["addopts"]


def test_spelling_is_british() -> None:
    found = [
        f"{each.name}:{number}: {word[0]}"
        for each in pages()
        for number, line in each.prose()
        for word in AMERICAN.finditer(line)
    ]
    assert not found, found


def test_no_path_of_one_machine_is_in_a_page() -> None:
    found = [
        f"{each.name}:{number}"
        for each in pages()
        for number, line in enumerate(each.path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"(?<![\w.])/(home|root|work)/", line)
    ]
    assert not found, found
