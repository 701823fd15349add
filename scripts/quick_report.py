#!/usr/bin/env python3
"""Measures what each special path for a common case saves: QUICK in kernel/lib/compiler.h.

usage: quick_report.py

Builds the release kernel without one of them after the other, and counts guest instructions with and without it. Prints
the operation that gains the most, and the others that gain. Fails if one saves less than 10 % and less than 60
instructions. The release shape must be built (make quick-report).
"""

import dataclasses
import glob
import os
import re
import subprocess
import sys

import bench
from bench_machine import JACINTH, Failure, count_median

KERNEL = "build/quick-report/jacinth.elf"
LEAST_SHARE = 0.1
LEAST_INSTRUCTIONS = 60
SHOWN_SHARE = 0.02  # less than that may come from where the compiler and the linker place other code


def names():
    found = []
    for path in sorted(glob.glob("kernel/**/*.[ch]", recursive=True)):
        with open(path, encoding="utf-8") as file:
            found += re.findall(r"(?<!#define )\bQUICK\((\w+),", file.read())
    return found


def count_without(name):
    command = ["make", "-s", "BUILD=release", f"QUICK_OFF={name}", KERNEL]
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    if subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False).returncode:
        raise Failure(f"without {name} the kernel does not build")
    return count_median(dataclasses.replace(JACINTH, kernel=KERNEL))


def gains(figures, without):
    """[(share, instructions saved, operation, instructions without)], the largest share first."""
    saved = [((without[key] - figures[key]) / without[key], without[key] - figures[key], key, without[key]) for key in figures]
    return sorted((gain for gain in saved if gain[0] >= SHOWN_SHARE), reverse=True)


def show(name, found):
    """Prints the gains, and returns whether one is enough."""
    is_enough = any(share >= LEAST_SHARE or saved >= LEAST_INSTRUCTIONS for share, saved, *_ in found)
    texts = [f"{key}: {saved:.0f} of {all_of_it:.0f} ({share:.0%})" for share, saved, key, all_of_it in found]
    print(f"{'' if is_enough else 'TOO LITTLE '}{name}: " + (", ".join(texts) or "nothing"), flush=True)
    return is_enough


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    figures = count_median(JACINTH)
    are_enough = [show(name, gains(figures, count_without(name))) for name in names()]
    return 0 if all(are_enough) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"quick_report: {failure}")
