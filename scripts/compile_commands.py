#!/usr/bin/env python3
"""Writes compile_commands.json for editors and clang-tidy.

usage: compile_commands.py OUTPUT 'COMPILER FLAGS' SOURCE... ['COMPILER FLAGS' SOURCE...]...

Both understand clang's flags and want clang's own headers, not those of the compiler that builds.
"""

import json
import os
import re
import sys


def for_clang(command):
    return re.sub(r"-nostdinc -isystem \S+", "-target x86_64-elf -nostdlibinc", command)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    entries, command = [], ""
    for argument in sys.argv[2:]:
        if " " in argument:
            command = for_clang(argument)
        else:
            entries.append({"directory": os.getcwd(), "command": f"{command} -c {argument}", "file": argument})
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(entries, file, indent=1)


if __name__ == "__main__":
    main()
