"""Every command of the command line, as its own help lists them; no server is needed."""

import re
import subprocess
from functools import cache

from .server import binary


@cache
def help_of(words: tuple[str, ...]) -> str | None:
    """What `--help` prints, `None` when there is no such command."""
    done = subprocess.run([binary(), *words, "--help"], capture_output=True, text=True, timeout=30)
    return done.stdout if done.returncode == 0 else None


def below(words: tuple[str, ...]) -> list[str]:
    """The commands right below a command."""
    listed = (help_of(words) or "").partition("\nCommands:\n")[2].partition("\n\n")[0]
    names = re.findall(r"^  ([a-z][a-z0-9-]*)", listed, re.MULTILINE)
    return [name for name in names if name != "help"]


@cache
def tree() -> dict[tuple[str, ...], list[str]]:
    """Each command, `()` for `roadstead` itself, with those right below it."""
    found, waiting = {}, [()]
    while waiting:
        words = waiting.pop()
        found[words] = below(words)
        waiting += [(*words, name) for name in found[words]]
    return found
