#!/usr/bin/env python3
"""Makes the boot archive: a cpio archive of format newc, the same bytes for the same files.

Each file begins with a page, so that programs can be mapped where they lie: its name is followed by as many
zeros as it takes.

usage: mkbootfs.py ARCHIVE NAME=FILE...
"""

import sys

MODE = 0o100755
HEADER_SIZE = 110
PAGE_SIZE = 4096


def padded(data):
    return data + b"\0" * (-len(data) % 4)


def entry(inode, name, data, mode):
    fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return padded(header + name) + padded(data)


def archive(files, alignment=PAGE_SIZE):
    """`files`: name to contents. Each begins at a multiple of `alignment`, at least 4."""
    result = b""
    for inode, name in enumerate(sorted(files), 1):
        name_bytes = name.encode() + b"\0"
        name_bytes += b"\0" * (-(len(result) + HEADER_SIZE + len(name_bytes)) % alignment)
        result += entry(inode, name_bytes, files[name], MODE)
    return result + entry(0, b"TRAILER!!!\0", b"", 0)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    files = {}
    for argument in sys.argv[2:]:
        name, path = argument.split("=", 1)
        with open(path, "rb") as file:
            files[name] = file.read()
    with open(sys.argv[1], "wb") as output:
        output.write(archive(files))


if __name__ == "__main__":
    main()
