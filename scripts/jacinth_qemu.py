"""Boots Jacinth in QEMU, watches it, and says in words how it ended.

A boot is never left behind: QEMU dies with this program, and only a QEMU that was started here is ended.
"""

import atexit
import ctypes
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from qmp import Qmp
from where import describe_cpus

QEMU = os.environ.get("QEMU", "qemu-system-x86_64")
OVMF = next(
    (p for p in ("/usr/share/ovmf/OVMF.fd", "/usr/share/qemu/OVMF.fd", "/usr/share/edk2/x64/OVMF.4m.fd") if os.path.exists(p)),
    "OVMF.fd",
)

# What machine_exit leaves behind: (code << 1) | 1.
EXIT_GOOD, EXIT_FAILURES, EXIT_PANIC, EXIT_BOOT_FAILURE = 1, 3, 65, 67
EXIT_WORDS = {
    EXIT_GOOD: "switched itself off",
    EXIT_FAILURES: "switched itself off, reporting failures",
    EXIT_PANIC: "panicked",
    EXIT_BOOT_FAILURE: "refused to boot",
}

EMERGENCY_KEY = "\x1d"
EMERGENCY_COMMANDS = ("threads", "stacks", "locks", "memory", "log")
EMERGENCY_GREETING = "emergency console on CPU"
TURNS_ICOUNT = 3
POLL_SECONDS = 0.05
GUEST_CLOCK_SECONDS = 2.0


@dataclasses.dataclass
class Boot:
    """One machine and what it boots. Files are given for the loader that needs them."""

    name: str
    loader: str = "pvh"  # "pvh": kernel and archive; "bios", "uefi", "usb": iso
    kernel: str = ""
    archive: str = ""
    iso: str = ""
    command_line: str = ""
    cpus: int = 2
    memory: str = "1G"
    cpu_model: str = "max"
    machine: str = "pc"
    is_parallel: bool = False  # each CPU in a thread of its own; else they take turns, also where one pauses
    icount: int | None = None  # 2**icount ns for each instruction, and no wall time in the guest
    turns: int | None = None  # a seed: the same interleaving of the CPUs each time; by pvh only; icount is 3 if not given
    silence: int = 60  # guest seconds without a word on console or results
    limit: int = 600  # guest seconds in all
    wall_limit: int = 1800  # a wide net, for a guest whose time stands still
    serial: str = "stdio,signal=off"  # what the serial line is connected to: see -chardev of QEMU
    talk: tuple = ()  # (text to wait for on the console, what to type then)...
    extra: tuple = ()

    @property
    def cores(self):
        return self.cpus if self.is_parallel else 1


@dataclasses.dataclass
class Outcome:
    """`kind` is how it ended: exit, triple-fault, reboot, hang, qemu-error."""

    kind: str
    status: int | None
    console: str
    results: str
    explanation: str
    seconds: float


_running = set()
_running_lock = threading.Lock()


def _kill_running():
    with _running_lock:
        for process in _running:
            process.kill()


atexit.register(_kill_running)


def die_with_parent():
    """For Popen's preexec_fn: the kernel ends the child when this program goes, however it goes."""
    PR_SET_PDEATHSIG = 1
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _arguments(boot, folder):
    icount, command_line = boot.icount, boot.command_line
    if boot.turns is not None:
        icount = TURNS_ICOUNT if icount is None else icount
        command_line = f"jacinth.turns={boot.turns} {command_line}"
    arguments = [
        QEMU, "-machine", boot.machine, "-cpu", boot.cpu_model, "-smp", str(boot.cpus), "-m", boot.memory,
        "-display", "none", "-nodefaults", "-vga", "std", "-no-reboot", "-no-shutdown",
        "-rtc", "base=2024-01-01,clock=vm",
        "-chardev", f"{boot.serial},id=console", "-serial", "chardev:console",
        "-chardev", f"file,id=results,path={folder}/results",
        "-device", "isa-debugcon,iobase=0xe9,chardev=results",
        "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
        "-qmp", f"unix:{folder}/qmp", "-d", "cpu_reset", "-D", f"{folder}/qemu.log",
    ]  # fmt: skip
    arguments += ["-accel", f"tcg,thread={'multi' if boot.is_parallel else 'single'}"]
    if icount is not None:
        arguments += ["-icount", f"shift={icount},sleep=off"]
    if boot.turns is not None:
        arguments += ["-seed", str(boot.turns)]
    if boot.loader == "pvh":
        arguments += ["-kernel", boot.kernel, "-append", command_line]
        if boot.archive:
            arguments += ["-initrd", boot.archive]
    elif boot.loader == "usb":
        arguments += ["-drive", f"format=raw,snapshot=on,file={boot.iso}"]
    else:
        arguments += ["-cdrom", boot.iso]
        if boot.loader == "uefi":
            arguments += ["-bios", OVMF]
    return arguments + list(boot.extra)


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


class Watch:
    """One running QEMU."""

    def __init__(self, boot, folder):
        self.boot = boot
        self.folder = folder
        self.qmp = Qmp(f"{folder}/qmp")
        self.started = self.last_word = self.last_clock = time.monotonic()
        self.guest_start = self.guest_now = self.guest_last_word = None
        self.words = 0
        self.talk = list(boot.talk)
        self.talked = 0  # how much of the console the conversation has seen
        with open(f"{folder}/console", "wb") as console, open(f"{folder}/errors", "wb") as errors:
            self.process = subprocess.Popen(
                _arguments(boot, folder), stdin=subprocess.PIPE, stdout=console, stderr=errors,
                start_new_session=True, preexec_fn=die_with_parent,
            )  # fmt: skip
        with _running_lock:
            _running.add(self.process)

    def console(self):
        return _read(f"{self.folder}/console")

    def type(self, text):
        try:
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()
        except OSError:
            pass

    def _converse(self):
        while self.talk:
            wanted, answer = self.talk[0]
            at = self.console().find(wanted, self.talked)
            if at < 0:
                return
            self.talked = at + len(wanted)
            self.talk.pop(0)
            self.type(answer)

    def _look_at_clocks(self):
        now = time.monotonic()
        words = sum(os.path.getsize(p) for p in (f"{self.folder}/console", f"{self.folder}/results") if os.path.exists(p))
        if now - self.last_clock >= GUEST_CLOCK_SECONDS:
            self.last_clock = now
            self.guest_now = self.qmp.guest_seconds()
            if self.guest_start is None:
                self.guest_start = self.guest_last_word = self.guest_now
        if words != self.words:
            self.words, self.last_word, self.guest_last_word = words, now, self.guest_now

    def _overrun(self):
        """Why the run must be ended, or None."""
        now = time.monotonic()
        if now - self.started > self.boot.wall_limit or now - self.last_word > self.boot.silence * 5:
            return f"nothing was heard for {now - self.last_word:.0f} s of wall time"
        if self.guest_now is None or self.guest_last_word is None:
            return None
        if self.guest_now - self.guest_last_word > self.boot.silence:
            return f"silent for {self.guest_now - self.guest_last_word} s of guest time"
        if self.guest_now - self.guest_start > self.boot.limit:
            return f"not done after {self.boot.limit} s of guest time"
        return None

    def run(self):
        while True:
            if self.process.poll() is not None:
                return self._exited()
            for name, data in self.qmp.poll_events():
                if name == "SHUTDOWN":
                    return self._shut_down(data.get("reason"))
            self._converse()
            self._look_at_clocks()
            reason = self._overrun()
            if reason:
                return self._hung(reason)
            time.sleep(POLL_SECONDS)

    def _outcome(self, kind, explanation):
        return Outcome(kind, self.process.poll(), self.console(), _read(f"{self.folder}/results"), explanation,
                       time.monotonic() - self.started)  # fmt: skip

    def _exited(self):
        errors = _read(f"{self.folder}/errors").strip()
        status = self.process.returncode
        if status in EXIT_WORDS and not (status == EXIT_GOOD and errors and not self.console()):
            return self._outcome("exit", f"the machine {EXIT_WORDS[status]} (status {status})")
        return self._outcome("qemu-error", f"QEMU ended with status {status}: {errors}")

    def _shut_down(self, reason):
        if reason == "guest-reset" and "Triple fault" in _read(f"{self.folder}/qemu.log"):
            return self._outcome("triple-fault", "triple fault; the machine stood at\n" + describe_cpus(self.qmp, self.boot.kernel))
        return self._outcome("reboot", f"the machine was reset or switched off ({reason})")

    def _hung(self, reason):
        self.qmp.request("stop")
        where = describe_cpus(self.qmp, self.boot.kernel)
        self.qmp.request("cont")
        # The kernel itself can tell more, if need be by an interrupt that cannot be switched off.
        self.type(EMERGENCY_KEY)
        time.sleep(1)
        if EMERGENCY_GREETING not in self.console():
            self.qmp.request("inject-nmi")
        self.type("".join(f"{command}\r" for command in EMERGENCY_COMMANDS))
        time.sleep(2)
        return self._outcome("hang", f"{reason}; the machine stood at\n{where}")

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.qmp.close()
        with _running_lock:
            _running.discard(self.process)


def run_boot(boot, watch_class=Watch):
    folder = tempfile.mkdtemp(prefix="jacinth-")
    watch = None
    try:
        watch = watch_class(boot, folder)
        return watch.run()
    except FileNotFoundError as error:
        return Outcome("qemu-error", None, "", "", f"QEMU does not start: {error}", 0)
    finally:
        if watch:
            watch.end()
        shutil.rmtree(folder, ignore_errors=True)
