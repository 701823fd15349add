#!/usr/bin/env python3
"""Shows where the instructions of an operation go.

usage: profile_operation.py [--rooms] [KEY...]

The benchmark program warms up, then QEMU runs it one instruction at a time and logs each. Functions and their shares;
with --rooms only what each part of the system takes. Without a key the operations are listed; KEY.cpus2 is a latency
with 2 CPUs. The release shape must be built (make profile OP=KEY).
"""

import argparse
import collections
import os
import re
import subprocess
import sys

from elf_symbols import Symbols
from jacinth_qemu import EXIT_GOOD, Boot, Watch, run_boot

KERNEL = "build/release/jacinth.elf"
ARCHIVE = "build/release/bootfs.cpio"
PROGRAM = "build/release/programs/bench/bench"
KERNEL_HALF = 1 << 63
OPERATIONS = 8  # in the round that is logged: PROFILED_OPERATIONS of tests/bench/bench.c
TURNS = 1  # the seed for several CPUs
FUNCTIONS_SHOWN = 120
ENTRY = "entry_"

# What a function is there for: the first pattern that fits its file and name.
ROOMS = (
    ("user", r"tests/bench/|libc/|generated/"),
    ("exit", r"syscall_(done|return)$|:exception_return$|:before_return$"),
    ("entry", r"arch/x86_64/(syscall_entry|exceptions)"),
    ("copy", r"user_(copy|access|range|fault|pointer)|/(string|bulk)\.|:mem(set|cpy)$"),
    ("look-up", r"kernel/(object|syscall)/handle_"),
    ("call", r"kernel/syscall/"),
    ("queue", r"kernel/(object|ipc)/|:object_"),
    ("lock", r"kernel/lock/|:(spin|preempt|interrupts|cpu_preempt)_"),
    ("wake", r"kernel/sched/|arch/x86_64/(include/arch/|)(context|fpu|clock|local_apic|interrupt|cpu)"),
    ("memory", r"kernel/mm/|arch/x86_64/(include/arch/|)(paging|layout)|kernel/lib/|:slab_"),
)
ROOM_NAMES = [name for name, _ in ROOMS] + ["other"]


def locate(path, addresses):
    """{address: (room, function)}: of several functions inlined into each other, the innermost."""
    tool = os.environ.get("ADDR2LINE", "addr2line")
    text = "".join(f"{address:#x}\n" for address in addresses)
    answer = subprocess.run([tool, "-a", "-f", "-i", "-e", path], input=text, capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^0x([0-9a-f]+)\n(.*)\n(.*):\S+", answer, re.MULTILINE)
    return {int(address, 16): (room_of(f"{file}:{function}"), function) for address, function, file in found}


def room_of(place):
    return next((name for name, pattern in ROOMS if re.search(pattern, place)), "other")


class ProfilingWatch(Watch):
    """Turns the log on once the program is warm."""

    log = ""

    def _converse(self):
        if self.log == "" and "@metric warm" in self.console():
            self.log = None
            self.qmp.monitor("singlestep on")
            self.qmp.monitor("log exec,nochain")
            self.type("\r")

    def _exited(self):
        with open(f"{self.folder}/qemu.log", encoding="utf-8", errors="replace") as file:
            self.boot.trace = [int(pc, 16) for pc in re.findall(r"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", file.read(), re.MULTILINE)]
        return super()._exited()


def operations():
    """What the program can measure: each operation has an entry in its table (tests/bench/bench.h)."""
    return sorted(name.removeprefix(ENTRY) for name in Symbols(PROGRAM).by_name if name.startswith(ENTRY))


def split_key(key):
    """(operation, CPUs, operations in the logged round): NAME.cpusN is a latency, of which a round has only one."""
    name, _, cpus = key.partition(".cpus")
    return (name, int(cpus), 1) if cpus.isdigit() else (key, 1, OPERATIONS)


def trace(key):
    """(address of each instruction of the logged round, where the program lies)."""
    name, cpus, _ = split_key(key)
    boot = Boot(f"profile.{key}", kernel=KERNEL, archive=ARCHIVE, cpus=cpus, icount=0, turns=TURNS if cpus > 1 else None,
                command_line=f"jacinth.run=bench/bench,profile={name},cpus={cpus}")  # fmt: skip
    outcome = run_boot(boot, ProfilingWatch)
    base = re.search(r"^@metric warm (\d+) address", outcome.results, re.MULTILINE)
    if outcome.kind != "exit" or outcome.status != EXIT_GOOD or not base:
        sys.exit(f"{key}: {outcome.explanation}\n{outcome.console}")
    return boot.trace, int(base.group(1))


def cut_round(addresses, symbols, base):
    """What lies between the last instruction of bench_start and the first of bench_stop."""
    start, stop = (base + symbols.by_name[name] for name in ("bench_start", "bench_stop"))
    last = addresses.index(stop)
    first = max(at for at in range(last) if addresses[at] == start)
    while symbols.function_at(addresses[first] - base) == "bench_start":
        first += 1
    return addresses[first:last]


def profile(key):
    """Instructions of one operation, by (room, function), on all CPUs."""
    addresses, base = trace(key)
    symbols = Symbols(PROGRAM)
    counts = collections.Counter(cut_round(addresses, symbols, base))
    places = locate(KERNEL, [address for address in counts if address >= KERNEL_HALF])
    own = [address - base for address in counts if symbols.function_at(address - base)]
    places.update((base + address, place) for address, place in locate(PROGRAM, own).items())
    totals = collections.Counter()
    _, _, operations_logged = split_key(key)
    for address, count in counts.items():
        totals[places.get(address, ("user", "(another program)"))] += count / operations_logged
    return totals


def rooms(counts):
    """Instructions for each room."""
    totals = dict.fromkeys(ROOM_NAMES, 0.0)
    for (room, _), count in counts.items():
        totals[room] += count
    return totals


def show(key, counts):
    total = sum(counts.values())
    print(f"{key}: {total:.0f} instructions")
    for room, count in sorted(rooms(counts).items(), key=lambda item: -item[1]):
        if count:
            print(f"  {room:8} {count:9.1f} {100 * count / total:5.1f} %")
    print()
    for (room, function), count in sorted(counts.items(), key=lambda item: -item[1])[:FUNCTIONS_SHOWN]:
        print(f"  {count:9.1f} {100 * count / total:5.1f} %  {room:8} {function}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", action="store_true")
    parser.add_argument("keys", nargs="*")
    options = parser.parse_args()
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    known = operations()
    if not options.keys:
        print("make profile OP=KEY shows where the instructions of an operation go:", *known, sep="\n  ")
    for key in options.keys:
        if split_key(key)[0] not in known:
            sys.exit(f"{key} is not an operation that can be profiled; make profile lists them")
        counts = profile(key)
        if options.rooms:
            print(key, " ".join(f"{room} {count:.0f}" for room, count in rooms(counts).items()))
        else:
            show(key, counts)


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        os._exit(0)  # whoever read this has seen enough
