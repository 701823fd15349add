"""Tests of scripts/mutants.py and mutations.py: which mistakes they find in a text, and what becomes of it."""

import os
import tempfile

import mutants
import mutations
from results import Case, Task

GROUP = "mutants"

TEXT = """\
#define TWICE(x) ((x) + 1)
static const unsigned table[] = {1, 2};
/* a + b < 3 && c */
zx_status_t take(struct queue* queue, uint32_t count) {
    uint32_t left = queue->size - count; // not < 4
    ASSERT(left < 9);
    if (count == 0 || queue->text == "a && b")
        return ZX_ERR_INVALID_ARGS;
    queue->flags = QUEUE_OPEN | QUEUE_BUSY;
    spin_lock(&queue->lock);
    wake(&queue->readers,
         count);
    spin_unlock(&queue->lock);
    return
        call(left) == ZX_OK;
}
"""
# (kind, the line that becomes another, what it is then)
CHANGES = [
    ("arithmetic", "uint32_t left = queue->size - count; // not < 4", "uint32_t left = queue->size + count; // not < 4"),
    ("negate", 'if (count == 0 || queue->text == "a && b")', 'if (!(count == 0 || queue->text == "a && b"))'),
    ("compare", 'if (count == 0 || queue->text == "a && b")', 'if (count != 0 || queue->text == "a && b")'),
    ("constant", 'if (count == 0 || queue->text == "a && b")', 'if (count == 1 || queue->text == "a && b")'),
    ("logic", 'if (count == 0 || queue->text == "a && b")', 'if (count == 0 && queue->text == "a && b")'),
    ("compare", 'if (count == 0 || queue->text == "a && b")', 'if (count == 0 || queue->text != "a && b")'),
    ("error", "return ZX_ERR_INVALID_ARGS;", "return ZX_ERR_BAD_STATE;"),
    ("drop", "queue->flags = QUEUE_OPEN | QUEUE_BUSY;", ";"),
    ("flag", "queue->flags = QUEUE_OPEN | QUEUE_BUSY;", "queue->flags = QUEUE_BUSY;"),
    ("flag", "queue->flags = QUEUE_OPEN | QUEUE_BUSY;", "queue->flags = QUEUE_OPEN;"),
    ("drop", "wake(&queue->readers,", ";"),
    ("compare", "call(left) == ZX_OK;", "call(left) != ZX_OK;"),
    ("error", "call(left) == ZX_OK;", "call(left) == ZX_ERR_INTERNAL;"),
]


def changed_line(mutant):
    before, after = TEXT.splitlines(), mutant.apply(TEXT).splitlines()
    number = next(number for number, pair in enumerate(zip(before, after)) if pair[0] != pair[1])
    assert mutant.line == number + 1
    return mutant.kind, before[number].strip(), after[number].strip()


def finds_what_can_be_changed():
    found = [changed_line(mutant) for mutant in mutations.find("a.c", TEXT)]
    return found == CHANGES or f"{found}"


def keeps_the_number_of_lines():
    return all(mutant.apply(TEXT).count("\n") == TEXT.count("\n") for mutant in mutations.find("a.c", TEXT))


def keys_stay_when_lines_move():
    keys = [mutant.key for mutant in mutations.find("a.c", TEXT)]
    moved = [mutant.key for mutant in mutations.find("a.c", "\n\n" + TEXT)]
    return keys == moved and len(set(keys)) == len(keys)


def one_seed_draws_the_same():
    texts = {"a.c": TEXT, "b.c": TEXT}
    first, again, other = (mutations.draw(texts, seed) for seed in (1, 1, 2))
    return first == again and first != other and sorted(map(str, first)) == sorted(map(str, other))


def every_source_has_tests_that_reach_it():
    """The table names no program, area, group or file that does not exist."""
    import run_tests  # which imports this module
    import turns

    groups = [task.group for task in run_tests.all_tasks({"kernel": "1", "user": "1"}, [1], 1)]
    known = {"kernel": turns.kernel_areas("debug"), "user": turns.user_programs()}
    words = [word for _, all_words in mutants.REACH for word in all_words.split()]
    bad = [w for w in words if (w.partition("=")[2] not in known[w.partition("=")[0]] if "=" in w else not any(w in group for group in groups))]
    paths = mutants.texts_below(["kernel", "arch"])
    bad += [path for path in paths if not mutants.words_for(path) and path.count("/") > 1]
    bad += [start for start, _ in mutants.REACH if not any(path.startswith(start) for path in paths)]
    return not bad or f"{bad}"


def goes_on_where_it_stopped():
    folder = mutants.FOLDER
    with tempfile.TemporaryDirectory(prefix="jacinth-") as mutants.FOLDER:
        try:
            state = mutants.State("seed1", "tree a")
            state.found["k"] = ("noticed", "a test")
            state.save()
            return mutants.State("seed1", "tree a").found == {"k": ["noticed", "a test"]} and not mutants.State("seed1", "tree b").found
        finally:
            mutants.FOLDER = folder


def survivors_are_shown_with_their_verdicts():
    drawn = mutations.find("kernel/ipc/a.c", TEXT)[:4]
    found = {mutant.key: [verdict, ""] for mutant, verdict in zip(drawn, ("noticed", "survived", "survived", "same"))}
    with tempfile.TemporaryDirectory(prefix="jacinth-") as folder:
        path = os.path.join(folder, "verdicts")
        mutants.write(path, f"# a comment\n\n{drawn[1].key} equivalent nobody sees it\n")
        verdicts = mutants.read_verdicts(path)
    lines, is_judged = mutants.summary(drawn, found, verdicts)
    whole, is_whole_judged = mutants.summary(drawn, found, {**verdicts, drawn[2].key: ("hole", "")})
    return (
        not is_judged and is_whole_judged and len(whole) == len(lines)
        and lines[2].endswith("[equivalent nobody sees it]") and lines[3].endswith("[no verdict yet]")
        and lines[-1].split() == "all 1 of 2 noticed (50 %), 1 equivalent".split()
    )  # fmt: skip


TRIALS = (
    finds_what_can_be_changed,
    keeps_the_number_of_lines,
    keys_stay_when_lines_move,
    one_seed_draws_the_same,
    every_source_has_tests_that_reach_it,
    goes_on_where_it_stopped,
    survivors_are_shown_with_their_verdicts,
)


def run():
    verdicts = {trial.__name__: trial() for trial in TRIALS}
    return [Case(GROUP, name, "passed" if good is True else "failed", "" if good is True else str(good)) for name, good in verdicts.items()]


def tasks():
    yield Task(GROUP, run)
