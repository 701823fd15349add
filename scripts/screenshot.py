#!/usr/bin/env python3
"""Boots the CD image and writes a picture of its screen.

usage: screenshot.py ISO PICTURE.png [COMMAND...]

The commands are typed at the prompt first.
"""

import os
import struct
import sys
import tempfile
import time
import zlib

from jacinth_qemu import Boot, Watch

LIMIT_SECONDS = 60
PROMPT = "> "
SMALL_SCREEN = ("-global", "VGA.xres=800", "-global", "VGA.yres=600")


def read_ppm(path):
    """Width, height and the pixels, three bytes each, of a binary PPM file."""
    with open(path, "rb") as file:
        data = file.read()
    magic, width, height, depth = data.split(maxsplit=4)[:4]
    assert magic == b"P6" and depth == b"255"
    width, height = int(width), int(height)
    return width, height, data[-width * height * 3 :]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, pixels):
    row = width * 3
    rows = b"".join(b"\0" + pixels[at : at + row] for at in range(0, len(pixels), row))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def wait_for_prompts(watch, count):
    end = time.monotonic() + LIMIT_SECONDS
    while watch.console().count("\n" + PROMPT) < count:
        if time.monotonic() > end or watch.process.poll() is not None:
            sys.exit("no prompt:\n" + watch.console())
        time.sleep(0.1)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    iso, picture, commands = sys.argv[1], sys.argv[2], sys.argv[3:]
    with tempfile.TemporaryDirectory(prefix="jacinth-") as folder:
        watch = Watch(Boot("screenshot", loader="bios", iso=iso, extra=SMALL_SCREEN), folder)
        try:
            for number, command in enumerate(commands, 1):
                wait_for_prompts(watch, number)
                watch.type(command + "\r")
            wait_for_prompts(watch, len(commands) + 1)
            dump = os.path.join(folder, "screen.ppm")
            watch.qmp.request("screendump", filename=dump)
            width, height, pixels = read_ppm(dump)
        finally:
            watch.end()
    with open(picture, "wb") as file:
        file.write(png(width, height, pixels))
    print(f"{picture}: {width} x {height}")


if __name__ == "__main__":
    main()
