"""The system to compare with: Debian's packaged kernel for clouds, with the benchmark as its only program.

The kernel is fetched as a package and unpacked below build/, never installed.
"""

import glob
import os
import platform
import shutil
import subprocess

from bench_machine import Failure, System
from mkbootfs import archive

FOLDER = "build/linux"
META_PACKAGE = "linux-image-cloud-amd64"
# Nothing that makes Linux slow without need: no mitigations, no console output, no doubts about the counter.
COMMAND_LINE = "rdinit=/init mitigations=off tsc=reliable quiet console=ttyS0 --"
FLAGS = ["-std=gnu17", "-O2", "-static", "-Wall", "-Wextra"]


def run(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if result.returncode:
        errors = [line for line in result.stderr.splitlines() if line and not line.startswith("W:")]
        raise Failure("\n".join([f"{command[0]} failed", *errors]))
    return result.stdout


def package_name():
    """The package that the meta package stands for now."""
    for line in run("apt-cache", "depends", META_PACKAGE).splitlines():
        word, _, name = line.strip().partition(": ")
        if word == "Depends" and name.startswith("linux-image-"):
            return name
    raise Failure(f"{META_PACKAGE} is not known here")


def find_kernel():
    return next(iter(sorted(glob.glob(f"{FOLDER}/root/boot/vmlinuz-*"))), None)


def fetch_kernel():
    os.makedirs(FOLDER, exist_ok=True)
    name = package_name()
    try:
        run("apt-get", "download", name, cwd=FOLDER)
    except Failure:
        if os.getuid() != 0:
            raise
        run("apt-get", "update", "-qq")  # what is known here may be older than what is kept there
        name = package_name()
        run("apt-get", "download", name, cwd=FOLDER)
    for package in glob.glob(f"{FOLDER}/{name}_*.deb"):
        run("dpkg-deb", "-x", package, f"{FOLDER}/root")
        os.remove(package)


def sources():
    return sorted(glob.glob("tests/bench/linux/*.c"))


def build_archive():
    """The first process and the program it starts, in a boot archive of the same kind as Jacinth's."""
    shared = sorted(glob.glob("tests/bench/*.c"))
    run("gcc", *FLAGS, *shared, *sources(), "-o", f"{FOLDER}/init")
    run("gcc", "-nostdlib", "-static", "tests/bench/linux/tiny/start.S", "-o", f"{FOLDER}/tiny")
    files = {}
    for name in ("init", "tiny"):
        with open(f"{FOLDER}/{name}", "rb") as file:
            files[name] = file.read()
    with open(f"{FOLDER}/archive.cpio", "wb") as file:
        file.write(archive(files, alignment=4))
    return f"{FOLDER}/archive.cpio"


def prepare():
    """Linux, ready to boot; a Failure says why it cannot be had."""
    if platform.machine() != "x86_64" or not all(map(shutil.which, ("gcc", "apt-get", "dpkg-deb"))):
        raise Failure("it takes a Debian system on x86-64")
    if not find_kernel():
        fetch_kernel()
    kernel = find_kernel()
    if not kernel:
        raise Failure("the package holds no kernel")
    return System("linux", kernel, build_archive(), COMMAND_LINE, " ")


def version(system):
    return os.path.basename(system.kernel).removeprefix("vmlinuz-")
