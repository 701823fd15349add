"""Where the CPUs of a stopped machine are: backtraces with function names, of the kernel and of user programs."""

import glob
import os

from elf_symbols import Symbols

STACK_DEPTH = 24
PAGE = 4096
PROGRAM_PAGES = 1024  # how far below an address the beginning of its program is looked for
ELF_HEADER_WORDS = 8


def describe_cpus(qmp, kernel):
    lines = []
    for number, registers in enumerate(qmp.registers()):
        state = ", halted" if registers["is_halted"] else ""
        details = " ".join(f"{name.lower()} {registers.get(name, 0):#x}" for name in ("RSP", "CR2", "CR3"))
        lines.append(f"  CPU {number}{state}: {details}")
        lines += [f"    {line}" for line in describe_stack(qmp, number, registers, kernel)]
    return "\n".join(lines) or "  (QEMU did not answer)"


def describe_stack(qmp, cpu, registers, kernel):
    is_user = registers["CS"] & 3
    if is_user:
        symbols, base, program = find_program(qmp, cpu, registers.get("RIP", 0), os.path.dirname(kernel))
        yield f"user mode, in {program or 'an unknown program'}"
    else:
        symbols, base = (Symbols(kernel) if kernel else None), 0
    for address in backtrace(qmp, cpu, registers, is_user):
        name = symbols.describe(address - base) if symbols else None
        yield f"{address:#018x} {name or ''}".rstrip()


def backtrace(qmp, cpu, registers, is_user):
    """Frame pointers form a list that ends with 0 and leads upwards."""
    addresses = [registers.get("RIP", 0)]
    frame = registers.get("RBP", 0)
    while frame and (is_user or frame >> 63) and len(addresses) < STACK_DEPTH:
        words = qmp.read_words(frame, 2, cpu)
        if len(words) != 2 or words[0] and words[0] <= frame:
            break
        frame, caller = words
        if caller:
            addresses.append(caller)
    return addresses


def find_program(qmp, cpu, address, folder):
    """Programs lie at random places: the ELF header in front of the code tells which one it is."""
    headers = {}
    for path in glob.glob(f"{folder}/root/*/*"):
        with open(path, "rb") as file:
            headers[file.read(8 * ELF_HEADER_WORDS)] = os.path.relpath(path, f"{folder}/root")
    for page in range(address // PAGE, max(0, address // PAGE - PROGRAM_PAGES), -1):
        words = qmp.read_words(page * PAGE, ELF_HEADER_WORDS, cpu)
        program = headers.get(b"".join(word.to_bytes(8, "little") for word in words))
        if program:
            return Symbols(f"{folder}/programs/{program}"), page * PAGE, program
    return None, 0, None
