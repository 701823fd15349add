#!/usr/bin/env python3
"""Tests of speed: nothing got more expensive than docs/performance.json says, nothing grows that must not, limits are kept.

Guest instructions do not depend on the machine, but they do on the compiler: with another one only the limits count.
"""

import os
import sys

import bench
from bench_machine import JACINTH, Failure, count_growth, count_latencies, count_median, differences
from results import Case, Task

GROUP = "bench"

# Costs by amount, and whether that is growth.
GROWTHS = (
    ({0: 400, 10: 400, 100: 400, 1000: 400}, False),
    ({0: 400, 10: 391, 100: 391, 1000: 391}, False),
    ({0: 400, 10: 400, 100: 401, 1000: 410}, False),
    ({0: 400, 10: 400, 100: 402, 1000: 420}, True),
    ({0: 400, 10: 420, 100: 420, 1000: 420}, True),
    ({0: 400, 10: 400, 100: 420, 1000: 400}, True),
    ({0: 400, 10: 480, 100: 1200, 1000: 8400}, True),
)


def case(name, fault, seconds=0.0):
    return Case(GROUP, name, "failed" if fault else "passed", fault or "", seconds)


def check_checks():
    """What is watched for is seen when it is there."""
    keys = ("a", "b", "channel_64", "socket_4k", "roundtrip_process", "futex_roundtrip")
    saved = {"commit": "this", "operations": {key: {"instructions": 1000} for key in keys}, "latencies": {"call.cpus2": 1000}}
    good = {"a": 1029, "b": 1030, "channel_64": 1012, "socket_4k": 1012, "roundtrip_process": 1040, "futex_roundtrip": 1040, "call.cpus2": 1030}
    bad = {**good, "b": 1031, "channel_64": 1013, "roundtrip_process": 1041, "call.cpus2": 1031}
    worse = [case.name.partition(".")[0] for case in check_saved(bad, saved) if case.status == "failed"]
    gone = [case.text for case in check_saved({key: good[key] for key in good if key != "b"}, saved) if case.status == "failed"]
    above = [case.status for case in check_limits({"null_call": 60, "signal_wait": 251})]
    yield case("checks.an_operation_that_got_worse_is_named", sorted(worse) != ["b", "call", "channel_64", "roundtrip_process"] and str(worse))
    yield case("checks.an_operation_that_is_gone_is_seen", gone != ["is no longer measured"] and str(gone))
    yield case("checks.a_limit_that_is_passed_is_seen", above != ["passed", "failed"] and str(above))
    apart = differences({"a": 1000, "b": 1000, "c": 1000}, {"a": 1009, "b": 1011, "c": 989})
    yield case("checks.two_runs_that_do_not_agree_are_seen", apart != ["b: 1000 and 1011", "c: 1000 and 989"] and str(apart))
    for number, (points, is_growth) in enumerate(GROWTHS):
        fault = bench.has_growth(points) != is_growth and str(points)
        yield case(f"checks.{'growth' if is_growth else 'what_is_flat'}_is_told_{number}", fault)


def check_limits(figures):
    for key in bench.in_order(figures):
        limit, _ = bench.LIMITS.get(key, (None, None))
        if limit:
            figure = figures[key]
            yield case(f"{key}.is_within_its_limit", figure > limit and f"{figure:.0f} instructions, at most {limit}")


def saved_figures(saved):
    operations = {key: figures["instructions"] for key, figures in saved["operations"].items()}
    return {**operations, **saved["latencies"]}


def check_saved(figures, saved):
    for key, committed in saved_figures(saved).items():
        figure = figures.get(key)
        fault = None
        if figure is None:
            fault = "is no longer measured"
        elif figure > bench.most_allowed(key, committed):
            fault = f"{figure:.1f} instructions, {committed:.1f} when {saved['commit']} was measured: at most {bench.most_allowed(key, committed):.1f}"
        yield case(f"{key}.is_no_worse_than_before", fault)


def check_growth(growth):
    for key, points in growth.items():
        tolerance = bench.GROWTH_TOLERANCES.get(key, bench.GROWTH_TOLERANCE)
        yield case(f"{key}.is_flat", bench.has_growth(points, tolerance) and f"slope {bench.slope(points):.4f}: {points}")


def run():
    try:
        figures = count_median(JACINTH)
        cases = [*check_checks(), *check_limits(figures), *check_growth(count_growth(JACINTH))]
        saved = bench.load_saved()
        if saved["compiler"] == bench.compiler():
            cases += check_saved({**figures, **count_latencies(JACINTH)}, saved)
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
