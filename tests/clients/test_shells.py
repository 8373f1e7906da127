"""Completion in bash, zsh and fish, each by the shell itself; the pages of the manual, as `man` shows them. No server is needed."""

import os
import re
import shutil
import subprocess
import tempfile

import pytest

from harness.commands import help_of, tree
from harness.server import binary
from harness.terminal import Terminal

# What is typed, and what Tab offers among other things.
OFFERED = [
    ("", ["dev", "iot", "completions"]),
    ("iot hub mon", ["monitor-events", "monitor-feedback"]),
    ("iot dps enrollment-group sh", ["show"]),
    ("iot hub create --part", ["--partition-count"]),
    ("iot hub policy renew-key --renew-key ", ["primary", "secondary", "swap"]),
    ("completions ", ["bash", "zsh", "fish"]),
]


def run(*command, **options) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


def shell(name: str) -> str:
    return shutil.which(name) or pytest.skip(f"there is no {name} here: `./test` installs it")


@pytest.fixture
def script(tmp_path):
    """Writes the script of a shell."""

    def write(name: str):
        done = run(binary(), "completions", name)
        assert (done.returncode, done.stderr) == (0, "")
        file = tmp_path / f"roadstead.{name}"
        file.write_text(done.stdout)
        return file

    return write


def in_bash(script, lines: list[str]) -> list[list[str]]:
    """What bash offers for each line, by the function that the script registered."""
    asked = ""
    for line in lines:
        words = ["roadstead", *line.split(" ")]
        quoted = " ".join(f"'{word}'" for word in words)
        asked += f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; COMPREPLY=()\n"
        asked += f"$function roadstead '{words[-1]}' '{words[-2]}'; echo \"${{COMPREPLY[@]}}\"\n"
    program = f"set -eu; . '{script}'; registered=$(complete -p roadstead); set +eu\n"
    program += "function=${registered#*-F }; function=${function%% *}\n" + asked
    done = run("bash", "--norc", "-c", program)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split() for line in done.stdout.splitlines()]


def in_fish(script, lines: list[str]) -> list[list[str]]:
    """What fish offers for each line, without the descriptions."""
    asked = "".join(f"echo '> '; complete -C 'roadstead {line}'\n" for line in lines)
    with tempfile.TemporaryDirectory() as home:
        done = run(shell("fish"), "--no-config", "-c", f"source {script}\n{asked}", env={"HOME": home, "PATH": os.environ["PATH"]})
    assert (done.returncode, done.stderr) == (0, "")
    return [[line.split("\t")[0] for line in offered.splitlines()] for offered in done.stdout.split("> \n")[1:]]


def aliases(words: tuple[str, ...], name: str) -> bool:
    """Whether it is another name of a command."""
    return help_of((*words, name)) is not None


class TestBash:
    def test_parses(self, script):
        assert run("bash", "-n", script("bash")).stderr == ""

    def test_offers(self, script):
        offered = in_bash(script("bash"), [typed for typed, _ in OFFERED])
        for (typed, wanted), words in zip(OFFERED, offered, strict=True):
            assert set(wanted) <= set(words), f"{typed!r}: {words}"

    def test_knows_every_command(self, script):
        groups = {words: below for words, below in tree().items() if below}
        offered = in_bash(script("bash"), [" ".join((*words, "")) for words in groups])
        assert len(groups) > 20
        for (words, below), found in zip(groups.items(), offered, strict=True):
            assert set(below) <= set(found), f"{words}: {found}"


class TestZsh:
    def test_parses(self, script):
        assert run(shell("zsh"), "-n", script("zsh")).stderr == ""

    def test_completes_what_is_typed(self, script, tmp_path):
        """Typed into a terminal: the command runs only if Tab completed both words."""
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "roadstead").symlink_to(binary())
        environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "HOME": str(tmp_path), "TERM": "vt100"}
        terminal = Terminal([shell("zsh"), "-f", "-i"], environment)
        try:
            terminal.type(f"autoload -U compinit && compinit -u -D && . '{script('zsh')}' && echo re''ady\n")
            terminal.read_until(r"ready\r?\n")
            terminal.type("roadstead iot hub consum\tlis\t--help\n")
            assert "List consumer groups" in terminal.read_until(r"--hub-name")
        finally:
            terminal.end()


class TestFish:
    def test_parses(self, script):
        assert run(shell("fish"), "--no-execute", script("fish")).stderr == ""

    def test_offers(self, script):
        offered = in_fish(script("fish"), [typed for typed, _ in OFFERED])
        for (typed, wanted), words in zip(OFFERED, offered, strict=True):
            assert set(wanted) <= set(words), f"{typed!r}: {words}"

    def test_knows_every_command(self, script):
        """And nothing else: `roadstead` has no words of its own but commands."""
        groups = {words: below for words, below in tree().items() if below}
        offered = in_fish(script("fish"), [" ".join((*words, "")) for words in groups])
        for (words, below), found in zip(groups.items(), offered, strict=True):
            assert set(below) <= set(found), f"{words}: {found}"
            assert all(name in below or aliases(words, name) for name in found), f"{words}: {found}"


class TestManual:
    @pytest.fixture(scope="class")
    def pages(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("manual") / "man1"
        assert run(binary(), "man", folder).returncode == 0
        return folder

    def test_a_page_for_each_command(self, pages):
        names = {"-".join(("roadstead", *words)) + ".1" for words in tree()}
        assert {page.name for page in pages.iterdir()} == names

    def test_pages_lead_to_pages(self, pages):
        """Nothing is listed that `man` would not find, and every page but the first leads to the one above."""
        for page in pages.iterdir():
            text = page.read_text().replace("\\-", "-").replace("\\fB", "").replace("\\fR", "")
            named = set(re.findall(r"\b(roadstead[a-z0-9-]*)\(1\)", text))
            assert {name for name in named if not (pages / f"{name}.1").is_file()} == set(), page.name
            assert named or page.name == "roadstead.1", page.name

    def test_roff_without_warnings(self, pages):
        shell("groff")
        done = run("groff", "-ww", "-z", "-man", "-Tutf8", *sorted(pages.iterdir()))
        assert (done.returncode, done.stderr) == (0, "")

    def test_read_by_man(self, pages):
        environment = {"PATH": os.environ["PATH"], "MANPATH": str(pages.parent), "MANWIDTH": "100", "LC_ALL": "C.UTF-8"}
        done = run(shell("man"), "roadstead-iot-hub-monitor-events", env=environment)
        assert done.returncode == 0, done.stderr
        assert "Roadstead Manual" in done.stdout.splitlines()[0]
        for expected in ("NAME\n", "--device-id", "EXAMPLES\n", "roadstead iot hub monitor-events -n dev -d thermo-7"):
            assert expected in done.stdout, f"{expected!r} is not in {done.stdout}"

    def test_refusal(self, tmp_path):
        (tmp_path / "file").write_text("")
        done = run(binary(), "man", tmp_path / "file" / "man1")
        assert done.returncode == 1 and done.stderr.startswith("error: cannot write")
