"""Boots that must go wrong, each in its own clear words: what Jacinth says, how it ends, and that the
runner notices."""

import os
import re
import struct
import tempfile

import mkbootfs
from jacinth_qemu import EXIT_BOOT_FAILURE, EXIT_PANIC, Boot, run_boot
from results import Case, Task

KERNEL = "build/debug/jacinth.elf"
RELEASE_KERNEL = "build/release/jacinth.elf"
ARCHIVE = "build/debug/bootfs.cpio"
GROUP = "debug.failures"

MULTIBOOT2_MAGIC = 0x36D76289
STUB_ADDRESS = 0x4000000


def read(path):
    with open(path, "rb") as file:
        return file.read()


def temporary(data):
    file = tempfile.NamedTemporaryFile(prefix="jacinth-boot-")
    file.write(data)
    file.flush()
    return file


def judge(name, boot, kind, status, *expected):
    outcome = run_boot(boot)
    everything = outcome.console + outcome.explanation
    faults = [f"not said: {text!r}" for text in expected if text not in everything]
    if outcome.kind != kind or status not in (None, outcome.status):
        faults.append(f"ended as {outcome.kind} {outcome.status}, not {kind} {status}")
    verdict = "failed" if faults else "passed"
    return [Case(GROUP, name, verdict, "\n".join(faults + [everything]) if faults else "", outcome.seconds)]


# --- archives ---------------------------------------------------------------------------------


def with_archive(data, name, message, command_line=""):
    with temporary(data) as file:
        boot = Boot(name, kernel=KERNEL, archive=file.name, command_line=command_line)
        return judge(name, boot, "exit", EXIT_BOOT_FAILURE, f"Jacinth: {message}")


def archive_tests():
    good = read(ARCHIVE)
    no_end = good[: good.rindex(b"070701")]
    text_program = mkbootfs.archive({"bin/init": b"#!/bin/sh\necho this is a script\n"})
    yield "archive_of_noise", lambda n: with_archive(b"\xa5" * 65536, n, "the boot archive is corrupt: an entry does not begin with 070701")
    yield "archive_cut_off", lambda n: with_archive(good[: len(good) // 2], n, "the boot archive is corrupt: ")
    yield "archive_without_end", lambda n: with_archive(no_end, n, "the boot archive is corrupt: it has no end mark")
    yield "archive_empty_of_files", lambda n: with_archive(mkbootfs.archive({}), n, "the boot archive has no bin/init")
    yield "first_program_not_elf", lambda n: with_archive(text_program, n, "bin/init is not an ELF program")
    yield "first_program_cut_off", lambda n: with_archive(
        mkbootfs.archive({"bin/init": read("build/debug/root/bin/init")[:5000]}), n, "bin/init "
    )
    yield "no_such_program", lambda n: with_archive(good, n, "the boot archive has no bin/nothing", "jacinth.run=bin/nothing")


def without_archive(name):
    boot = Boot(name, kernel=KERNEL)
    return judge(name, boot, "exit", EXIT_BOOT_FAILURE, "Jacinth: the boot archive is missing: the loader gave no module")


# --- processors and loaders -------------------------------------------------------------------


def without_long_mode(name, **options):
    boot = Boot(name, kernel=KERNEL, archive=ARCHIVE, cpu_model="qemu32", **options)
    return judge(name, boot, "exit", EXIT_BOOT_FAILURE, "Jacinth: this processor has no 64-bit mode")


def entry_of(kernel, magic_note=18):
    """Where the file offset of the PVH entry address is: the last word of the Xen note."""
    header = struct.pack("<III", 4, 4, magic_note) + b"Xen\0"
    return kernel.index(header) + len(header)


def kernel_started_with(magic, information):
    """A kernel that begins with a few instructions of ours: they call its Multiboot2 door with any magic number and
    information. The program header of the stack, which QEMU does not need, is used to load them."""
    kernel = bytearray(read(KERNEL))
    door, = struct.unpack_from("<Q", kernel, 0x18)
    note = entry_of(kernel)
    information_address = STUB_ADDRESS + 64
    stub = b"\xb8" + struct.pack("<I", magic) + b"\xbb" + struct.pack("<I", information_address)
    stub += b"\xb9" + struct.pack("<I", door & 0x7FFFFFFF) + b"\xff\xe1"
    stub = stub.ljust(64, b"\0") + information
    headers, = struct.unpack_from("<Q", kernel, 0x20)
    size, count = struct.unpack_from("<HH", kernel, 0x36)
    stack = next(at for at in range(headers, headers + size * count, size)
                 if struct.unpack_from("<I", kernel, at)[0] == 0x6474E551)  # fmt: skip
    struct.pack_into("<IIQQQQQQ", kernel, stack, 1, 7, len(kernel), STUB_ADDRESS, STUB_ADDRESS, len(stub), len(stub), 1)
    struct.pack_into("<I", kernel, note, STUB_ADDRESS)
    return bytes(kernel) + stub


def with_information(name, magic, information, message):
    with temporary(kernel_started_with(magic, information)) as file:
        boot = Boot(name, kernel=file.name, archive=ARCHIVE)
        return judge(name, boot, "exit", EXIT_BOOT_FAILURE, f"Jacinth: {message}")


def loader_tests():
    end = struct.pack("<II", 0, 8)
    nothing = struct.pack("<II", 8 + len(end), 0) + end
    damaged = struct.pack("<IIII", 64, 0, 1, 4096) + bytes(48)
    yield "no_memory_map", lambda n: with_information(n, MULTIBOOT2_MAGIC, nothing, "the loader gave no memory map")
    yield "damaged_information", lambda n: with_information(n, MULTIBOOT2_MAGIC, damaged, "the loader's information is damaged")
    yield "unknown_loader", lambda n: with_information(n, 0x2BADB002, nothing, "started by a loader that speaks neither")
    yield "no_long_mode_pvh", without_long_mode
    yield "no_long_mode_grub", lambda n: without_long_mode(n, loader="bios", iso="build/debug/jacinth.iso")
    yield "no_archive", without_archive


# --- crashes ----------------------------------------------------------------------------------


def crash(name, kind, status, *expected, kernel=KERNEL, **options):
    boot = Boot(name, kernel=kernel, archive=ARCHIVE, command_line=f"jacinth.crash={name.split('.')[0]}", **options)
    return judge(name, boot, kind, status, *expected)


def crash_tests():
    trace = ("backtrace:", "run_boot_requests+0x", "last log lines:")
    for kernel, suffix in ((KERNEL, ""), (RELEASE_KERNEL, ".release")):
        for name, words in (
            ("panic", ("PANIC on CPU", "deliberate panic", "crash_panic+0x", "thread 'boot'")),
            ("assert", ("check failed", "crash_assert+0x")),
            ("page-fault", ("crash_page_fault+0x", "rip ")),
            ("stack-overflow", ("overflow_stack", "PANIC on CPU")),
        ):
            words += trace if name != "stack-overflow" else ("backtrace:",)
            yield name + suffix, lambda n, w=words, k=kernel: crash(n, "exit", EXIT_PANIC, *w, kernel=k)
    yield "hang", lambda n: crash(n, "hang", None, "silent for", "crash_hang+0x", "CPU 1, halted",
                                "emergency console on CPU 0", "boot ", silence=6)  # fmt: skip
    yield "triple-fault", lambda n: crash(n, "triple-fault", None, "triple fault", "cpu_triple_fault+0x")


def panic_tests():
    """In-kernel tests that debug builds stop for (tests/kernel/panics.c)."""
    for name, words in (
        ("overrun", ("slab cache 'victim'", "was overrun")),
        ("double_free", ("slab cache 'victim'", "is freed twice")),
        ("use_after_free", ("slab cache 'victim'", "was written after it was freed, at byte 39")),
        ("double_free_of_a_page", ("page_free: assertion failed",)),
        ("double_free_of_a_block", ("page_free_order: assertion failed",)),
        ("double_free_of_what_merged", ("page_free_order: assertion failed",)),
        ("free_of_a_part_of_a_block", ("page_free: assertion failed",)),
        ("lock_order", ("wanted: class object", "held: class VMO", "lock order: ")),
        ("lock_taken_twice", ("lock order: taken twice (object)",)),
        ("lock_with_interrupts_on", ("lock order: taken with interrupts on (timer)",)),
    ):
        boot = Boot(name, kernel=KERNEL, archive=ARCHIVE, command_line=f"jacinth.selftest=panics.{name}")
        yield name, lambda n, b=boot, w=words: judge(n, b, "exit", EXIT_PANIC, *w, "backtrace:", "selftest_run+0x")


def emergency_console(name):
    """Ctrl-] asks the kernel itself, while the prompt of user mode waits; twice, as init may be on its way to waiting."""
    commands = ("help", "threads", "stacks", "processes", "handles", "memory", "locks")
    talk = [("> ", "\x1d")] + [("debug> ", f"{command}\r") for command in commands]
    talk += [("debug> ", "continue\r"), ("continue", "\x1d"), ("debug> ", "stacks\r"), ("debug> ", "threads\r")]
    talk += [("debug> ", "continue\r"), ("continue", "exit\r")]
    boot = Boot(name, kernel=KERNEL, archive=ARCHIVE, talk=tuple(talk))
    return judge(name, boot, "exit", 1, "emergency console", "bin/init", "blocked", "pages free",
                 "the locks each CPU holds", "koid ", "sys_debug_read+0x", "  resource")  # fmt: skip


def console_order(name):
    """What several threads write at once arrives whole, each thread's lines in their order."""
    boot = Boot(name, kernel=KERNEL, archive=ARCHIVE, command_line="jacinth.test=console")
    outcome = run_boot(boot)
    said = re.findall(r"^writer (\d) line (\d+) says what there is to say, and no more than that\r?$", outcome.console, re.M)
    faults = []
    for writer in range(4):
        lines = [int(line) for number, line in said if int(number) == writer]
        if lines != list(range(400)):
            faults.append(f"writer {writer}: {len(lines)} lines, of 400, or not in order")
    if (outcome.kind, outcome.status) != ("exit", 1):
        faults.append(f"ended as {outcome.kind} {outcome.status}")
    return [Case(GROUP, name, "failed" if faults else "passed", "\n".join(faults), outcome.seconds)]


def tasks():
    every = [*archive_tests(), *loader_tests(), *crash_tests(), *panic_tests(), ("emergency_console", emergency_console), ("console_order", console_order)]
    for name, run in every:
        yield Task(f"{GROUP}.{name}", lambda n=name, r=run: r(n), 12 if name == "hang" else 1)


if not os.path.exists("linker.ld"):
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
