"""Tests of the build: the same bytes wherever it is made, nothing made twice, nothing forgotten, small and quick."""

import filecmp
import os
import shutil
import subprocess
import tempfile
import time

from jacinth_qemu import die_with_parent
from results import Case, Task

GROUP = "build"
ISO_LIMIT_BYTES = 3_000_000
ISO_WITH_TESTS_LIMIT_BYTES = 8_000_000
CORES = 2
FULL_BUILD_LIMIT_SECONDS = 60
EDIT_LIMIT_SECONDS = 5
PRODUCTS = ("jacinth.elf", "bootfs.cpio", "jacinth.iso")
NOT_COPIED = (".git", "build", "compile_commands.json")


class Failure(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failure(text)


def copy_of_tree(folder):
    shutil.copytree(".", folder, ignore=lambda at, names: [n for n in names if at == "." and n in NOT_COPIED or n == "__pycache__"])
    return folder


def make_timed(folder, *arguments):
    """Runs make as a user would, outside of the make that runs the tests: (what it said, seconds on two cores).
    What it takes of the cores is counted, not the time that other tests leave it waiting."""
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "BUILD", "WERROR")}
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(["make", *arguments], cwd=folder, stdout=output, stderr=output, env=environment,
                                   preexec_fn=die_with_parent)  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    expect(process.returncode == 0, f"make {' '.join(arguments)}:\n{text}")
    return text, (usage.ru_utime + usage.ru_stime) / CORES


def make(folder, *arguments):
    return make_timed(folder, *arguments)[0]


def append(path, text):
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def archive_has(folder, name):
    with open(os.path.join(folder, "build/release/bootfs.cpio"), "rb") as file:
        return name.encode() + b"\0" in file.read()


class Workshop:
    """A copy of the tree in another place, and what is tried with it in turn."""

    def __init__(self, folder):
        self.folder = copy_of_tree(os.path.join(folder, "elsewhere", "jacinth"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def same_bytes_in_another_place(self):
        make(self.folder, "BUILD=release", "all", "iso")
        for name in PRODUCTS:
            expect(filecmp.cmp(self.path(f"build/release/{name}"), f"build/release/{name}", shallow=False), f"{name} differs")

    def nothing_is_made_twice(self):
        output = make(self.folder, "BUILD=release", "all", "iso")
        expect("  CC" not in output and "  LINK" not in output, output)

    def one_edit_is_quick(self):
        append(self.path("kernel/main.c"), "\n/* edited */\n")
        output, seconds = make_timed(self.folder, "BUILD=release")
        compiled = [line for line in output.splitlines() if line.startswith("  CC")]
        expect(len(compiled) == 1, f"compiled: {compiled}")
        expect(seconds < EDIT_LIMIT_SECONDS, f"took {seconds:.1f} s")

    def a_header_remakes_what_includes_it(self):
        append(self.path("kernel/lib/list.h"), "\n/* edited */\n")
        output = make(self.folder, "BUILD=release")
        expect("kernel/sched/sched.c.o" in output, output)
        expect("kernel/lib/printf.c.o" not in output, output)

    def a_definition_remakes_stubs_and_table(self):
        append(self.path("kernel/abi/syscalls.def"), "\n# edited\n")
        output = make(self.folder, "BUILD=release")
        expect("stubs.S.o" in output and "table.c.o" in output, output)

    def new_flags_remake_everything(self):
        output = make(self.folder, "BUILD=release", "WERROR=1")
        expect("kernel/lib/printf.c.o" in output and "libc/string/string.c.o" in output, output)
        make(self.folder, "BUILD=release")

    def a_folder_is_a_program(self):
        os.makedirs(self.path("user/newcomer"))
        append(self.path("user/newcomer/main.c"), "int main(void) { return 0; }\n")
        make(self.folder, "BUILD=release")
        expect(archive_has(self.folder, "bin/newcomer"), "a new folder did not reach the boot archive")
        shutil.rmtree(self.path("user/newcomer"))
        make(self.folder, "BUILD=release")
        expect(not archive_has(self.folder, "bin/newcomer"), "a program whose folder is gone is still in the archive")

    def an_image_has_tests_if_it_is_for_tests(self):
        def has_tests(*arguments):
            make(self.folder, "BUILD=release", "iso", *arguments)
            with open(self.path("build/release/jacinth.iso"), "rb") as file:
                return b"test/channel\0" in file.read()

        expect(has_tests("CMDLINE=jacinth.test=channel"), "an image for tests has none")
        expect(not has_tests(), "an image that is not for tests has some")

    def the_native_compiler_will_do(self):
        if shutil.which("gcc") and os.uname().machine == "x86_64":
            make(self.folder, "CROSS_COMPILE=", "BUILD=release")

    def from_nothing_is_quick(self):
        make(self.folder, "clean")
        expect(not os.path.exists(self.path("build")), "clean leaves something behind")
        _, seconds = make_timed(self.folder, "BUILD=debug")
        expect(seconds < FULL_BUILD_LIMIT_SECONDS, f"took {seconds:.0f} s")


TRIALS = (
    Workshop.same_bytes_in_another_place,
    Workshop.nothing_is_made_twice,
    Workshop.one_edit_is_quick,
    Workshop.a_header_remakes_what_includes_it,
    Workshop.a_definition_remakes_stubs_and_table,
    Workshop.new_flags_remake_everything,
    Workshop.a_folder_is_a_program,
    Workshop.an_image_has_tests_if_it_is_for_tests,
    Workshop.the_native_compiler_will_do,
    Workshop.from_nothing_is_quick,
)


def try_out(name, trial, *arguments):
    started = time.monotonic()
    try:
        trial(*arguments)
    except Failure as failure:
        return Case(GROUP, name, "failed", str(failure), time.monotonic() - started)
    return Case(GROUP, name, seconds=time.monotonic() - started)


def workshop():
    with tempfile.TemporaryDirectory(prefix="jacinth-build-") as folder:
        copy = Workshop(folder)
        return [try_out(trial.__name__, trial, copy) for trial in TRIALS]


def image_size(folder, shape, archive):
    iso = os.path.join(folder, "sized.iso")
    subprocess.run(["sh", "scripts/mkiso.sh", f"build/{shape}/jacinth.elf", archive, iso, ""], check=True)
    return os.path.getsize(iso)


def sizes():
    with tempfile.TemporaryDirectory(prefix="jacinth-iso-") as folder:
        for shape in ("debug", "release"):
            size = os.path.getsize(f"build/{shape}/jacinth.iso")
            yield try_out(f"{shape}_image_is_small", expect, size < ISO_LIMIT_BYTES, f"{size} bytes")
            size = image_size(folder, shape, f"build/{shape}/bootfs.cpio")
            yield try_out(f"{shape}_image_with_tests_is_small", expect, size < ISO_WITH_TESTS_LIMIT_BYTES, f"{size} bytes")


def tasks():
    yield Task(f"{GROUP}.workshop", workshop, 60, cores=2)
    yield Task(f"{GROUP}.size", lambda: list(sizes()))
