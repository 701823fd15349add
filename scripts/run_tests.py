#!/usr/bin/env python3
"""Runs every test of Jacinth and says what came of it.

usage: run_tests.py [--cores N] [--turns "SEED..."] [--silence SECONDS] [--compiler clang] [--soak] [--list] [WORD...]

With words, only the tests whose group contains one of them: run_tests.py user, run_tests.py debug.pvh. A word
with a '=' narrows what the kernel runs: kernel=slab, kernel=slab.name, user=channel, user=channel.name.
--turns gives the seeds of the runs whose interleaving is chosen by one (docs/testing.md), --silence how long a test may say
nothing. --compiler clang runs what is run of the build that clang made (make test-clang). --soak runs the deep tests too,
as do words that name them.
Both shapes must be built, with their CD images (make test does). Results also go to build/test-results.xml.
"""

import argparse
import collections
import glob
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import bench_tests
import boot_failures
import build_tests
import call_errors
import host_tests
import mkbootfs
import mutants_tests
import readme_tests
import runner_tests
import turns
import unread_line
from jacinth_qemu import EXIT_FAILURES, EXIT_GOOD, Boot, run_boot
from results import RESULTS_FILE, BadRecords, Case, Task, crash_report, missing_from, parse_records, write_junit

CONSOLE_LINES_SHOWN = 40
CLANG_PROGRAMS = ("channel", "fpu", "libc", "memory", "sync", "syscall", "task")
FIRST_SEED, OTHER_SEEDS = 1, (2, 3)
REPEATS, SOAK_REPEATS = 3, 100  # runs of one seed, which must be the same run
patience = argparse.Namespace(silence=120)  # guest seconds that tests may be silent (--silence)


def image(shape, name):
    return f"build/{shape}/{name}"


def kernel_for(shape, command_line):
    """The kernel's own tests are not in the release kernel that users run (scripts/kernel.mk)."""
    return "jacinth_with_tests.elf" if shape.startswith("release") and "jacinth.selftest" in command_line else "jacinth.elf"


def make_boot(name, shape, **options):
    files = {"kernel": image(shape, kernel_for(shape, options.get("command_line", ""))), "archive": image(shape, "bootfs.cpio"), "iso": image(shape, "jacinth.iso")}
    return Boot(name, **{**files, **options})


def report(outcome):
    console = "\n".join(outcome.console.splitlines()[-CONSOLE_LINES_SHOWN:])
    return f"{outcome.explanation}\n--- end of the console ---\n{console}"


def run_recorded(boot):
    """A boot that reports its own tests. It is believed only if records, counts and exit status agree."""
    outcome = run_boot(boot)
    cases = []
    try:
        cases, _ = parse_records(outcome.results, boot.name)
        has_failed = any(case.status == "failed" for case in cases)
        expected = EXIT_FAILURES if has_failed else EXIT_GOOD
        if outcome.kind != "exit" or outcome.status != expected:
            raise BadRecords("the records are whole, but the machine did not end as they say")
    except BadRecords as error:
        return salvage(outcome, boot.name) + [Case(boot.name, "the run", "failed", f"{error}\n{report(outcome)}")]
    for case in cases:
        case.seconds = outcome.seconds / len(cases)
        case.text = "\n".join(filter(None, (case.text, crash_report(outcome.console, case))))
    is_whole = "jacinth.test=1" in boot.command_line.split()
    return cases + missing_cases(boot, outcome.results) + call_errors.check_errors(boot.name, outcome.results, is_whole)


def missing_cases(boot, results):
    """A run of everything has each program of tests/user/, or each area of the kernel's tests, with a test at least."""
    words = boot.command_line.split()
    if "jacinth.test=1" in words:
        missing = missing_from(results, turns.user_programs(), "@program")
    elif "jacinth.selftest=1" in words:
        missing = missing_from(results, turns.kernel_areas(shape_of(boot)), "@begin")
        if boot.icount is not None and "\n@metric pieces." not in results:
            missing.append("cleaner_pieces.measured")  # its tests pass where nothing can be measured
    else:
        missing = []
    return [Case(boot.name, name, "failed", "ran no test in a run of all: is it in the boot archive or the kernel?") for name in missing]


def shape_of(boot):
    """The folder of its kernel is named after it, and what it was built without: debug, debug-plain."""
    return os.path.basename(os.path.dirname(boot.kernel)).partition("-")[0]


def salvage(outcome, group):
    """The failures of a run that cannot be believed are still worth reading; its successes do not count."""
    failures = [line.split(None, 3) for line in outcome.results.splitlines() if line.startswith("@fail ")]
    return [Case(group, ".".join(words[1:3]), "failed", "".join(words[3:])) for words in failures if len(words) >= 3]


def run_recorded_from_cd(boot):
    """A CD image carries its command line, so it takes an image of its own."""
    with tempfile.TemporaryDirectory(prefix="jacinth-iso-") as folder:
        boot.iso = os.path.join(folder, "test.iso")
        subprocess.run(["sh", "scripts/mkiso.sh", boot.kernel, boot.archive, boot.iso, boot.command_line], check=True)
        return run_recorded(boot)


def recorded_task(shape, road, cpus, suite, pattern, cost, copy="", **options):
    option = {"kernel": "jacinth.selftest", "user": "jacinth.test"}[suite]
    name = f"{shape}.{road}.cpus{cpus}.{suite}"
    command_line = f"{option}={pattern}" + (f" jacinth.copy={copy}" if copy else "")
    boot = make_boot(name, shape, cpus=cpus, silence=patience.silence, command_line=command_line, **options)
    run = run_recorded if boot.loader == "pvh" else run_recorded_from_cd
    return Task(name, lambda: run(boot), cost, boot.cores)


def matrix(patterns):
    """CPUs take turns in one host thread, as a rule: several cost no more than their instructions. Where they really run
    at once they mostly wait for each other on a loaded machine, so that is done for one shape only. With icount one CPU
    runs the same instructions between the same interrupts each time: what fails there fails again; several CPUs do so
    in the runs of turns_tests. How much is copied is chosen for some, for each routine to be tried whatever is quickest where this runs."""
    copies = {1: "bytes", 2: "vectors", 4: ""}
    for shape, cpus, suite in itertools.product(("debug", "release"), copies, ("kernel", "user")):
        cost = 30 + (20 if shape == "debug" else 0)
        task = recorded_task(shape, "pvh", cpus, suite, patterns[suite], cost, copies[cpus])
        task.is_deep = (shape, cpus) in {("release", 1), ("debug", 4)}  # icount and turns have them
        yield task
    for suite in ("kernel", "user"):  # without the special paths of QUICK
        yield recorded_task("debug-plain", "pvh", 2, suite, patterns[suite], cost=50)
    for suite in ("kernel", "user"):
        yield recorded_task("release", "parallel", 2, suite, patterns[suite], cost=100, is_parallel=True)
        yield recorded_task("release", "icount", 1, suite, patterns[suite], cost=40, icount=3)
    yield recorded_task("debug", "uefi", 2, "kernel", patterns["kernel"], cost=20, loader="uefi")
    from_cd = recorded_task("release", "bios", 1, "user", patterns["user"], cost=30, loader="bios")
    from_cd.is_deep = True  # the smoke tests boot from a CD
    yield from_cd


def clang_tests(patterns):
    """What clang makes of the same sources: the kernel's tests, and the programs that lean most on compiler and libc."""
    yield recorded_task("debug-clang", "pvh", 2, "kernel", patterns["kernel"], cost=50)
    for program in CLANG_PROGRAMS if patterns["user"] == "1" else [patterns["user"]]:
        name = f"debug-clang.pvh.cpus2.{program.partition('.')[0]}.user"
        boot = make_boot(name, "debug-clang", cpus=2, silence=patience.silence, command_line=f"jacinth.test={program}")
        yield Task(name, lambda b=boot: run_recorded(b), 10)


def run_turns(group, runs):
    """One boot after the other; what fails says how to see it again."""
    found = (turns.name_replay(run_recorded(make_boot(group, run.shape, silence=patience.silence, **run.options())), run) for run in runs)
    return list(itertools.chain.from_iterable(found))


def run_kept(group):
    """Of each run that found a race once only the verdict counts."""
    for run in turns.kept_runs():
        failed = [case for case in run_turns(group, [run]) if case.status == "failed"]
        yield Case(group, run.name, "failed" if failed else "passed", "\n".join(case.text for case in failed))


def hashes(group, shape, cpus, seeds):
    runs = [turns.Run(shape, cpus, seed, "jacinth.test=wait") for seed in seeds]
    return [turns.hash_of(run_boot(make_boot(group, shape, **run.options()))) for run in runs]


def run_repeats(group, shape, cpus, repeats):
    """A seed is the same run each time, and each seed is another run. None: a run that did not come to its end."""
    again = hashes(group, shape, cpus, [FIRST_SEED] * repeats)
    said = f"runs of one seed, by hash: {dict(collections.Counter(again))}"
    yield Case(group, "one_seed_is_one_run", "failed" if None in again or len(set(again)) > 1 else "passed", said)
    seeds = [again[0], *hashes(group, shape, cpus, OTHER_SEEDS)]
    said = f"hashes of the seeds {FIRST_SEED} and {OTHER_SEEDS}: {seeds}"
    yield Case(group, "another_seed_is_another_run", "failed" if None in seeds or len(set(seeds)) < len(seeds) else "passed", said)


def turns_tests(patterns, seeds, repeats):
    """Everything with several CPUs whose interleaving a seed chooses. Debug builds have the points where it can."""
    for cpus, seed, suite in itertools.product(turns.CPUS, seeds, ("kernel", "user")):
        name = f"debug.turns.cpus{cpus}.seed{seed}.{suite}"
        runs = [turns.Run("debug", cpus, seed, line) for line in turns.command_lines(suite, patterns[suite])]
        yield Task(name, lambda n=name, r=runs: run_turns(n, r), 90 if suite == "user" else 40)
    if turns.kept_runs():
        yield Task("turns.kept", lambda: list(run_kept("turns.kept")), 10)
    for shape, cpus in (("debug", 4), ("release", 2)):
        name = f"{shape}.turns.cpus{cpus}.repeats"
        yield Task(name, lambda n=name, s=shape, c=cpus: list(run_repeats(n, s, c, repeats)), 2 * repeats)


def long_tests():
    """What takes too long for the matrix, once. Not called .user: it is not for who narrows user=."""
    name = "release.long.cpus2.ring"
    boot = make_boot(name, "release", cpus=2, silence=patience.silence, command_line="jacinth.test=channel.channel_ring_million")
    yield Task(name, lambda: run_recorded(boot), 60, boot.cores)
    name = "release.long.cpus1.stacks"
    command_line = "jacinth.selftest=mm_kernel_heap.stacks_end_with_the_memory_only"
    large = make_boot(name, "release", cpus=1, silence=patience.silence, command_line=command_line, memory="1280M")
    yield Task(name, lambda: run_recorded(large), 20, large.cores)


def run_smoke(boot, *expected):
    """A boot to the prompt, a few commands, and off."""
    outcome = run_boot(boot)
    missing = [text for text in expected if text not in outcome.console]
    if outcome.kind == "exit" and outcome.status == EXIT_GOOD and not missing:
        return [Case(boot.name, "boots_to_a_prompt_and_switches_off", seconds=outcome.seconds)]
    text = f"not on the console: {missing}\n{report(outcome)}"
    return [Case(boot.name, "boots_to_a_prompt_and_switches_off", "failed", text, outcome.seconds)]


PROMPT_TALK = (("> ", "mem\r"), ("MiB free", "run hello\r"), ("> ", "exit\r"))


def smoke_task(name, shape, *expected, **options):
    boot = make_boot(name, shape, talk=PROMPT_TALK, **options)
    return Task(name, lambda: run_smoke(boot, "user mode is up", "MiB free", *expected), 5)


def shell_task():
    """Programs that the shell starts can neither switch the machine off nor end others (tests/user/shell)."""
    talk = (
        ("> ", "run test/shell at_the_prompt\r"),
        ("test/shell: 3 passed, 0 failed", "run test/shell killed_job\r"),
        ("ended with", "run hello\r"),
        ("hello from user mode", "exit\r"),
    )
    boot = make_boot("release.pvh.cpus2.boot.shell", "release", talk=talk)
    return Task(boot.name, lambda: run_smoke(boot, "hello from user mode"), 5)


def run_from_plain_archive(boot):
    """As cpio makes it: files begin anywhere, so programs are copied instead of mapped where they lie."""
    root = os.path.join(os.path.dirname(boot.archive), "root")
    files = {}
    for path in glob.glob(f"{root}/*/*"):
        with open(path, "rb") as file:
            files[os.path.relpath(path, root)] = file.read()
    with tempfile.NamedTemporaryFile(prefix="jacinth-", suffix=".cpio") as file:
        file.write(mkbootfs.archive(files, alignment=4))
        file.flush()
        boot.archive = file.name
        return run_smoke(boot, "user mode is up", "MiB free")


def smoke():
    plain = make_boot("release.pvh.cpus1.boot.plain_archive", "release", cpus=1, talk=PROMPT_TALK)
    yield Task(plain.name, lambda: run_from_plain_archive(plain), 5)
    yield shell_task()
    for shape, loader in itertools.product(("debug", "release"), ("bios", "uefi")):
        yield smoke_task(f"{shape}.{loader}.cpus2.boot", shape, "booted by multiboot2", loader=loader)
    yield smoke_task("release.usb.cpus2.boot", "release", "booted by multiboot2", loader="usb")
    yield smoke_task("release.pvh.cpus1.boot.qemu64", "release", "1 CPUs", cpus=1, cpu_model="qemu64")
    yield smoke_task("debug.pvh.cpus32.boot", "debug", "32 CPUs", cpus=32)
    yield smoke_task("debug.pvh.cpus3.boot.6GiB", "debug", "3 CPUs", cpus=3, memory="6G")
    yield smoke_task("release.pvh.cpus1.boot.64MiB", "release", cpus=1, memory="64M")
    yield smoke_task("release.pvh.cpus2.boot.q35", "release", "2 CPUs", machine="q35")
    yield smoke_task("debug.pvh.cpus2.boot.no_hpet", "debug", "2 CPUs", machine="pc,hpet=off")


def all_tasks(patterns, seeds, repeats):
    yield from matrix(patterns)
    yield from turns_tests(patterns, seeds, repeats)
    yield from long_tests()
    yield from smoke()
    for module in (boot_failures, unread_line, runner_tests, mutants_tests, host_tests, build_tests, bench_tests, readme_tests):
        yield from module.tasks()


def run_task(task):
    started = time.monotonic()
    try:
        cases = task.run()
    except Exception:  # a fault of the runner is a failed test, not the end of all others
        cases = [Case(task.group, "the runner", "failed", traceback.format_exc())]
    return cases or [Case(task.group, "the run", "failed", "no test was found")], time.monotonic() - started


def run_all(tasks, cores, finished):
    """Runs the tasks in order, as many at a time as there are cores for; finished(task, cases, seconds) hears of each."""
    changed = threading.Condition()
    free = cores

    def work(task, need):
        nonlocal free
        cases, seconds = run_task(task)
        with changed:
            finished(task, cases, seconds)
            free += need
            changed.notify()

    workers = []
    for task in tasks:
        need = min(task.cores, cores)
        with changed:
            changed.wait_for(lambda n=need: free >= n)
            free -= need
        workers.append(threading.Thread(target=work, args=(task, need), daemon=True))
        workers[-1].start()
    for worker in workers:
        worker.join()


def show(number, count, task, cases, seconds):
    failed = [case for case in cases if case.status == "failed"]
    passed = sum(case.status == "passed" for case in cases)
    verdict = f"FAILED {len(failed)}" if failed else "ok"
    print(f"[{number}/{count}] {task.group}: {passed} passed, {verdict} ({seconds:.1f} s)", flush=True)
    for case in failed:
        print(f"    FAILED {case.name}: " + case.text.rstrip().replace("\n", "\n        "), flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--turns", type=lambda text: [int(word) for word in text.split()], default=[])
    parser.add_argument("--silence", type=int, default=patience.silence)
    parser.add_argument("--compiler", choices=("gcc", "clang"), default="gcc")
    parser.add_argument("--soak", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("words", nargs="*")
    return parser.parse_args()


def choose(options):
    words, seeds = options.words, options.turns or turns.DEFAULT_SEEDS
    repeats = SOAK_REPEATS if options.soak else REPEATS
    patterns = {"kernel": "1", "user": "1"}
    narrowed = [word for word in words if "=" in word]
    plain = [word for word in words if "=" not in word]
    for word in narrowed:
        suite, _, pattern = word.partition("=")
        if suite not in patterns:
            sys.exit(f"{word}: only kernel= and user= can be narrowed")
        patterns[suite] = pattern
    suites = [f".{word.partition('=')[0]}" for word in narrowed]
    return [
        task
        for task in (clang_tests(patterns) if options.compiler == "clang" else all_tasks(patterns, seeds, repeats))
        if (not plain or any(word in task.group for word in plain))
        and (not suites or any(task.group.endswith(suite) for suite in suites))
        and (options.soak or words or not task.is_deep)
    ]


def main():
    options = parse_arguments()
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    patience.silence = options.silence
    tasks = sorted(choose(options), key=lambda task: (-task.cores, -task.cost))
    if options.list:
        print("\n".join(task.group for task in tasks))
        return 0
    started, cases, number = time.monotonic(), [], itertools.count(1)

    def finished(task, found, seconds):
        cases.extend(found)
        show(next(number), len(tasks), task, found, seconds)

    run_all(tasks, options.cores, finished)
    write_junit(RESULTS_FILE, sorted(cases, key=lambda case: case.group))
    count = {status: sum(case.status == status for case in cases) for status in ("passed", "failed", "skipped")}
    print(f"{time.monotonic() - started:.0f} s, {count['skipped']} skipped, details in {RESULTS_FILE}")
    print(f"{count['passed']} passed, {count['failed']} failed")
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        os._exit(130)  # each QEMU ends with this program
