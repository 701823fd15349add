#!/usr/bin/env python3
"""Looks the sources over without running them: layout, clang-tidy, cppcheck, and the rules of the house.

usage: check.py [--format] [WORD...]

--format lays C sources out as .clang-format says instead. With words, only the checks so named.
"""

import concurrent.futures
import filecmp
import glob
import itertools
import os
import re
import subprocess
import sys
import time

C_FOLDERS = ("arch", "kernel", "libc", "user", "tests")
FILE_LINES_LIMIT = 500
# The floors of the kernel, from the ground. Nobody includes from a floor above the own one. arch/x86_64 stands on two:
# its headers know the ground only, its sources also log, panic, locks and memory.
FLOORS = (("lib", "abi"), ("arch",), ("debug", "lock"), ("mm",), ("sched",), ("object",), ("ipc", "task"), ("syscall", "syscalls"), ("pc",), ("boot", "main.h"))


def files(*endings):
    found = itertools.chain.from_iterable(glob.glob(f"{folder}/**/*", recursive=True) for folder in C_FOLDERS)
    return sorted(path for path in found if path.endswith(endings))


def run(*command):
    """What the command complained of, or nothing."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if result.returncode == 0 else (result.stdout + result.stderr).strip() or f"{command[0]} failed"


def check_format():
    return run("clang-format", "--dry-run", "-Werror", "--ferror-limit=1", *files(".c", ".h"))


def tidy(path):
    result = run("clang-tidy", "--quiet", path)
    return "\n".join(line for line in result.splitlines() if not re.fullmatch(r"\d+ (warning|error)s? .*generated\..*", line))


def check_tidy():
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return "\n".join(filter(None, pool.map(tidy, files(".c"))))


def check_cppcheck():
    return run(
        "cppcheck", "--quiet", "--project=compile_commands.json", "--enable=warning,performance,portability",
        "--library=scripts/cppcheck.cfg", "--inline-suppr", "--suppress=*:tests/*", "--error-exitcode=1",
        "--suppress=comparePointers",  # the linker's symbols for the two ends of a section
        "--suppress=va_end_missing:kernel/debug/panic.c",  # where nothing comes after
        f"-j{os.cpu_count()}",
    )  # fmt: skip


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def floor_of(name):
    for number, rooms in enumerate(FLOORS):
        if name.split("/")[0] in rooms:
            return number
    return None


def check_floors():
    """The kernel's rooms include downward only."""
    faults = []
    for path in glob.glob("arch/**/*.[chS]", recursive=True) + glob.glob("kernel/*/*.[ch]"):
        in_processor = "arch" if "/include/" in path else "mm"
        own = floor_of(in_processor if path.startswith("arch/x86_64/") else path.split("/", 1)[1])
        for number, line in enumerate(lines_of(path), 1):
            included = re.match(r"#include <([^>]+)>", line)
            floor = floor_of(included.group(1)) if included else None
            if floor is not None and floor > own:
                faults.append(f"{path}:{number}: includes upward: {included.group(1)}")
    return "\n".join(faults)


def check_rules():
    """Assembly stays in arch, files stay short, nothing is left for later."""
    faults = []
    for path in files(".c", ".h", ".S"):
        lines = lines_of(path)
        if len(lines) > FILE_LINES_LIMIT:
            faults.append(f"{path}: {len(lines)} lines")
        for number, line in enumerate(lines, 1):
            if re.search(r"\b(TODO|FIXME|XXX)\b", line):
                faults.append(f"{path}:{number}: something is left for later")
            if path.startswith("kernel/") and re.search(r"\b(__asm__|asm)\b", line):
                faults.append(f"{path}:{number}: assembly outside of arch")
    return "\n".join(faults)


def check_manual():
    """docs/syscalls.md says what kernel/abi/syscalls.def says."""
    same = os.path.exists("docs/syscalls.md") and filecmp.cmp("build/generated/syscalls/manual.md", "docs/syscalls.md", shallow=False)
    return "" if same else "docs/syscalls.md is old: run make docs"


def check_scripts():
    """Every script is at least well-formed."""
    shell = [run("sh", "-n", path) for path in glob.glob("scripts/*.sh")] + [run("bash", "-n", ".ci/run")]
    python = [run(sys.executable, "-c", f"compile(open({path!r}).read(), {path!r}, 'exec')") for path in glob.glob("scripts/**/*.py", recursive=True)]
    return "\n".join(filter(None, shell + python))


CHECKS = {
    "format": check_format,
    "floors": check_floors,
    "rules": check_rules,
    "manual": check_manual,
    "scripts": check_scripts,
    "cppcheck": check_cppcheck,
    "clang-tidy": check_tidy,
}


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    words = sys.argv[1:]
    if words == ["--format"]:
        complaint = run("clang-format", "-i", *files(".c", ".h"))
        sys.exit(complaint or 0)
    failed = 0
    for name, check in CHECKS.items():
        if words and name not in words:
            continue
        started = time.monotonic()
        complaint = check()
        failed += bool(complaint)
        print(f"{name}: {'FAILED' if complaint else 'ok'} ({time.monotonic() - started:.1f} s)", flush=True)
        if complaint:
            print("    " + complaint.replace("\n", "\n    "), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
