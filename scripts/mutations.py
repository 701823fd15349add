"""Small changes of meaning to C sources, for scripts/mutants.py: what could be changed in a text, and the changed text."""

import bisect
import dataclasses
import hashlib
import random
import re

from comment_names import COMMENT_OR_STRING

# Lines that only say or check something: a change there is noticed at once, or by nobody.
NOT_CHANGED = re.compile(r"\b(ASSERT|STATIC_ASSERT|_Static_assert|log_\w+|panic\w*|console_printf|PRINTF_LIKE|TURNS_\w+|lock_order_\w+)\s*\(")
# Without an unlock everything stands still, and the lock order sees a lock that was not taken.
NOT_DROPPED = re.compile(r"lock")
ERROR = re.compile(r"\bZX_(?:ERR_\w+|OK)\b")
OTHER_ERROR = {"ZX_OK": "ZX_ERR_INTERNAL", "ZX_ERR_BAD_STATE": "ZX_ERR_INVALID_ARGS"}
SWAPS = (
    ("compare", re.compile(r"(?<= )(<=|>=|<|>|==|!=)(?= )"), {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}),
    ("arithmetic", re.compile(r"(?<= )(\+|-|\+=|-=)(?= )"), {"+": "-", "-": "+", "+=": "-=", "-=": "+="}),
    ("logic", re.compile(r"(?<= )(&&|\|\|)(?= )"), {"&&": "||", "||": "&&"}),
)
NUMBER = re.compile(r"(?<![\w.])(\d+)([uUlL]*)\b(?![.\w])")
FLAG_BEHIND = re.compile(r" \| [A-Z][A-Z0-9_]+\b(?!\()")
FLAG_BEFORE = re.compile(r"\b[A-Z][A-Z0-9_]+ \| (?=[A-Z])")
CONDITION = re.compile(r"\b(?:if|while) (?=\()")
# A whole statement that calls a function or assigns to something: no declaration, as those have a blank before the name.
STATEMENT = re.compile(r"^([ \t]+)((?:\*|\+\+|--)?[A-Za-z_][\w.\[\]]*(?:->[\w.\[\]]+)*(?:\(|(?:\+\+|--);| (?:[-+|&^]|<<|>>)?= ))", re.MULTILINE)

KEYWORD = re.compile(r"(return|if|while|for|switch|sizeof|do)\b")


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One change: the characters from `start` to `end` of the file become `new`."""

    path: str
    line: int
    kind: str
    start: int
    end: int
    old: str
    new: str
    key: str  # the same as long as the line is the same, wherever it stands

    def apply(self, text):
        assert text[self.start : self.end] == self.old
        lost_lines = self.old.count("\n") - self.new.count("\n")
        return text[: self.start] + self.new + "\n" * lost_lines + text[self.end :]

    def __str__(self):
        shown = [re.sub(r"\s+", " ", part).strip() or "nothing" for part in (self.old, self.new)]
        return f"{self.key} {self.path}:{self.line}: {self.kind}: {shown[0]} -> {shown[1]}"


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def code_of(text):
    """The same text with blanks for comments, strings and lines of the preprocessor."""
    text = COMMENT_OR_STRING.sub(blank, text)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, text, flags=re.MULTILINE)


def bodies(code):
    """(start, end) of what stands between the braces of each function."""
    depth, start = 0, None
    for found in re.finditer(r"[{}]", code):
        if found.group() == "{":
            if depth == 0:
                start = found.end() if code[: found.start()].rstrip().endswith(")") else None
            depth += 1
        else:
            depth -= 1
            if depth == 0 and start is not None:
                yield start, found.start()


def closing(code, at):
    """Where the parenthesis that opens at `at` is closed."""
    depth = 0
    for found in re.finditer(r"[()]", code[at:]):
        depth += 1 if found.group() == "(" else -1
        if depth == 0:
            return at + found.start()
    return None


def changes_in(code, start, end):
    """(kind, start, end, new text) of what could be changed in one body."""
    for kind, pattern, others in SWAPS:
        for found in pattern.finditer(code, start, end):
            yield kind, found.start(1), found.end(1), others[found.group(1)]
    for found in NUMBER.finditer(code, start, end):
        yield "constant", found.start(), found.end(), f"{int(found.group(1), 8 if found.group(1)[0] == '0' else 10) + 1}{found.group(2)}"
    for pattern in (FLAG_BEFORE, FLAG_BEHIND):
        for found in pattern.finditer(code, start, end):
            yield "flag", found.start(), found.end(), ""
    for found in ERROR.finditer(code, start, end):
        yield "error", found.start(), found.end(), OTHER_ERROR.get(found.group(), "ZX_ERR_BAD_STATE")
    for found in CONDITION.finditer(code, start, end):
        close = closing(code, found.end())
        if close is not None and close < end:
            yield "negate", found.end(), close + 1, f"(!{code[found.end():close + 1]})"
    for found in STATEMENT.finditer(code, start, end):
        close = code.find(";", found.start(2), end)
        statement = code[found.start(2) : close + 1]
        begins = code[: found.start()].rstrip().endswith((";", "{", "}", ":", ")", "else"))
        is_whole = begins and statement.count("(") == statement.count(")") and not KEYWORD.match(statement)
        if is_whole and not NOT_DROPPED.search(statement.partition("(")[0]):
            yield "drop", found.start(2), close + 1, ";"


def find(path, text):
    """All mutants of a file, in the order of its text."""
    code = code_of(text)
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    found, seen = [], {}
    for start, end in bodies(code):
        found += changes_in(code, start, end)
    mutants = []
    for kind, start, end, new in sorted(found):
        number = bisect.bisect_right(starts, start)
        line = text[starts[number - 1] :].partition("\n")[0]
        if NOT_CHANGED.search(line):
            continue
        new = f"(!{text[start:end]})" if kind == "negate" else new
        name = f"{path} {line.strip()} {start - starts[number - 1] - len(line) + len(line.lstrip())} {kind} {new}"
        seen[name] = seen.get(name, 0) + 1
        key = hashlib.sha256(f"{name} {seen[name]}".encode()).hexdigest()[:8]
        mutants.append(Mutant(path, number, kind, start, end, text[start:end], new, key))
    return sorted(mutants, key=lambda mutant: (mutant.start, mutant.end, mutant.kind))


def draw(texts, seed):
    """The mutants of the files {path: text}, in the order that the seed chooses."""
    mutants = [mutant for path in sorted(texts) for mutant in find(path, texts[path])]
    random.Random(seed).shuffle(mutants)
    return mutants
