#!/usr/bin/env python3
"""Which errors of which system call have a case in the tests of user mode.

usage: call_errors.py

Prints, after `make test`, a case that saw each error. The errors of a call are named by kernel/abi/syscalls.def.
A run of all programs must see each of them, and no run may see another one (docs/testing.md).
"""

import re
import sys
import xml.etree.ElementTree as ElementTree

from results import RESULTS_FILE, Case
from syscalls import read_definitions

DEFINITIONS = "kernel/abi/syscalls.def"
STATUS = re.compile(r"^#define ZX_ERR_(\w+) \((-\d+)\)", re.MULTILINE)
SUITE = "errors"  # the cases made here are errors.zx_channel_write, ...


def error_names():
    with open("kernel/abi/errors.h", encoding="utf-8") as file:
        return {int(number): name for name, number in STATUS.findall(file.read())}


def seen_errors(records):
    """{number of the call: {error: [the tests that saw it]}}. What a test saw stands before its verdict."""
    names, seen, waiting = error_names(), {}, []
    for line in records.splitlines():
        words = line.split()
        if words[:1] == ["@error"]:
            waiting.append((int(words[1]), names.get(int(words[2]), words[2])))
        elif words[:1] in (["@pass"], ["@fail"], ["@skip"]):
            for number, error in waiting:
                seen.setdefault(number, {}).setdefault(error, []).append(f"{words[1]}.{words[2]}")
            waiting = []
    return seen


def best(call, tests):
    """The test that is named after the call, if there is one."""
    return next((test for test in tests if test.partition(".")[0] in call.spellings()), tests[0])


def judge(call, seen, is_whole):
    """What is wrong with the errors of one call, in words; an empty list: nothing."""
    faults = [f"{DEFINITIONS} does not name {error}, seen by {tests[0]}" for error, tests in seen.items() if error not in call.errors]
    if is_whole:
        faults += [f"no case sees {error}" for error in call.errors if error not in seen and error not in call.errors_without_case]
    return faults


def check_errors(group, records, is_whole):
    """A case for each call with errors, if all programs ran; else only the failures."""
    all_seen, cases = seen_errors(records), []
    for call in read_definitions(DEFINITIONS):
        seen = all_seen.get(call.number, {})
        faults = judge(call, seen, is_whole)
        if faults:
            cases.append(Case(group, f"{SUITE}.{call.spellings()[0]}", "failed", "\n".join(faults)))
        elif is_whole and call.errors:
            table = [f"{error}: {best(call, seen[error]) if error in seen else 'there is memory left in these tests'}" for error in call.errors]
            cases.append(Case(group, f"{SUITE}.{call.spellings()[0]}", text="\n".join(table)))
    return cases


def main():
    tables = {}
    for case in ElementTree.parse(RESULTS_FILE).getroot().iter("testcase"):
        if case.get("name").startswith(f"{SUITE}."):
            table = case.findtext("system-out") or case.findtext("failure")
            tables.setdefault(case.get("name").partition(".")[2], table)
    if not tables:
        sys.exit(f"{RESULTS_FILE} has no run of all test programs")
    for call, table in tables.items():
        print(call + "".join(f"\n    {line}" for line in table.splitlines()))


if __name__ == "__main__":
    main()
