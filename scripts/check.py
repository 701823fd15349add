#!/usr/bin/env python3
"""Looks the sources over without running them: layout, clang-tidy, cppcheck, the rules of the house, and names in comments.

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

from comment_names import check_comment_names

C_FOLDERS = ("arch", "kernel", "libc", "user", "tests")
FILE_LINES_LIMIT = 500
# The floors of the kernel, from the ground. Nobody includes or calls from a floor above the own one.
FLOORS = (
    ("lib", "abi"), ("arch/x86_64",), ("lock",), ("debug",), ("mm",), ("sched",), ("object",), ("ipc", "task"), ("syscall",),
    ("arch/pc",), ("boot",), ("main",),
)  # fmt: skip
# The doors: headers that declare what a floor above defines. A name declared there belongs to the header's floor.
DOORS = {
    "kernel/lib/string.h": ("lib", "the memory functions that compilers call too: assembly, in arch/x86_64"),
    "kernel/lib/panic.h": ("lib", "giving up: in debug"),
    "arch/x86_64/include/arch/upcalls.h": ("arch/x86_64", "all that the processor's code calls above itself"),
    "kernel/lock/spinlock.h": ("lock", "the check of the order of locks: in debug"),
    "kernel/debug/panic.h": ("debug", "who runs, for the panic report: in task"),
    "kernel/debug/board.h": ("debug", "the serial line, the screen, the way out: in arch/pc"),
}
# What the compiler calls, and thus any room.
COMPILER_CALLS = {"__stack_chk_fail"}
INCLUDE_FOLDERS = {"arch": "arch/x86_64", "pc": "arch/pc", "syscalls": "syscall"}


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


def room_of(path):
    """The room of a source or object file: arch/x86_64, mm, ..."""
    parts = path.split("/")
    if parts[0] == "arch":
        return "/".join(parts[:2])
    return parts[1].split(".")[0] if parts[0] == "kernel" else "syscall"


def floor_of(room):
    return next((number for number, rooms in enumerate(FLOORS) if room in rooms), None)


def include_arrows():
    """(path, line number, header, its room) for each header that a file of the kernel includes."""
    for path in sorted(glob.glob("arch/**/*.[chS]", recursive=True) + glob.glob("kernel/**/*.[ch]", recursive=True)):
        for number, line in enumerate(lines_of(path), 1):
            included = re.match(r"#include <(\w+)/([^>]+)>", line)
            if included:
                folder = included.group(1)
                yield path, number, f"{folder}/{included.group(2)}", INCLUDE_FOLDERS.get(folder, folder)


def door_names():
    """The floor of each name that a door declares."""
    names = {}
    for path, (room, _) in DOORS.items():
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/|^#.*?$", "", file.read(), flags=re.DOTALL | re.MULTILINE)
        for name in re.findall(r"\b(\w+)(?=\s*[\[(])", text):
            names[name] = floor_of(room)
    return names | dict.fromkeys(COMPILER_CALLS, 0)


def symbols():
    """(source file, symbol, kind) of every object file of the debug build: all that others define or need."""
    built = sorted(glob.glob("build/debug/**/*.o", recursive=True))
    sources = {path: path.removeprefix("build/debug/").removesuffix(".o") for path in built}
    kept = [path for path, source in sources.items() if source == "generated/table.c" or (source.startswith(("arch/", "kernel/")) and os.path.exists(source))]
    listed = subprocess.run(["nm", "-A", "--extern-only", *kept], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        path, _, rest = line.partition(":")
        yield sources[path], rest.split()[-1], rest.split()[-2]


def call_arrows():
    """(source file, name, source file that defines it) for each name that an object file needs of another one."""
    every = list(symbols())
    definers = {name: source for source, name, kind in every if kind != "U"}
    return [(source, name, definers[name]) for source, name, kind in every if kind == "U" and definers.get(name, source) != source]


def check_floors():
    """The kernel's rooms include and call downward only."""
    faults, doors = [], door_names()
    for path, number, header, room in include_arrows():
        floor = floor_of(room)
        if floor is not None and floor > floor_of(room_of(path)):
            faults.append(f"{path}:{number}: includes upward: {header}")
    for source, name, definer in call_arrows():
        if doors.get(name, floor_of(room_of(definer))) > floor_of(room_of(source)):
            faults.append(f"{source}: calls upward: {name} of {definer}")
    return "\n".join(faults)


def module_of(path):
    """A file and its headers are one module: X.h, X_internal.h for what only the room may use of X.c, and X_inline.h, the
    end of X.h, for the bodies of what that declares inline."""
    return re.sub(r"(_inline|_internal)?\.\w+(\.o)?$", "", path)


def file_arrows():
    """Which modules of a room include or call which others of the same room."""
    arrows, doors = {}, door_names()
    pairs = [(path, f"kernel/{header}") for path, _, header, _ in include_arrows() if os.path.exists(f"kernel/{header}")]
    pairs += [(source, definer) for source, name, definer in call_arrows() if name not in doors]
    for path, other in pairs:
        if room_of(path) == room_of(other) and module_of(path) != module_of(other):
            arrows.setdefault(module_of(path), set()).add(module_of(other))
    return arrows


def reachable(arrows, module):
    seen, todo = set(), [module]
    while todo:
        new = arrows.get(todo.pop(), set()) - seen
        seen |= new
        todo += new
    return seen


def circles():
    """Sets of modules of one room that need each other."""
    arrows = file_arrows()
    reached = {module: reachable(arrows, module) for module in arrows}
    return sorted({tuple(sorted(other for other in reached[module] if module in reached.get(other, ()))) for module in reached if module in reached[module]})


def check_circles():
    """Inside a room too, files need each other in one direction only."""
    return "\n".join(f"these need each other: {' '.join(circle)}" for circle in circles())


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
    "circles": check_circles,
    "rules": check_rules,
    "comments": check_comment_names,
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
