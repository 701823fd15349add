#!/usr/bin/env python3
"""Writes compile_commands.json for editors and clang-tidy.

usage: compile_commands.py OUTPUT 'COMPILER FLAGS' SOURCE... ['COMPILER FLAGS' SOURCE...]...

Both understand clang's flags and want clang's own headers, not those of the compiler that builds. The sources of
the tests on this machine are added with the flags of host_tests.py.
"""

import json
import os
import re
import sys

import bench_linux
import host_tests


def for_clang(command):
    return re.sub(r"-nostdinc -isystem \S+", "-target x86_64-elf -nostdlibinc", command)


def entry(command, source):
    return {"directory": os.getcwd(), "command": f"{command} -c {source}", "file": source}


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    entries, command = [], ""
    for argument in sys.argv[2:]:
        if " " in argument:
            command = for_clang(argument)
        else:
            entries.append(entry(command, argument))
    entries += [entry(f"gcc {' '.join(host_tests.FLAGS)}", source) for source in host_tests.all_sources()]
    entries += [entry(f"gcc {' '.join(bench_linux.FLAGS)}", source) for source in bench_linux.sources()]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(entries, file, indent=1)


if __name__ == "__main__":
    main()
