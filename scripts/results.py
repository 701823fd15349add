"""What a test run says: the records on the results port, and the cases they become (docs/testing.md)."""

import dataclasses
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

# Characters that XML cannot carry.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


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
    """Some cases, found by one piece of work that keeps `cores` of this machine busy for about `cost` seconds."""

    group: str
    run: Callable[[], list[Case]]
    cost: int = 1
    cores: int = 1


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
        elif kind != "@begin" or len(words) != 2:
            raise BadRecords(f"not a record: {line}")
    _check_count(cases, done)
    return cases, metrics


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
            if case.status != "passed":
                text = _UNPRINTABLE.sub("?", case.text)
                tag = "failure" if case.status == "failed" else "skipped"
                ElementTree.SubElement(element, tag, message=text.partition("\n")[0]).text = text
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
