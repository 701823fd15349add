"""Types in every command block of README.md, in order, in one fresh copy of the tree.

Blocks marked ```sh are commands; each must succeed. What waits for a person is served: a prompt gets `exit`, and a
QEMU that waits for gdb is told to go on. A `make test` in there runs only a few tests: it is run by this one.
"""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time

from build_tests import copy_of_tree
from jacinth_qemu import die_with_parent
from results import Case, Task

GROUP = "readme"
DOCUMENT = "README.md"
LIMIT_SECONDS = 300
PROMPT = "> "


def blocks(text):
    """(line number, commands) of each block."""
    for match in re.finditer(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, match.start()) + 2, match.group(1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_waiting_machine(port):
    """Tells a QEMU that waits for gdb to end: the kill packet of gdb's protocol."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as gdb:
            gdb.sendall(b"+$k#6b")
            time.sleep(0.5)
            return True
    except OSError:
        return False


def serve(process, output_path, port, waits_for_gdb):
    """Waits for the end of the commands, answering prompts."""
    answered, started = 0, time.monotonic()
    while process.poll() is None:
        if time.monotonic() - started > LIMIT_SECONDS:
            os.killpg(process.pid, signal.SIGKILL)
            return "was not done in time"
        with open(output_path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        at = text.rfind("\n" + PROMPT)
        if at > answered and text.endswith(PROMPT):
            answered = at
            process.stdin.write(b"exit\r")
            process.stdin.flush()
        if waits_for_gdb:
            end_waiting_machine(port)
        time.sleep(0.2)
    return None if process.returncode == 0 else f"ended with status {process.returncode}"


def run_block(name, commands, folder):
    port = free_port()
    environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    environment.update(TESTS="debug.failures.no_archive", GDB_PORT=str(port))
    output_path = os.path.join(folder, "..", "output")
    started = time.monotonic()
    with open(output_path, "wb") as output:
        process = subprocess.Popen(["bash", "-e", "-c", commands], cwd=folder, env=environment, stdin=subprocess.PIPE,
                                   stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                                   preexec_fn=die_with_parent)  # fmt: skip
        try:
            fault = serve(process, output_path, port, "make debug" in commands)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stdin.close()
    seconds = time.monotonic() - started
    if not fault:
        return Case(GROUP, name, seconds=seconds)
    with open(output_path, encoding="utf-8", errors="replace") as file:
        return Case(GROUP, name, "failed", f"{fault}:\n{commands}\n{file.read()[-4000:]}", seconds)


def run_document():
    with open(DOCUMENT, encoding="utf-8") as file:
        found = list(blocks(file.read()))
    with tempfile.TemporaryDirectory(prefix="jacinth-readme-") as folder:
        copy = copy_of_tree(os.path.join(folder, "jacinth"))
        return [run_block(f"line_{line}", commands, copy) for line, commands in found]


def tasks():
    if os.path.exists(DOCUMENT):
        yield Task(GROUP, run_document, 60, cores=2)
