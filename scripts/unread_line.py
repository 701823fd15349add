"""Boots whose serial line ends at a reader that does not read: after some hundred characters the line takes nothing more.
Jacinth goes on all the same, can be typed at and switched off, and says later what was lost."""

import dataclasses
import math
import re
import socket

from jacinth_qemu import EXIT_GOOD, EXIT_PANIC, Boot, Watch, run_boot
from results import BadRecords, Case, Task, parse_records

GROUP = "debug.unread"
CONNECT_SECONDS = 60
STALL_SECONDS = 4  # of guest time, more than the kernel's patience with the line (kernel/debug/console.c)
PROMPT = "> "
MUCH = "help\r" * 40  # what is printed then is more than the line takes
LOST = re.compile(r"^\[\d+ characters were lost\]\r?$", re.MULTILINE)


class UnreadLine(Watch):
    """The serial line is a socket, whose other end is never read."""

    def __init__(self, boot, folder):
        self.heard = b""
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{folder}/line")
            listener.listen(1)
            listener.settimeout(CONNECT_SECONDS)
            super().__init__(dataclasses.replace(boot, serial=f"socket,path={folder}/line"), folder)
            self.line, _ = listener.accept()
            self.line.setblocking(False)

    def is_read(self):
        return False

    def console(self):
        try:
            while self.is_read() and (data := self.line.recv(4096)):
                self.heard += data
        except OSError:
            pass  # nothing more for now
        return self.heard.decode(errors="replace")

    def type(self, text):
        try:
            self.line.sendall(text.encode())
        except OSError:
            pass  # QEMU has ended, or its end is full too

    def end(self):
        super().end()
        self.line.close()


class LineReadAgain(UnreadLine):
    """Is read until MUCH is typed, and again after a stall. What was lost is told when there is something to print, so
    another line is typed then."""

    stall_seconds = STALL_SECONDS
    stalled_until = None

    def is_read(self):
        if self.stalled_until and self.guest_now and self.guest_now >= self.stalled_until:
            self.stalled_until = None
            self.type("\r")
        return self.stalled_until is None

    def type(self, text):
        super().type(text)
        if text.startswith(MUCH):
            self.stalled_until = (self.qmp.guest_seconds() or 0) + self.stall_seconds


class LineReadNoMore(LineReadAgain):
    stall_seconds = math.inf


def boot_with(name, **options):
    return Boot(name, kernel="build/debug/jacinth.elf", archive="build/debug/bootfs.cpio", **options)


def case(name, outcome, status, faults=()):
    faults = list(faults)
    if outcome.kind != "exit" or outcome.status != status:
        faults.append(f"ended as {outcome.kind} {outcome.status}, not exit {status}")
    text = "\n".join([*faults, outcome.explanation, outcome.console]) if faults else ""
    return Case(GROUP, name, "failed" if faults else "passed", text, outcome.seconds)


def programs_go_on(name):
    """The time of this machine counts instructions, so that the test's limits hold under any load (tests/user/console/unread.c)."""
    outcome = run_boot(boot_with(name, cpus=1, icount=3, command_line="jacinth.test=console.unread_line"), UnreadLine)
    try:
        cases, _ = parse_records(outcome.results, GROUP)
        faults = [f"{case.name}: {case.text}" for case in cases if case.status != "passed"]
    except BadRecords as error:
        faults = [str(error)]
    return [case(name, outcome, EXIT_GOOD, faults)]


def can_be_switched_off(name):
    outcome = run_boot(boot_with(name, talk=((PROMPT, MUCH + "exit\r"),)), LineReadNoMore)
    return [case(name, outcome, EXIT_GOOD)]


def loss_is_told_when_it_is_read_again(name):
    outcome = run_boot(boot_with(name, talk=((PROMPT, MUCH), ("were lost]", "exit\r"))), LineReadAgain)
    return [case(name, outcome, EXIT_GOOD, [] if LOST.search(outcome.console) else ["no line says what was lost"])]


def panic_ends(name):
    return [case(name, run_boot(boot_with(name, command_line="jacinth.crash=panic"), UnreadLine), EXIT_PANIC)]


def tasks():
    for run in (programs_go_on, can_be_switched_off, loss_is_told_when_it_is_read_again, panic_ends):
        yield Task(f"{GROUP}.{run.__name__}", lambda r=run: r(r.__name__), 5)
