"""The names that comments mention must exist: functions, variables, constants and files that were renamed or removed.

A name is a word with an underscore, a word followed by (), or a file such as object/cycle.h. It exists if the code of
the tree has it: sources without their comments, what is made from the definition of the system calls, and makefiles. A
name may stand for several: wait_queue_* for all that begin so. Constants may come without what all of their kind begin
with: NO_MEMORY for ZX_ERR_NO_MEMORY.
"""

import glob
import os
import re

COMMENT_FOLDERS = ("kernel", "arch", "libc", "user")
CODE_FOLDERS = (*COMMENT_FOLDERS, "tests", "build/generated")
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
NAME = re.compile(r"(?<![\w/])([A-Za-z_]\w*)(\*|\(\))?(?![\w/]|\.\w)")
FILE = re.compile(r"(?<![\w.-])((?:[\w-]+/)*[\w-]+\.(?:c|h|S|py|sh|mk|def|md|ld|txt))\b(?!/)")
# What is named and stands elsewhere: loaders, the compiler.
FOREIGN = {"hvm_start_info", "XEN_ELFNOTE_PHYS32_ENTRY"}
FOREIGN_FILES = {"stdint.h"}
NOT_SEARCHED = {"build", ".git"}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def sources(folders):
    found = (glob.glob(f"{folder}/**/*.{ending}", recursive=True) for folder in folders for ending in ("c", "h", "S"))
    return sorted(path for paths in found for path in paths)


def is_comment(piece):
    return piece.startswith(("/*", "//"))


def without_comments(text):
    """Strings stay: format strings and options are names too."""
    return COMMENT_OR_STRING.sub(lambda found: " " if is_comment(found.group()) else found.group(), text)


def comments(text):
    """(line number, text) of each line of each comment."""
    for found in COMMENT_OR_STRING.finditer(text):
        if is_comment(found.group()):
            first = text.count("\n", 0, found.start()) + 1
            yield from enumerate(found.group().split("\n"), first)


class Names:
    """All words that the code has, and all files."""

    def __init__(self):
        self.words = set(FOREIGN)
        for path in sources(CODE_FOLDERS):
            self.words.update(re.findall(r"\w+", without_comments(read(path))))
        for path in [*glob.glob("scripts/*.mk"), *glob.glob("kernel/abi/*.def"), "linker.ld", "Makefile"]:
            self.words.update(re.findall(r"\w+", read(path)))
        self.all = " " + " ".join(sorted(self.words)) + " "
        self.files = [f"/{name}" for name in FOREIGN_FILES]
        for folder, folders, names in os.walk("."):
            folders[:] = [name for name in folders if folder != "." or name not in NOT_SEARCHED]
            self.files += [os.path.join(folder, name) for name in names]
        self.files += [f"/{path}" for path in glob.glob("build/generated/**/*", recursive=True)]

    def has_word(self, word, is_family=False):
        """A word that begins or ends with '_', or is followed by '*', is a part of one that exists."""
        if word in self.words:
            return True
        end = "" if word.endswith("_") or is_family else " "
        if word.startswith("_"):
            return f"{word}{end}" in self.all
        return f" {word}{end}" in self.all or word.isupper() and f"_{word}{end}" in self.all

    def has_file(self, path):
        return any(file.endswith(f"/{path}") for file in self.files)


def unknown_names(line, names):
    for found in NAME.finditer(line):
        word, mark = found.groups()
        if ("_" in word or mark == "()") and not names.has_word(word, mark == "*"):
            yield word


def check_comment_names():
    names, faults = Names(), []
    for path in sources(COMMENT_FOLDERS):
        for number, line in comments(read(path)):
            unknown = [*unknown_names(line, names), *(name for name in FILE.findall(line) if not names.has_file(name))]
            faults += [f"{path}:{number}: a comment names {name}, which does not exist" for name in unknown]
    return "\n".join(faults)
