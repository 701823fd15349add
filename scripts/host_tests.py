"""Tests of pure code on this machine, with the address and undefined-behaviour sanitizers.

Each tests/host/NAME.c is a program. A line "Sources: FILE..." in its first comment names the files of
the kernel or of libc that it tests; tests/host/framework/*.c and what that needs is linked in as well. The program
writes the same records as a kernel does, on its standard output (docs/testing.md).
"""

import glob
import os
import re
import subprocess
import time

from jacinth_qemu import die_with_parent
from results import BadRecords, Case, Task, parse_records

OUTPUT_FOLDER = "build/host"
LIMIT_SECONDS = 300
FRAMEWORK = ["kernel/debug/lock_order.c", "kernel/mm/fail_allocation.c"]
FLAGS = [
    "-std=gnu17", "-g", "-O1", "-fno-omit-frame-pointer", "-fno-strict-aliasing", "-DJACINTH_DEBUG", "-DJACINTH_HOST",
    "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-Wall", "-Wextra", "-Werror",
    "-Itests/host/framework", "-Ikernel", "-Iarch/x86_64/include", "-Iarch/pc/include", "-Ibuild/generated", "-Ilibc",
]  # fmt: skip


def sources_of(program):
    with open(program, encoding="utf-8") as file:
        comment = file.read().partition("*/")[0]
    found = re.search(r"Sources:((?:[\s*]+[\w/.-]+\.[cS]\b)+)", comment)
    named = re.findall(r"[\w/.-]+\.[cS]\b", found.group(1)) if found else []
    return [program, *named, *sorted(glob.glob("tests/host/framework/*.c")), *FRAMEWORK]


def all_sources():
    """For editors and clang-tidy: the programs and the framework."""
    return sorted(glob.glob("tests/host/**/*.c", recursive=True))


def run_program(group, program):
    output = os.path.join(OUTPUT_FOLDER, os.path.basename(program)[:-2])
    os.makedirs(OUTPUT_FOLDER, exist_ok=True)
    compiler = os.environ.get("HOST_CC", "gcc")
    built = subprocess.run([compiler, *FLAGS, *sources_of(program), "-o", output, "-lpthread"], capture_output=True, text=True)
    if built.returncode:
        return [Case(group, "compiles", "failed", built.stderr)]
    started = time.monotonic()
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
    try:
        run = subprocess.run([output], capture_output=True, text=True, errors="replace", timeout=LIMIT_SECONDS,
                             env=environment, preexec_fn=die_with_parent)  # fmt: skip
        cases, _ = parse_records(run.stdout, group)
        if run.returncode != any(case.status == "failed" for case in cases):
            raise BadRecords(f"the records are whole, but the program ended with {run.returncode}")
    except subprocess.TimeoutExpired:
        return [Case(group, "the run", "failed", f"not done after {LIMIT_SECONDS} s")]
    except BadRecords as error:
        return [Case(group, "the run", "failed", f"{error}\n{run.stdout[-2000:]}\n{run.stderr[-8000:]}")]
    for case in cases:
        case.seconds = (time.monotonic() - started) / len(cases)
    return cases


def tasks():
    for program in sorted(glob.glob("tests/host/*.c")):
        group = "host." + os.path.basename(program)[:-2]
        yield Task(group, lambda g=group, p=program: run_program(g, p), 10)
