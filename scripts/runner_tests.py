"""Tests of the runner itself: what it must not believe, and that it leaves nothing behind."""

import os
import subprocess
import sys
import tempfile
import textwrap
import time
import xml.etree.ElementTree as ElementTree

from call_errors import DEFINITIONS, judge, seen_errors
from comment_names import FILE, Names, comments, unknown_names, without_comments
from jacinth_qemu import Outcome
from results import BadRecords, Case, Task, crash_report, missing_from, parse_records, write_junit
from syscalls import read_definitions
from turns import Run, hash_of, kept_runs, name_replay

GROUP = "runner"

WHOLE = "@program a\n@begin a\n@pass a one\n@fail a two why not\n@skip a three no such thing\n@metric cost 60 instructions\n@done 1 1\n"
UNBELIEVABLE = {
    "silence": "",
    "records_without_an_end": WHOLE.replace("@done 1 1\n", ""),
    "a_count_too_high": WHOLE.replace("@done 1 1", "@done 2 1"),
    "a_failure_not_counted": WHOLE.replace("@done 1 1", "@done 1 0"),
    "records_after_the_end": WHOLE + "@pass a four\n",
    "two_ends": WHOLE + "@done 1 1\n",
    "a_test_reported_twice": "@begin a\n@pass a one\n@pass a one\n@done 2 0\n",
    "no_test_at_all": "@done 0 0\n",
    "text_among_the_records": WHOLE.replace("@pass", "hello\n@pass"),
    "half_an_error": WHOLE.replace("@pass", "@error 1\n@pass"),
    "half_a_record": WHOLE.replace("@pass a one", "@pass a"),
}


def is_refused(text):
    try:
        parse_records(text, GROUP)
    except BadRecords:
        return True
    return False


def whole_records_are_believed():
    cases, metrics = parse_records(WHOLE, GROUP)
    found = [(case.name, case.status, case.text) for case in cases]
    expected = [("a.one", "passed", ""), ("a.two", "failed", "why not"), ("a.three", "skipped", "no such thing")]
    return found == expected and metrics == {"cost": (60.0, "instructions")}


def programs_without_a_test_are_missed():
    text = "@program a\n@program b\n@begin x\n@pass x one\n@program c\n@begin y\n@skip y two why\n"
    return missing_from(text, ["a", "b", "c", "d"], "@program") == ["a", "d"]


def areas_without_a_test_are_missed():
    return missing_from("@begin a\n@begin b\n@fail b one why\n", ["a", "b", "c"], "@begin") == ["a", "c"]


CALLS = """
0 zx zx_status_t a()
  errors NOT_FOUND BAD_HANDLE (NO_MEMORY)
1 zx zx_status_t b()
"""


def errors_need_a_case_and_a_name():
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(CALLS)
        file.flush()
        calls = read_definitions(file.name)
    seen = seen_errors("@begin x\n@error 0 -11\n@pass x one\n@error 1 -2\n@error 0 -11\n@fail x two why\n")
    whole, part = ([judge(call, seen[call.number], is_whole) for call in calls] for is_whole in (True, False))
    unnamed = [f"{DEFINITIONS} does not name NOT_SUPPORTED, seen by x.two"]
    return (whole, part) == ([["no case sees NOT_FOUND"], unnamed], [[], unnamed])


CRASHES = """\
[1.0] error: process 'test/a' (12), thread 'main': page fault at 0x1, error 0x4, address 0x0
[1.0] error:   rax 1
[1.0] error:   r8 1
[1.2] error: process 'test/a' (13), thread 'main': page fault at 0x2, error 0x4, address 0x0
[1.2] error:   rax 2
[1.2] error:   r8 2
@fail zx_call works the program ended with -1024
[1.3] error: process 'test/b' (14), thread 'main': page fault at 0x3, error 0x4, address 0x0
"""


def crashes_are_shown_with_their_report():
    crashed = Case("g", "zx_call.works", "failed", "the program ended with -1024")
    late = Case("g", "zx_call.works", "failed", "the program did not end in time")
    return [crash_report(CRASHES, case) for case in (crashed, late)] == ["\n".join(CRASHES.splitlines()[3:6]), ""]


def junit_is_well_formed():
    with tempfile.NamedTemporaryFile() as file:
        write_junit(file.name, [Case("g", "one"), Case("g", "two", "failed", "<&\x00\x1b[1m\nmore"), Case("h", "three", "skipped", "why")])
        suites = ElementTree.parse(file.name).getroot()
    return [(s.get("name"), s.get("tests"), s.get("failures"), s.get("skipped")) for s in suites] == [
        ("g", "2", "1", "0"),
        ("h", "1", "0", "1"),
    ]


def failures_say_how_to_see_them_again():
    run = Run("debug", 4, 7, "jacinth.test=channel")
    cases = name_replay([Case("g", "one"), Case("g", "two", "failed", "why")], run)
    return [case.text for case in cases] == ["", "again: make replay BUILD=debug CPUS=4 TURNS=7 CMDLINE=jacinth.test=channel\nwhy"]


def seeds_need_the_line_of_the_end():
    said = "turns: seed 7, a turn ends at one of 8 points or after 100 us, 9 ended in 5 us, hash 00f41e172d683ef4 of 2 notes\n"
    outcomes = [Outcome("exit", 1, text, "", "", 0) for text in ("", "hello\n" + said, said[:60])]
    return [hash_of(outcome) for outcome in outcomes] == [None, "00f41e172d683ef4", None]


def kept_races_can_be_run():
    return all(run.shape in ("debug", "release") and run.seed > 0 and run.command_line for run in kept_runs())


COMMENTED = """/* wait_queue_gone
 * in mm/page.h */ call("/* no comment */", wait_queue_here); // wait_*, NO_MEMORY, no_such_call()
"""


def names_in_comments_must_exist():
    names = Names()
    unknown = [(number, name) for number, line in comments(COMMENTED) for name in unknown_names(line, names)]
    files = [(name, names.has_file(name)) for _, line in comments(COMMENTED.replace("NO_MEMORY", "object/gone.c")) for name in FILE.findall(line)]
    code = without_comments(COMMENTED).split()
    return (unknown, files, code[:3]) == ([(1, "wait_queue_gone"), (2, "no_such_call")], [("mm/page.h", True), ("object/gone.c", False)], ['call("/*', "no", "comment"])


def is_alive(process):
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def qemu_dies_with_the_runner():
    """Even when the runner is killed and can do nothing about it."""
    script = """
        import sys, time
        sys.path.insert(0, "scripts")
        from jacinth_qemu import Boot, Watch
        watch = Watch(Boot("orphan", kernel="build/debug/jacinth.elf", archive="build/debug/bootfs.cpio"), sys.argv[1])
        print(watch.process.pid, flush=True)
        time.sleep(60)
    """
    with tempfile.TemporaryDirectory(prefix="jacinth-") as folder:
        runner = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), folder], stdout=subprocess.PIPE, text=True)
        machine = int(runner.stdout.readline())
        was_alive = is_alive(machine)
        runner.kill()
        runner.wait()
        runner.stdout.close()
    end = time.monotonic() + 10
    while is_alive(machine) and time.monotonic() < end:
        time.sleep(0.1)
    return was_alive and not is_alive(machine)


def run():
    verdicts = {f"{name}_is_not_believed": is_refused(text) for name, text in UNBELIEVABLE.items()}
    verdicts["whole_records_are_believed"] = whole_records_are_believed()
    verdicts["programs_without_a_test_are_missed"] = programs_without_a_test_are_missed()
    verdicts["areas_without_a_test_are_missed"] = areas_without_a_test_are_missed()
    verdicts["errors_need_a_case_and_a_name"] = errors_need_a_case_and_a_name()
    verdicts["crashes_are_shown_with_their_report"] = crashes_are_shown_with_their_report()
    verdicts["junit_is_well_formed"] = junit_is_well_formed()
    verdicts["failures_say_how_to_see_them_again"] = failures_say_how_to_see_them_again()
    verdicts["seeds_need_the_line_of_the_end"] = seeds_need_the_line_of_the_end()
    verdicts["kept_races_can_be_run"] = kept_races_can_be_run()
    verdicts["names_in_comments_must_exist"] = names_in_comments_must_exist()
    if os.path.exists("/proc/self/stat"):
        verdicts["qemu_dies_with_the_runner"] = qemu_dies_with_the_runner()
    return [Case(GROUP, name, "passed" if verdict else "failed") for name, verdict in verdicts.items()]


def tasks():
    yield Task(GROUP, run)
