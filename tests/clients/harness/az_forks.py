"""The Azure CLI without its seconds of imports: a program for the CLI's own environment, not for that of the tests.

One process imports what commands have needed so far and does nothing else; each command is a fork of it, in which the CLI's own
`python -m azure.cli` begins, runs and ends as ever. The environment is the process's own, so there is one for each profile.

Each line of standard input is a command, `{"words": ["group", "list"], "stdout": "/tmp/1", "stderr": "/tmp/2"}`; one line with its
exit code is the answer, negative when a signal ended it.
"""

import atexit
import contextlib
import importlib
import json
import os
import runpy
import sys
import threading


def tell(pipe: int) -> None:
    """Which modules a command needed, when all else is over."""
    with os.fdopen(pipe, "w") as told:
        json.dump(list(sys.modules), told)


def become(command: dict, pipe: int) -> None:
    """The command's standard streams and words are this process's from now on."""
    streams = (os.devnull, os.O_RDONLY), (command["stdout"], os.O_WRONLY), (command["stderr"], os.O_WRONLY)
    for number, (path, mode) in enumerate(streams):
        opened = os.open(path, mode)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv[1:] = command["words"]
    atexit.register(tell, pipe)


def learn(names: list[str], tried: set[str]) -> None:
    """Imports what the last command needed, as far as this finds it. Nothing of it may run beside: a fork would not have it."""
    for name in names:
        if name not in tried:
            tried.add(name)
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    assert threading.active_count() == 1, threading.enumerate()


def next_command() -> None:
    """Returns in a process of the command's own; this one goes on until there are no more."""
    answers, tried = os.fdopen(os.dup(1), "w", buffering=1), set()
    for line in sys.stdin:
        needed, pipe = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(needed)
            become(json.loads(line), pipe)
            return
        os.close(pipe)
        with os.fdopen(needed) as told:
            text = told.read()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers)
        learn(json.loads(text or "[]"), tried)
    sys.exit()


# What `python -m` puts there, instead of this file's folder.
sys.path[0] = os.getcwd()
next_command()
runpy.run_module("azure.cli", run_name="__main__", alter_sys=True)
