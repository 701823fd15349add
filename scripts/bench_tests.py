#!/usr/bin/env python3
"""Tests of speed: nothing got more expensive than docs/performance.json says, nothing grows that must not, limits are kept.

Guest instructions do not depend on the machine, but they do on the compiler: with another one only the limits count.
"""

import os
import sys

import bench
from bench_machine import JACINTH, Failure, count_growth, count_median
from results import Case, Task

GROUP = "bench"

# Depends on the shape of a random tree, and so on every random number that was drawn before: shown, not compared.
UNSTEADY = ("map_unmap",)


def case(name, fault, seconds=0.0):
    return Case(GROUP, name, "failed" if fault else "passed", fault or "", seconds)


def check_limits(figures):
    for key in bench.in_order(figures):
        limit, _ = bench.LIMITS.get(key, (None, None))
        if limit:
            figure = figures[key]
            yield case(f"{key}.is_within_its_limit", figure > limit and f"{figure:.0f} instructions, at most {limit}")


def check_saved(figures, saved):
    for key in bench.in_order(saved["operations"]):
        committed = saved["operations"][key]["instructions"]
        figure = figures.get(key)
        fault = None
        if figure is None:
            fault = "is no longer measured"
        elif bench.is_worse(figure, committed) and key not in UNSTEADY:
            fault = f"{figure:.0f} instructions, {committed:.0f} when {saved['commit']} was measured; if that is right: make bench-save"
        yield case(f"{key}.is_no_worse_than_before", fault)


def check_growth(growth):
    for key, points in growth.items():
        yield case(f"{key}.is_flat", bench.has_growth(points) and f"slope {bench.slope(points):.4f}: {points}")


def run():
    try:
        figures = count_median(JACINTH)
        cases = [*check_limits(figures), *check_growth(count_growth(JACINTH))]
        saved = bench.load_saved()
        if saved["compiler"] == bench.compiler():
            cases += check_saved(figures, saved)
        else:
            cases.append(Case(GROUP, "no_worse_than_before", "skipped", f"measured with {saved['compiler']}"))
        return cases
    except Failure as failure:
        return [Case(GROUP, "the run", "failed", str(failure))]


def tasks():
    yield Task(GROUP, run, 10)


def main():
    """Only these, for make bench-check."""
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    cases = run()
    failed = [case for case in cases if case.status == "failed"]
    for case in failed:
        print(f"FAILED {case.name}: {case.text}")
    print(f"{sum(case.status == 'passed' for case in cases)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
