"""What a test run says: the records on the results port, and the cases they become (docs/testing.md)."""

import dataclasses
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

RESULTS_FILE = "build/test-results.xml"

# Characters that XML cannot carry.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

# A program that the kernel ended for an exception, and what the log then says (kernel/task/user_exception.c).
CRASHED = -1024
CRASH_LINES = 3
_CRASH = re.compile(r"process '.*' \(\d+\), thread '.*': .* at 0x")


# Records that stand around the cases, and how many words each has.
RECORD_WORDS = {"@program": 2, "@begin": 2, "@error": 3}


@dataclasses.dataclass
class Case:
    """One test. `group` is the run it belongs to, such as debug.pvh.cpus2.kernel."""

    group: str
    name: str
    status: str = "passed"  # passed, failed, skipped
    text: str = ""
    seconds: float = 0.0


@dataclasses.dataclass
class Task:
    """Some cases, found by one piece of work that keeps `cores` of this machine busy for about `cost` seconds. A deep one
    is left to make soak: it repeats, in another way, what the others look at."""

    group: str
    run: Callable[[], list[Case]]
    cost: int = 1
    cores: int = 1
    is_deep: bool = False


class BadRecords(Exception):
    """The records contradict themselves or break off: the run proves nothing."""


def parse_records(text, group):
    """The cases and metrics of one run; raises BadRecords unless the closing record is there and right."""
    cases, metrics, done = [], {}, None
    for line in text.splitlines():
        words = line.split(None, 3)
        if not words:
            continue
        if done:
            raise BadRecords(f"a record after the closing one: {line}")
        kind = words[0]
        if kind in ("@pass", "@fail", "@skip") and len(words) >= 3:
            status = {"@pass": "passed", "@fail": "failed", "@skip": "skipped"}[kind]
            cases.append(Case(group, f"{words[1]}.{words[2]}", status, words[3] if len(words) > 3 else ""))
        elif kind == "@metric" and len(words) == 4:
            metrics[words[1]] = (float(words[2]), words[3])
        elif kind == "@done" and len(words) == 3:
            done = int(words[1]), int(words[2])
        elif kind not in RECORD_WORDS or len(words) != RECORD_WORDS[kind]:
            raise BadRecords(f"not a record: {line}")
    _check_count(cases, done)
    return cases, metrics


def missing_from(text, wanted, mark):
    """Those of the wanted programs (mark "@program") or areas ("@begin") that ran no test."""
    counts, name = {}, None
    for line in text.splitlines():
        words = line.split()
        if words[:1] == [mark] and len(words) == 2:
            name = words[1]
        elif words[:1] in (["@pass"], ["@fail"], ["@skip"]):
            counts[name] = counts.get(name, 0) + 1
    return [name for name in wanted if name not in counts]


def crash_report(console, case):
    """What the kernel said when the program of this test crashed: the last report above the test's own record. Tests
    crash programs on purpose too, so a program that did not end by an exception has none."""
    if case.status != "failed" or f"ended with {CRASHED}" not in case.text:
        return ""
    lines = console.splitlines()
    record = f"@fail {case.name.replace('.', ' ', 1)} "
    end = next((number for number, line in enumerate(lines) if record in line), len(lines))
    first = next((number for number in range(end - 1, -1, -1) if _CRASH.search(lines[number])), None)
    return "" if first is None else "\n".join(lines[first : min(first + CRASH_LINES, end)])


def _check_count(cases, done):
    if not done:
        last = f" after {cases[-1].name}" if cases else ""
        raise BadRecords(f"the records break off{last}: no closing record")
    seen = tuple(sum(case.status == status for case in cases) for status in ("passed", "failed"))
    if seen != done:
        raise BadRecords(f"the closing record counts {done[0]} passed, {done[1]} failed; seen were {seen[0]} and {seen[1]}")
    if sum(seen) == 0:
        raise BadRecords("not one test ran")
    names = [case.name for case in cases]
    doubles = {name for name in names if names.count(name) > 1}
    if doubles:
        raise BadRecords(f"reported twice: {', '.join(sorted(doubles))}")


def write_junit(path, cases):
    root = ElementTree.Element("testsuites")
    for group in dict.fromkeys(case.group for case in cases):
        members = [case for case in cases if case.group == group]
        suite = ElementTree.SubElement(
            root, "testsuite", name=group, tests=str(len(members)),
            failures=str(sum(case.status == "failed" for case in members)),
            skipped=str(sum(case.status == "skipped" for case in members)),
            time=f"{sum(case.seconds for case in members):.3f}",
        )  # fmt: skip
        for case in members:
            element = ElementTree.SubElement(
                suite, "testcase", classname=group, name=case.name, time=f"{case.seconds:.3f}"
            )
            text = _UNPRINTABLE.sub("?", case.text)
            if case.status == "passed" and text:
                ElementTree.SubElement(element, "system-out").text = text
            elif case.status != "passed":
                tag = "failure" if case.status == "failed" else "skipped"
                ElementTree.SubElement(element, tag, message=text.partition("\n")[0]).text = text
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
