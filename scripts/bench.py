#!/usr/bin/env python3
"""Measures what each operation costs and writes build/bench.json.

usage: bench.py [--save]

Guest instructions come from QEMU's instruction counter (the same on every machine), nanoseconds from a run without it
(this machine's). Two runs with the same random numbers must agree; of several with others, for programs lie at random places, the median
counts. With --save the figures also go to docs/performance.json and into the tables of
docs/performance.md, with a profile of each operation. The release shape must be built (make bench).
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys

import profile_operation
from jacinth_qemu import EXIT_GOOD, Boot, run_boot
from results import BadRecords, parse_records

KERNEL = "build/release/jacinth.elf"
ARCHIVE = "build/release/bootfs.cpio"
OUTPUT = "build/bench.json"
SAVED = "docs/performance.json"
DOCUMENT = "docs/performance.md"
GROWTH = "growth."
CALIBRATION = "calibration_per_thousand"
CALIBRATION_TOLERANCE = 1.0  # of a thousand instructions
SEEDS = (1, 2, 3, 4, 5)  # of what is random in the guest: where programs and mappings lie
AGREEMENT = 0.01  # of two counted runs
WORSE = 0.03  # than the committed figure
GROWTH_TOLERANCE = 0.03  # from the smallest amount to the largest

# (must reach, aims at), in guest instructions. An operation without a limit has None.
LIMITS = {
    "null_call": (60, 45),
    "handle_dup_close": (250, 180),
    "channel_64": (450, 320),
    "channel_4k": (2000, 1600),
    "channel_64k": (20000, 18000),
    "channel_1h": (750, 550),
    "channel_64h": (7000, 4500),
    "msgpipe_64": (480, None),
    "socket_64": (400, None),
    "datapipe_64": (400, None),
    "datapipe_2phase_4k": (600, None),
    "signal_wait": (250, 200),
    "wait_many_64": (6000, None),
    "roundtrip_thread": (None, 460),
    "roundtrip_process": (1500, 460),
    "futex_roundtrip": (1200, 800),
    "thread_cycle": (6000, 4000),
    "process_cycle": (60000, 40000),
    "page_fault": (1500, 1000),
    "boot": (30000000, 15000000),
}


class Failure(Exception):
    """The figures cannot be had, or cannot be believed."""


def measure(unit, seed, words=""):
    """One boot of the benchmark: {name: figure}."""
    icount = 0 if unit == "instructions" else None
    boot = Boot("bench", kernel=KERNEL, archive=ARCHIVE, cpus=1, icount=icount, silence=120,
                extra=("-seed", str(seed)), command_line=f"jacinth.run=bench/bench,unit={unit}{words}")  # fmt: skip
    outcome = run_boot(boot)
    try:
        _, metrics = parse_records(outcome.results, boot.name)
    except BadRecords as error:
        raise Failure(f"{error}; {outcome.explanation}\n{outcome.results}{outcome.console}") from error
    if outcome.kind != "exit" or outcome.status != EXIT_GOOD:
        raise Failure(f"{outcome.explanation}\n{outcome.results}")
    return {name: figure for name, (figure, _) in metrics.items()}


def count_instructions(seed, words=""):
    """As measure; believed only if the loop of known length has its length."""
    figures = measure("instructions", seed, words)
    calibration = figures.pop(CALIBRATION)
    if abs(calibration - 1000) > CALIBRATION_TOLERANCE:
        raise Failure(f"a thousand instructions are counted as {calibration}")
    return figures


def count_operations():
    runs = [count_instructions(seed) for seed in SEEDS]
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def count_growth():
    """{operation: {amount: instructions}}."""
    growth = {}
    for name, figure in count_instructions(SEEDS[0], ",growth=1").items():
        if name.startswith(GROWTH):
            _, key, amount = name.split(".")
            growth.setdefault(key, {})[int(amount)] = figure
    return growth


def check_agreement():
    """The counter is no clock: the same run twice gives the same figures."""
    first, second = count_instructions(SEEDS[0]), count_instructions(SEEDS[0])
    different = [f"{key}: {first[key]} and {second[key]}" for key in first if abs(first[key] - second[key]) > AGREEMENT * first[key]]
    if different:
        raise Failure("two runs do not agree: " + "; ".join(different))


def slope(points):
    """Instructions for each more of what there is, by least squares."""
    mean_amount = sum(points) / len(points)
    mean_cost = sum(points.values()) / len(points)
    spread = sum((amount - mean_amount) ** 2 for amount in points)
    return sum((amount - mean_amount) * (cost - mean_cost) for amount, cost in points.items()) / spread


def has_growth(points):
    """Whether the slope makes a difference over the whole range."""
    smallest, largest = min(points), max(points)
    return slope(points) * (largest - smallest) > GROWTH_TOLERANCE * points[smallest]


def is_worse(figure, committed):
    return figure > committed * (1 + WORSE)


def compiler():
    """What the kernel was compiled with, as its objects say: figures of another one cannot be compared."""
    with open("build/release/kernel/main.c.o", "rb") as file:
        found = re.search(rb"GCC: \([^)]*\) [^\0]*|clang version [^\0]*", file.read())
    return found.group(0).decode() if found else "unknown"


def load_saved():
    try:
        with open(SAVED, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {"operations": {}, "compiler": None}


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2)
        file.write("\n")


def in_order(keys):
    known = list(LIMITS)
    return sorted(keys, key=lambda key: (known.index(key) if key in known else len(known), key))


# --- tables


def table(header, rows):
    """A table in Markdown; all columns but the first are numbers."""
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rule, *rows])


def number(value):
    return "" if value is None else f"{value:,.0f}"


def operations_table(operations):
    rows = []
    for key in in_order(operations):
        must, aim = LIMITS.get(key, (None, None))
        figures = operations[key]
        rows.append([f"`{key}`", number(figures["instructions"]), number(must), number(aim), number(figures["ns"])])
    return table(["operation", "instructions", "must reach", "aims at", "ns"], rows)


def growth_table(growth):
    rows = []
    for key in sorted(growth):
        points = growth[key]
        costs = ", ".join(f"{amount:,}: {cost:,.0f}" for amount, cost in points.items())
        rows.append([f"`{key}`", costs, f"{slope(points):+.4f}"])
    return table(["operation, by what there is of", "amount: instructions", "slope"], rows)


def profile_table(keys):
    rooms = profile_operation.ROOM_NAMES
    rows = []
    for key in in_order(keys):
        if key == "boot":
            continue
        shares = profile_operation.rooms(profile_operation.profile(key))
        rows.append([f"`{key}`", *(number(shares[room]) if shares[room] else "" for room in rooms)])
    return table(["operation", *rooms], rows)


def replace_table(text, name, content):
    pattern = f"(<!-- table: {name} -->\n).*?(<!-- end -->)"
    if not re.search(pattern, text, re.DOTALL):
        raise Failure(f"{DOCUMENT} has no place for the table {name}")
    return re.sub(pattern, lambda found: f"{found.group(1)}{content}\n{found.group(2)}", text, flags=re.DOTALL)


def commit():
    run = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return run.stdout.strip() or "unknown"


def save(operations, growth):
    taken = {"commit": commit(), "compiler": compiler()}
    write_json(SAVED, {**taken, "operations": {key: operations[key] for key in in_order(operations)}, "growth": growth})
    with open(DOCUMENT, encoding="utf-8") as file:
        text = file.read()
    text = replace_table(text, "taken", f"Taken at commit {taken['commit']}, compiled with {taken['compiler']}.")
    text = replace_table(text, "operations", operations_table(operations))
    text = replace_table(text, "growth", growth_table(growth))
    text = replace_table(text, "profile", profile_table(operations))
    with open(DOCUMENT, "w", encoding="utf-8") as file:
        file.write(text)


def run():
    """Measures everything: (operations as in build/bench.json, growth tables)."""
    check_agreement()
    counted = count_operations()
    timed = measure("ns", SEEDS[0])
    return {key: {"instructions": counted[key], "ns": timed[key]} for key in in_order(counted)}, count_growth()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    operations, growth = run()
    write_json(OUTPUT, {"operations": operations})
    print(operations_table(operations))
    print()
    print(growth_table(growth))
    if options.save:
        save(operations, growth)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"bench: {failure}")
