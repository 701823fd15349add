"""Runs with jacinth.turns: the seed decides which CPU does what when, and the same seed does it again (docs/testing.md)."""

import dataclasses
import glob
import os
import re
import shlex

KEPT_FILE = "scripts/races.txt"
CPUS = (2, 4)
DEFAULT_SEEDS = (1,)
SELFTEST = re.compile(r"^SELFTEST\((\w+),", re.MULTILINE)
DEBUG_ONLY = "#ifdef JACINTH_DEBUG\n"
HASH = re.compile(r"^turns: seed .* hash ([0-9a-f]{16}) ", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Run:
    """All that decides what a machine does."""

    shape: str
    cpus: int
    seed: int
    command_line: str

    @property
    def name(self):
        return f"{self.shape}.cpus{self.cpus}.seed{self.seed}.{self.command_line.replace(' ', '_')}"

    @property
    def replay(self):
        """What a person types to see the run again."""
        return f"make replay BUILD={self.shape} CPUS={self.cpus} TURNS={self.seed} CMDLINE={shlex.quote(self.command_line)}"

    def options(self):
        return {"cpus": self.cpus, "turns": self.seed, "command_line": self.command_line}


def hash_of(outcome):
    """Who ran where, in order; None: the machine did not come to its end."""
    found = HASH.search(outcome.console)
    return found.group(1) if found else None


def name_replay(cases, run):
    """Each failure says how to see it again."""
    for case in cases:
        if case.status == "failed":
            case.text = f"again: {run.replay}\n{case.text}"
    return cases


# --- what there is to run


def user_programs():
    folders = glob.glob("tests/user/*/")
    return sorted(name for name in (os.path.basename(folder[:-1]) for folder in folders) if name != "framework")


def kernel_areas(shape):
    """Files that only debug builds have something in say so before their first test."""
    areas = set()
    for path in glob.glob("tests/kernel/*.c"):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if shape == "debug" or DEBUG_ONLY not in text.partition("\nSELFTEST")[0]:
            areas.update(SELFTEST.findall(text))
    return sorted(areas)


def command_lines(suite, pattern):
    """A boot for each program, so that a replay is short; the kernel's tests take one."""
    if suite == "kernel":
        return [f"jacinth.selftest={pattern}"]
    return [f"jacinth.test={program}" for program in (user_programs() if pattern == "1" else [pattern])]


def matching(words, shape):
    """The command lines of all programs and areas whose names contain one of the words; without words, all. A word with
    '=' is taken as it is: user=channel.write, kernel=sched."""
    exact = {"user": "jacinth.test", "kernel": "jacinth.selftest"}
    named = [word.partition("=") for word in words if "=" in word]
    plain = [word for word in words if "=" not in word]
    lines = [f"{exact[suite]}={pattern}" for suite, _, pattern in named]
    if plain or not words:
        lines += [f"jacinth.test={name}" for name in user_programs() if not plain or any(word in name for word in plain)]
        lines += [f"jacinth.selftest={name}" for name in kernel_areas(shape) if not plain or any(word in name for word in plain)]
    return lines


def kept_runs():
    """The races that were found once."""
    with open(KEPT_FILE, encoding="utf-8") as file:
        lines = [line.partition("#")[0].split(None, 3) for line in file]
    return [Run(words[0], int(words[1]), int(words[2]), words[3].strip()) for words in lines if words]
