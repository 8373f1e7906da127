"""The README's list of scenarios is the list of tests, and `docs/compat.md` points at these names."""

import ast
import re
import shlex
from functools import cache
from pathlib import Path

from harness.commands import help_of

HERE = Path(__file__).parent


def dashed(name: str) -> str:
    """`test_take_over` and `TestTakeOver` as `take-over`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().removeprefix("test_")
    return words.replace("_", "-")


@cache
def scenarios() -> list[str]:
    """`session/will/sent-when-the-socket-ends`: file, class where there is one, function."""
    found = []
    for file in sorted(HERE.glob("test_*.py")):
        for node in ast.parse(file.read_text()).body:
            inside, prefix = ([node], []) if isinstance(node, ast.FunctionDef) else ([], [])
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                inside, prefix = node.body, [dashed(node.name)]
            tests = [each for each in inside if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")]
            found += ["/".join([dashed(file.stem), *prefix, dashed(test.name)]) for test in tests]
    return found


def test_scenarios_are_listed():
    listed = re.findall(r"^- `([^`]+)`", (HERE / "README.md").read_text(), re.MULTILINE)
    assert listed == scenarios()


def test_compat_names_tests_that_exist():
    """`refusal-dps/*` stands for all of a file, `node-service/twins/*` for all of a class in it."""
    text = (HERE.parents[1] / "docs" / "compat.md").read_text()
    files = {name.split("/")[0] for name in scenarios()}
    named = {name for name in re.findall(r"`([a-z0-9-]+/[a-z0-9/*-]+)`", text) if name.split("/")[0] in files}
    classes = {"/".join(name.split("/")[:2]) for name in scenarios() if name.count("/") == 2}
    assert named and named <= {*scenarios(), *(f"{group}/*" for group in files | classes)}


def typed(text: str) -> tuple[tuple[str, ...], list[str]]:
    """The command and the long options of a line: `iot hub create … --sku S1` is `iot hub create`, and `--sku`."""
    words = shlex.split(re.split(r" [|>#]", text)[0], comments=True)
    at = next((at for at, word in enumerate(words) if not re.fullmatch(r"[a-z0-9-]*[a-z0-9]", word) or word[0] == "-"), len(words))
    return tuple(words[:at]), [word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)]


def unknown(lines: list[str]) -> list[str]:
    """Which of these lines name a command or an option that is not there."""
    wrong = []
    for line in lines:
        command, options = typed(line)
        found = help_of(command)
        if found is None or any(not re.search(rf"{option}\b", found) for option in options):
            wrong.append(line)
    return wrong


def test_compat_names_commands_that_exist():
    """The table of the seeds: each command that `roadstead` is said to have, it has, with those options."""
    text = (HERE.parents[1] / "docs" / "compat.md").read_text()
    table = text.partition("### Every command of the seeds")[2].partition("\n| the server itself")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines() if row.startswith("| 0")]
    assert len(rows) > 15 and all(row[3] == "yes" and row[4] for row in rows)
    lines = [row[1].partition("`")[2].partition("`")[0] for row in rows]
    assert unknown(lines) == []


def test_readme_shows_commands_that_exist():
    """What a reader pastes: every line of README.md that begins with `roadstead`."""
    text = (HERE.parents[1] / "README.md").read_text()
    lines = re.findall(r"^roadstead (.*)$", text, re.MULTILINE)
    assert len(lines) > 5 and unknown(lines) == []
