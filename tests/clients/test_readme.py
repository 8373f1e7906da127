"""The README's list of scenarios is the list of tests, and `docs/compat.md` points at these names."""

import ast
import re
from functools import cache
from pathlib import Path

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
