#!/usr/bin/env python3
"""Looks for races: runs tests with one seed after the other, each seed another interleaving of the CPUs.

usage: races.py [--seeds N] [--first SEED] [--shape SHAPE] [--cpus "N..."] [--cores N] [WORD...]

With words, only the test programs and the areas of the kernel's tests whose names contain one of them; user=channel.write
and kernel=sched name what is run. Each failure is shown with the command that shows it again.
"""

import argparse
import itertools
import os
import sys
import time

import turns
from results import Task
from run_tests import run_all, run_turns


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--shape", default="debug")
    parser.add_argument("--cpus", type=lambda text: [int(word) for word in text.split()], default=turns.CPUS)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("words", nargs="*")
    return parser.parse_args()


def runs_of(options):
    """All programs with one seed, then all with the next."""
    lines = turns.matching(options.words, options.shape)
    if not lines:
        sys.exit(f"no test has one of these words in its name: {' '.join(options.words)}")
    seeds = range(options.first, options.first + options.seeds)
    return [turns.Run(options.shape, cpus, seed, line) for seed, cpus, line in itertools.product(seeds, options.cpus, lines)]


def show(run, cases, failed):
    bad = [case for case in cases if case.status == "failed"]
    if not bad:
        return
    failed.append(run)
    for case in bad:
        print(f"FAILED {run.name} {case.name}: " + case.text.rstrip().replace("\n", "\n    "), flush=True)


def main():
    options = parse_arguments()
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    started, failed, number = time.monotonic(), [], itertools.count(1)
    runs = {run.name: run for run in runs_of(options)}
    tasks = [Task(run.name, lambda r=run: run_turns(r.name, [r])) for run in runs.values()]

    def finished(task, cases, _):
        show(runs[task.group], cases, failed)
        done = next(number)
        if done % 50 == 0 or done == len(tasks):
            print(f"[{done}/{len(tasks)}] {len(failed)} failed, {time.monotonic() - started:.0f} s", flush=True)

    run_all(tasks, options.cores, finished)
    print(f"{len(tasks)} runs, {len({run.seed for run in runs.values()})} seeds, {len(failed)} failed")
    for run in failed:
        print(run.replay)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        os._exit(130)  # each QEMU ends with this program
