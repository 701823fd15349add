#!/usr/bin/env python3
"""Makes the boot archive: a cpio archive of format newc, the same bytes for the same files.

usage: mkbootfs.py ARCHIVE NAME=FILE...
"""

import sys

MODE = 0o100755


def padded(data):
    return data + b"\0" * (-len(data) % 4)


def entry(inode, name, data, mode):
    name_bytes = name.encode() + b"\0"
    fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name_bytes), 0]
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return padded(header + name_bytes) + padded(data)


def archive(files):
    """`files`: name to contents."""
    entries = [entry(inode, name, files[name], MODE) for inode, name in enumerate(sorted(files), 1)]
    return b"".join(entries) + entry(0, "TRAILER!!!", b"", 0)


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
