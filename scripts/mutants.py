#!/usr/bin/env python3
"""Puts small mistakes into the kernel, one at a time, and looks whether the tests notice.

usage: mutants.py [--seed SEED] [--count COUNT] [--list] [--core] [PATH...]

The mistakes are drawn by the seed from the C files below the paths (kernel and arch), in a copy of the tree in
build/mutants/tree. Each is first tried with the tests that can reach its file (REACH), then with all of the debug shape,
then with everything that boots. A hang or a panic counts as noticed; a change that leaves the kernel the same bytes, or does not
compile, does not count at all. What was found stands in build/mutants/; another call goes on where the last one stopped, as
long as the tree is the same. The survivors are listed at the end, each with its verdict from scripts/mutants.txt. --core leaves
the last stage out; --list only shows the mistakes.
"""

import argparse
import filecmp
import glob
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys

import mutations
from jacinth_qemu import die_with_parent

FOLDER = "build/mutants"
TREE = f"{FOLDER}/tree"
VERDICTS = "scripts/mutants.txt"
COPIED = ("Makefile", "linker.ld", ".clang-format", "README.md", "arch", "kernel", "libc", "user", "tests", "scripts", "docs")
KERNEL = "build/debug/jacinth.elf"
SILENCE_SECONDS = 40  # of guest time: what stands still is noticed sooner than make test would
STAGE_LIMIT_SECONDS = 3600

# Which tests reach a file, the first that fits: words of run_tests.py, each a run of its own.
REACH = (
    ("kernel/lib/", "host.lib kernel=lib_string kernel=lib_printf kernel=lib_heap"),
    ("kernel/boot/", "host.boot user=constants"),
    ("kernel/debug/console", "kernel=console user=console debug.unread"),
    ("kernel/debug/", "debug.failures"),
    ("kernel/lock/", "kernel=spinlock kernel=mutex debug.failures.lock"),
    ("kernel/mm/slab", "kernel=mm_slab debug.failures"),
    ("kernel/mm/page", "kernel=mm_page kernel=vmo debug.failures"),
    ("kernel/mm/kernel_stack", "host.mm_kernel_stack kernel=mm_kernel_heap kernel=sched_thread"),
    ("kernel/mm/device_map", "kernel=mm_kernel_heap"),
    ("kernel/mm/heap", "kernel=mm_heap"),
    ("kernel/mm/vmo_fork", "kernel=vmo_fork user=memory"),
    ("kernel/mm/vmo", "kernel=vmo user=memory"),
    ("kernel/mm/window", "user=data_pipe user=memory"),
    ("kernel/mm/", "kernel=vmar kernel=write_execute user=memory"),
    ("kernel/sched/mutex", "kernel=mutex"),
    ("kernel/sched/timer", "kernel=timer user=sync"),
    ("kernel/sched/wait_queue", "kernel=wait_queue"),
    ("kernel/sched/park", "kernel=park user=sync"),
    ("kernel/sched/cleaner", "kernel=cleaner kernel=console"),
    ("kernel/sched/help", "kernel=cleaner kernel=sched"),
    ("kernel/sched/console", "kernel=console user=console debug.unread"),
    ("kernel/sched/", "kernel=sched kernel=sched_thread user=task"),
    ("kernel/object/vmo_object", "kernel=vmo_object user=memory"),
    ("kernel/object/wait", "host.object user=wait"),
    ("kernel/object/event_pair", "user=event_pair"),
    ("kernel/object/", "host.object host.message kernel=object user=handle"),
    ("kernel/ipc/message_cycle", "host.message kernel=ipc_message_cycle user=channel"),
    ("kernel/ipc/message_call", "user=channel_call"),
    ("kernel/ipc/message_pipe", "user=message_pipe"),
    ("kernel/ipc/socket", "host.socket user=socket"),
    ("kernel/ipc/byte_queue", "host.socket user=socket"),
    ("kernel/ipc/data_pipe", "user=data_pipe"),
    ("kernel/ipc/", "host.message user=channel user=message_pipe user=channel_call"),
    ("kernel/task/futex", "user=sync"),
    ("kernel/task/leak_check", "kernel=leak_check"),
    ("kernel/task/", "user=task user=handle"),
    ("kernel/syscall/channel_call", "user=channel_call"),
    ("kernel/syscall/channel", "user=channel"),
    ("kernel/syscall/message", "user=message_pipe user=channel"),
    ("kernel/syscall/socket", "user=socket"),
    ("kernel/syscall/data_pipe", "user=data_pipe"),
    ("kernel/syscall/memory", "user=memory"),
    ("kernel/syscall/wait", "user=wait"),
    ("kernel/syscall/object", "user=handle user=wait user=task"),
    ("kernel/syscall/task", "user=task"),
    ("kernel/syscall/handle", "user=handle"),
    ("kernel/syscall/", "user=syscall user=sync user=task"),
    ("arch/x86_64/paging", "kernel=paging user=memory"),
    ("arch/x86_64/user_copy", "kernel=user_copy user=syscall"),
    ("arch/x86_64/fpu", "user=fpu"),
    ("arch/x86_64/bulk", "kernel=bulk kernel=string"),
    ("arch/x86_64/exceptions", "kernel=fault_again debug.failures user=task"),
    ("arch/x86_64/turns", "kernel=arch_turns turns.cpus"),
    ("arch/pc/timers", "kernel=timer kernel=sched debug.failures"),
    ("arch/pc/serial", "kernel=console user=console debug.failures debug.unread"),
    ("arch/pc/screen", "host.pc_screen"),
    ("arch/pc/", "kernel=arch kernel=cpu_call debug.failures"),
    ("arch/x86_64/", "kernel=arch user=syscall debug.failures"),
)
ALL_OF_DEBUG = (("debug.pvh", "host.", "debug.failures"),)
EVERYTHING = (("debug.", "release.", "turns.", "host."), ("bench",))


def words_for(path):
    return next((words for start, words in REACH if path.startswith(start)), "").split()


def stages(path, is_core):
    """(name, arguments of run_tests.py for each of its runs), from the quickest."""
    first = [["debug.pvh.cpus2", word] if "=" in word else [word] for word in words_for(path)]
    yield "reach", first
    yield "debug", [list(words) for words in ALL_OF_DEBUG]
    if not is_core:
        yield "everything", [list(words) for words in EVERYTHING]


# --- the copy of the tree


def tree_files():
    for name in COPIED:
        if os.path.isfile(name):
            yield name
        for folder, folders, names in os.walk(name):
            folders[:] = sorted(folder for folder in folders if folder != "__pycache__")
            yield from (os.path.join(folder, file) for file in sorted(names))


def synchronize():
    """Makes the copy as the tree is, and touches nothing that is so already: make then has little to do."""
    wanted = set(tree_files())
    for path in wanted:
        to = os.path.join(TREE, path)
        if not os.path.exists(to) or not filecmp.cmp(path, to, shallow=False):
            os.makedirs(os.path.dirname(to), exist_ok=True)
            shutil.copy(path, to)
    for name in COPIED:
        for folder, _, names in os.walk(os.path.join(TREE, name)):
            for file in (os.path.join(folder, name) for name in names):
                if os.path.relpath(file, TREE) not in wanted:
                    os.remove(file)


def tree_hash():
    total = hashlib.sha256()
    for path in tree_files():
        if path != VERDICTS:
            with open(path, "rb") as file:
                total.update(path.encode() + b"\0" + hashlib.sha256(file.read()).digest())
    return total.hexdigest()


def run(*command, limit=STAGE_LIMIT_SECONDS):
    """(good, what it said) of a command in the copy, which a make around this one tells nothing."""
    told = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "BUILD", "WERROR", "QUICK", "QUICK_OFF", "COMPILER", "SEED", "COUNT", "PATHS", "TESTS", "TURNS", "CMDLINE")
    environment = {name: value for name, value in os.environ.items() if name not in told}
    try:
        result = subprocess.run(command, cwd=TREE, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, errors="replace", timeout=limit, check=False, preexec_fn=die_with_parent)  # fmt: skip
    except subprocess.TimeoutExpired:
        return False, f"not done after {limit} s"
    return result.returncode == 0, result.stdout


def build(*shapes, images=False):
    for shape in shapes:
        good, said = run("make", "-s", f"BUILD={shape}", "all", *(["iso"] if images else []))
        if not good:
            return said
    return ""


def run_tests(words):
    """What noticed something, or nothing."""
    good, said = run(sys.executable, "scripts/run_tests.py", "--silence", str(SILENCE_SECONDS), *words)
    if good:
        return ""
    lines = [line.strip() for line in said.splitlines()]
    return next((line[:160] for line in lines if line.startswith("FAILED ")), " ".join(words) + ": " + (lines[-1] if lines else "failed"))


# --- one mutant


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def try_out(mutant, text, kernel, is_core):
    """(verdict, which test noticed it): noticed, survived, same (the kernel is the same bytes), or no C."""
    path = os.path.join(TREE, mutant.path)
    write(path, mutant.apply(text))
    try:
        if build("debug"):
            return "no C", ""
        if contents(os.path.join(TREE, KERNEL)) == kernel:
            return "same", ""
        for stage, runs in stages(mutant.path, is_core):
            if stage == "everything" and build("debug", "release", images=True):
                return "no C", ""
            for words in runs:
                noticed = run_tests(words)
                if noticed:
                    return "noticed", noticed
        return "survived", ""
    finally:
        write(path, text)


# --- what was found


class State:
    """What was found of the mutants of one seed, as long as the tree is the same."""

    def __init__(self, name, tree):
        self.path = f"{FOLDER}/{name}.json"
        self.data = {"tree": tree, "found": {}}
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                data = json.load(file)
            if data["tree"] == tree:
                self.data = data
        self.found = self.data["found"]

    def save(self):
        write(self.path + ".new", json.dumps(self.data, indent=1))
        os.replace(self.path + ".new", self.path)


def read_verdicts(path=VERDICTS):
    """{key: (verdict, why)}"""
    with open(path, encoding="utf-8") as file:
        lines = [line.split(None, 2) for line in file if line.strip() and not line.startswith("#")]
    return {words[0]: (words[1], words[2].strip() if len(words) > 2 else "") for words in lines}


def room_of(path):
    return "/".join(path.split("/")[:2])


def summary(mutants, found, verdicts):
    """The lines of the report, and whether each survivor has its verdict."""
    counted = [mutant for mutant in mutants if found.get(mutant.key, [""])[0] in ("noticed", "survived")]
    survivors = [mutant for mutant in counted if found[mutant.key][0] == "survived"]
    holes = [mutant for mutant in survivors if verdicts.get(mutant.key, ("",))[0] != "equivalent"]
    lines = ["", f"Survivors ({VERDICTS} has the verdicts: KEY equivalent|hole WHY):"] if survivors else ["", "No survivors."]
    for mutant in survivors:
        verdict, why = verdicts.get(mutant.key, ("no verdict yet", ""))
        lines.append(f"  {mutant}  [{' '.join(filter(None, (verdict, why)))}]")
    for room in (*sorted({room_of(mutant.path) for mutant in counted}), ""):
        equivalent = sum(mutant.path.startswith(room) for mutant in survivors if mutant not in holes)
        of_room = sum(mutant.path.startswith(room) for mutant in counted) - equivalent
        missed = sum(mutant.path.startswith(room) for mutant in holes)
        share = f"{100 * (of_room - missed) / of_room:.0f} %" if of_room else "-"
        lines.append(f"{room or 'all':<20} {of_room - missed:>4} of {of_room:>4} noticed ({share}), {equivalent} equivalent")
    return lines, all(mutant.key in verdicts for mutant in survivors)


# --- all of it


def texts_below(paths):
    found = {}
    for path in paths:
        for name in [path] if os.path.isfile(path) else glob.glob(f"{path}/**/*.c", recursive=True):
            with open(name, encoding="utf-8") as file:
                found[name] = file.read()
    return found


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--core", action="store_true")
    parser.add_argument("paths", nargs="*")
    return parser.parse_args()


def examine(options, texts, mutants, state):
    """Tries mutants until as many as wanted count, and returns those it came to."""
    synchronize()
    complaint = build("debug")
    if complaint:
        sys.exit(f"without any mistake it does not build:\n{complaint}")
    kernel = contents(os.path.join(TREE, KERNEL))
    counted, number = [], itertools.count(1)
    for mutant in mutants:
        if len(counted) == options.count:
            break
        if mutant.key not in state.found:
            state.found[mutant.key] = try_out(mutant, texts[mutant.path], kernel, options.core)
            state.save()
        verdict, noticed = state.found[mutant.key]
        if verdict in ("noticed", "survived"):
            counted.append(mutant)
            print(f"[{next(number)}/{options.count}] {verdict}: {mutant}" + (f"\n        by {noticed}" if noticed else ""), flush=True)
    build("debug")
    return counted


def main():
    options = parse_arguments()
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    texts = texts_below(options.paths or ["kernel", "arch"])
    mutants = mutations.draw(texts, options.seed)
    if options.list:
        print("\n".join(map(str, mutants[: options.count])))
        return 0
    os.makedirs(TREE, exist_ok=True)
    name = "-".join([f"seed{options.seed}", *(path.strip("/").replace("/", ".") for path in options.paths), *(["core"] if options.core else [])])
    state = State(name, tree_hash())
    if os.path.exists(state.path):
        print(f"{state.path}: " + (f"{len(state.found)} were tried before" if state.found else "of another tree, so begun anew"))
    counted = examine(options, texts, mutants, state)
    lines, is_judged = summary(counted, state.found, read_verdicts())
    print("\n".join(lines))
    return 0 if is_judged else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        os._exit(130)  # what was found so far is kept; a build or a QEMU ends with this program
