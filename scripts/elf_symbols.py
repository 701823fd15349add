"""Functions and their addresses, read from an ELF file: for the kernel's own table and for the test runner."""

import bisect
import struct

SECTION_SYMBOLS = 2
TYPE_NONE, TYPE_FUNCTION = 0, 2
FLAG_EXECUTABLE = 4


class Symbols:
    """The functions of one ELF64 file, sorted by address."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        self.by_name = {}
        self.end = max((address + size for _, _, flags, address, _, size, *_ in self._sections()
                        if flags & FLAG_EXECUTABLE), default=0)  # fmt: skip
        functions = {}
        for name, address, kind, is_code in self._read():
            self.by_name[name] = address
            if is_code and kind in (TYPE_NONE, TYPE_FUNCTION):
                # of several names for one address the typed one, then the first in the alphabet
                functions[address] = min(functions.get(address, (9, "")), (-kind, name))
        self.functions = sorted((address, name) for address, (_, name) in functions.items())
        self.addresses = [address for address, _ in self.functions]

    def _sections(self):
        offset, = struct.unpack_from("<Q", self.data, 0x28)
        size, count = struct.unpack_from("<HH", self.data, 0x3A)
        return [struct.unpack_from("<IIQQQQIIQQ", self.data, offset + i * size) for i in range(count)]

    def _string(self, offset):
        return self.data[offset : self.data.index(b"\0", offset)].decode()

    def _read(self):
        sections = self._sections()
        for _, kind, _, _, offset, size, link, _, _, entry_size in sections:
            if kind != SECTION_SYMBOLS:
                continue
            names = sections[link][4]
            for at in range(offset, offset + size, entry_size):
                name, info, _, section, value, _ = struct.unpack_from("<IBBHQQ", self.data, at)
                if name and section:
                    is_code = section < len(sections) and sections[section][2] & FLAG_EXECUTABLE
                    yield self._string(names + name), value, info & 15, is_code

    def _find(self, address):
        index = bisect.bisect_right(self.addresses, address) - 1
        return self.functions[index] if 0 <= index and address < self.end else None

    def function_at(self, address):
        """The function's name, or None outside of all functions."""
        found = self._find(address)
        return found and found[1]

    def describe(self, address):
        """'function+0x12', or None outside of all functions."""
        found = self._find(address)
        return found and f"{found[1]}+0x{address - found[0]:x}"
