#!/usr/bin/env python3
"""Writes the kernel's symbol table as assembly; its form is described in kernel/debug/symbols.h.

usage: symbols.py OUTPUT [KERNEL]

Without a kernel the table is empty: for the first link.
"""

import sys

from elf_symbols import Symbols


def table(functions, start):
    yield '.section .symbols, "a"'
    yield ".balign 8"
    yield f".long {len(functions)}"
    offset = 0
    for address, name in functions:
        yield f".long {address - start}, {offset}"
        offset += len(name) + 1
    for _, name in functions:
        yield f'.asciz "{name}"'
    yield '.section .note.GNU-stack, "", @progbits'


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    functions, start = [], 0
    if len(sys.argv) == 3:
        symbols = Symbols(sys.argv[2])
        start = symbols.by_name["kernel_start"]
        functions = [f for f in symbols.functions if start <= f[0] < symbols.by_name["text_end"]]
    with open(sys.argv[1], "w", encoding="ascii") as file:
        for line in table(functions, start):
            print(line, file=file)


if __name__ == "__main__":
    main()
