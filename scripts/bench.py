#!/usr/bin/env python3
"""Measures what each operation costs, beside Linux, and writes build/bench.json and build/bench.svg.

usage: bench.py [--save]

Guest instructions come from QEMU's instruction counter (the same on every machine), of several CPUs too; nanoseconds from runs without it
(this machine's). With --save the figures also go to docs/performance.json, docs/performance.svg and into the tables
of docs/performance.md, with a profile of each operation. The release shape must be built (make bench).
"""

import argparse
import dataclasses
import json
import os
import re
import subprocess
import sys

import bench_chart
import bench_linux
import profile_operation
from bench_machine import (
    JACINTH,
    LATENCY_CPUS,
    Failure,
    check_agreement,
    count,
    count_growth,
    count_latencies,
    count_median,
    time_against,
    time_operations,
    time_scaling,
)

OUTPUT = "build/bench.json"
CHART = "build/bench.svg"
SAVED = "docs/performance.json"
SAVED_CHART = "docs/performance.svg"
DOCUMENT = "docs/performance.md"
GROWTH_TOLERANCE = 0.03  # from the smallest amount to the largest
# The threads of a quarter as many words as there are buckets lie in the way by chance, now and then.
GROWTH_TOLERANCES = {"futex_wake_by_waiters": 0.1}
SCALING = {"scaling_own_channels": "a channel for each CPU", "scaling_shared_channel": "one channel for all"}
SCALING_CPUS = (1, 2, 4)
# Without ERMS Linux copies by words instead of by bytes, each of which counts as an instruction.
LINUX_CPU_MODELS = ("max", "max,-erms")

# What Linux has one thing for: by the first pattern that fits an operation of Jacinth, what it is called there.
SAME_IN_LINUX = (
    (r"messages_(thread|process)", r"roundtrip_\1"),
    (r"(?:channel|msgpipe|datagram)_(\d+[kh]?)", r"message_\1"),
    (r"(?:socket|datapipe|datapipe_2phase)_(\d+k?)", r"bytes_\1"),
    (r"(?:channel|msgpipe|socket|datapipe|eventpair)_create_close", "ends_create_close"),
)

# The order of the tables: by the first pattern that fits, then by size; what fits none comes last.
FAMILIES = (r"null_call", r"handle", r"(channel|msgpipe)_\d+k?$", r"(channel|msgpipe)_\d+h$", r"socket_\d", r"datagram_\d",
            r"datapipe_\d+k?$", r"datapipe_2phase", r"signal", r"wait", r"roundtrip", r"messages", r"futex", r"yield",
            r"\w+_cycle", r"page", r"map", r"boot", r"\w+_create_close")  # fmt: skip

# (must reach, aims at), in guest instructions.
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

# How many instructions more than saved an operation may take: by the first pattern that fits; the rest a share of its
# figure. Many small changes that are each worth their price add up, so these hold until the figures are saved anew.
ALLOWANCES = (
    (r"null_call", 3),
    (r"handle_dup_close", 13),
    (r"(channel|msgpipe|socket|datagram|datapipe|datapipe_2phase)_\d+[kh]?", 12),
    (r"(roundtrip|messages)_\w+|futex_roundtrip", 40),
)
SHARE_ALLOWED = 0.03


# --- figures


def slope(points):
    """Instructions for each more of what there is, by least squares."""
    mean_amount = sum(points) / len(points)
    mean_cost = sum(points.values()) / len(points)
    spread = sum((amount - mean_amount) ** 2 for amount in points)
    return sum((amount - mean_amount) * (cost - mean_cost) for amount, cost in points.items()) / spread


def has_growth(points, tolerance=GROWTH_TOLERANCE):
    """Whether the slope makes a difference over the whole range, or the cost is higher anywhere in it."""
    smallest, largest = min(points), max(points)
    growth = max(slope(points) * (largest - smallest), max(points.values()) - points[smallest])
    return growth > tolerance * points[smallest]


def most_allowed(key, saved):
    for pattern, allowance in ALLOWANCES:
        if re.fullmatch(pattern, key):
            return saved + allowance
    return saved * (1 + SHARE_ALLOWED)


def place(key):
    family = next((number for number, pattern in enumerate(FAMILIES) if re.match(pattern, key)), len(FAMILIES))
    name, size, unit = re.fullmatch(r"(.*?)_?(\d*)([kh]?)", key).groups()
    return family, name, int(size or 0) * (1024 if unit == "k" else 1), key


def in_order(keys):
    return sorted(keys, key=place)


def name_in_linux(key):
    for pattern, name in SAME_IN_LINUX:
        if found := re.fullmatch(pattern, key):
            return found.expand(name)
    return key


def count_linux(linux):
    """{Jacinth's operation: {CPU model: instructions, "operation": what Linux does there}}: of several ways the cheapest.
    Linux names its operations KEY__WAY."""
    runs = {model: count(dataclasses.replace(linux, cpu_model=model)) for model in LINUX_CPU_MODELS}
    check_agreement(linux, runs[LINUX_CPU_MODELS[0]])
    found = {}
    for name in runs[LINUX_CPU_MODELS[0]]:
        key = name.partition("__")[0]
        figures = {model: runs[model][name] for model in LINUX_CPU_MODELS}
        if key not in found or min(figures.values()) < found[key]["instructions"]:
            found[key] = {**figures, "instructions": min(figures.values()), "operation": name}
    return found


def add_linux(operations, linux):
    """Puts what Linux takes beside each operation that it has, and times both side by side."""
    found = count_linux(linux)
    counted = {key: found[name_in_linux(key)] for key in operations if name_in_linux(key) in found}
    keys = list(counted)
    pairs = {key: counted[key]["operation"] for key in keys if key != "boot"}
    timed = time_against(dataclasses.replace(linux, cpu_model=LINUX_CPU_MODELS[-1]), pairs)
    for key in keys:
        operations[key]["ns"], ns, ratio = timed[key]
        _, _, way = counted[key]["operation"].partition("__")
        operations[key]["linux"] = {**counted[key], "operation": way, "ns": ns, "ns_ratio": ratio}


def prepare_linux():
    try:
        return bench_linux.prepare()
    except Failure as failure:
        print(f"Linux cannot be had, so Jacinth is measured alone: {failure}\n")
        return None


def measure(linux):
    """Everything that goes into build/bench.json as "operations"."""
    check_agreement(JACINTH, count(JACINTH))
    counted = count_median(JACINTH)
    timed = time_operations([key for key in counted if key != "boot"])
    operations = {key: {"instructions": counted[key], "ns": timed[key]} for key in in_order(counted)}
    if linux:
        add_linux(operations, linux)
    return operations


def measure_scaling(linux):
    """{(system, key): {CPUs: operations in a millisecond}}."""
    systems = [JACINTH] + ([dataclasses.replace(linux, cpu_model=LINUX_CPU_MODELS[-1])] if linux else [])
    scaling = {}
    for system in systems:
        for cpus in SCALING_CPUS:
            for key, throughput in time_scaling(system, SCALING, cpus).items():
                scaling.setdefault((system.name, key), {})[cpus] = throughput
    return scaling


# --- tables


def table(header, rows):
    """A table in Markdown; all columns but the first are numbers."""
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rule, *rows])


def number(value):
    return "" if value is None else f"{value:,.0f}"


def operations_table(operations):
    """One line for each operation; what Linux does in its place stands behind the slash."""
    has_linux = any("linux" in figures for figures in operations.values())
    models = [f"Linux, `-cpu {model}`" for model in LINUX_CPU_MODELS]
    header = ["operation", "Jacinth", "must reach", "aims at", "ns"]
    if has_linux:
        header = ["operation / in Linux", *header[1:4], *models, "ratio", "Jacinth, ns", "Linux, ns", "ratio"]
    rows = []
    for key in in_order(operations):
        figures = operations[key]
        ours = [number(figure) for figure in (figures["instructions"], *LIMITS.get(key, (None, None)))]
        theirs = linux_columns(figures) if has_linux else [number(figures["ns"])]
        way = figures.get("linux", {}).get("operation")
        rows.append([f"`{key}`" + (f" / {way}" if way else ""), *ours, *theirs])
    return table(header, rows)


def linux_columns(figures):
    theirs = figures.get("linux")
    if not theirs:
        return ["", "", "", number(figures["ns"]), "", ""]
    ratio = theirs["instructions"] / figures["instructions"]
    return [*(number(theirs[model]) for model in LINUX_CPU_MODELS), f"{ratio:.1f}",
            number(figures["ns"]), number(theirs["ns"]), f"{theirs['ns_ratio']:.1f}"]  # fmt: skip


def growth_table(growth):
    rows = []
    for key in sorted(growth):
        points = growth[key]
        costs = ", ".join(f"{amount:,}: {cost:,.0f}" for amount, cost in points.items())
        rows.append([f"`{key}`", costs, f"{slope(points):+.4f}"])
    return table(["operation, by what there is of", "amount: instructions", "slope"], rows)


def latency_table(latencies):
    rows = [[f"`{key}`", *(number(latencies[f"{key}.cpus{cpus}"]) for cpus in LATENCY_CPUS)]
            for key in sorted({key.partition(".")[0] for key in latencies})]  # fmt: skip
    return table(["instructions of all CPUs, with CPUs:", *map(str, LATENCY_CPUS)], rows)


def scaling_table(scaling):
    rows = [[f"{system}, {SCALING[key]}", *(number(throughputs[cpus]) for cpus in SCALING_CPUS)]
            for (system, key), throughputs in scaling.items()]  # fmt: skip
    return table(["messages in a millisecond, with CPUs:", *map(str, SCALING_CPUS)], rows)


def profile_table(keys):
    rooms = profile_operation.ROOM_NAMES
    rows = []
    for key in in_order(keys):
        if key == "boot":
            continue
        shares = profile_operation.rooms(profile_operation.profile(key))
        rows.append([f"`{key}`", *(number(shares[room]) if shares[room] else "" for room in rooms)])
    return table(["operation", *rooms], rows)


# --- what is kept


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
        return {"operations": {}, "latencies": {}, "compiler": None}


def write_text(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def write_json(path, value):
    write_text(path, json.dumps(value, indent=2) + "\n")


def replace_table(text, name, content):
    pattern = f"(<!-- table: {name} -->\n).*?(<!-- end -->)"
    if not re.search(pattern, text, re.DOTALL):
        raise Failure(f"{DOCUMENT} has no place for the table {name}")
    return re.sub(pattern, lambda found: f"{found.group(1)}{content}\n{found.group(2)}", text, flags=re.DOTALL)


def commit():
    run = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return run.stdout.strip() or "unknown"


def save(operations, latencies, tables, linux):
    taken = {"commit": commit(), "compiler": compiler()}
    if linux:
        taken["linux"] = bench_linux.version(linux)
    write_json(SAVED, {**taken, "operations": operations, "latencies": latencies})
    write_text(SAVED_CHART, bench_chart.draw(operations))
    with open(DOCUMENT, encoding="utf-8") as file:
        text = file.read()
    beside = f" Linux is {taken['linux']}." if linux else ""
    text = replace_table(text, "taken", f"Taken at commit {taken['commit']}, compiled with {taken['compiler']}.{beside}")
    text = replace_table(text, "profile", profile_table(operations))
    for name, content in tables.items():
        text = replace_table(text, name, content)
    write_text(DOCUMENT, text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    linux = prepare_linux()
    operations = measure(linux)
    latencies = count_latencies(JACINTH)
    write_json(OUTPUT, {"operations": operations, "latencies": latencies})
    write_text(CHART, bench_chart.draw(operations))
    tables = {"operations": operations_table(operations)}
    tables["latency"] = latency_table(latencies)
    tables["growth"] = growth_table(count_growth(JACINTH))
    tables["scaling"] = scaling_table(measure_scaling(linux))
    for text in tables.values():
        print(text + "\n")
    if options.save:
        save(operations, latencies, tables, linux)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"bench: {failure}")
