"""gdb helpers for the kernel. Start the machine with `make debug`, then, in another terminal:

    gdb -x scripts/gdb/jacinth.py

jx-threads          every thread, its state, and the function it waits in
jx-bt THREAD        the backtrace of a thread that does not run (THREAD: its name or address)
jx-processes        every process that has a thread
jx-handles PROCESS  the handles of a process (PROCESS: its name or koid)
jx-cpus             what runs on each CPU

BUILD=release and GDB_PORT=... in the environment choose another kernel and another port.
"""

import os

import gdb

# What context_switch left on a waiting thread's stack, in words above its stack pointer.
SAVED_FRAME_POINTER = 0
SAVED_RETURN_ADDRESS = 1
WORD = 8
DEPTH_LIMIT = 40
# kernel/object/handle_slot.h and handle_table_inline.h
CHUNK_SLOTS = 128
INDEX_MASK = (1 << 18) - 1


def value(expression):
    return gdb.parse_and_eval(expression)


def field_offset(type_name, field):
    return next(f.bitpos // 8 for f in gdb.lookup_type(type_name).fields() if f.name == field)


def list_entries(head, type_name, field):
    """The structures linked into a list by their member `field`."""
    pointer = gdb.lookup_type(type_name).pointer()
    offset = field_offset(type_name, field)
    node = head["head"]["next"]
    while node != head["head"].address:
        yield (node.cast(gdb.lookup_type("char").pointer()) - offset).cast(pointer)
        node = node["next"]


def text(characters):
    return characters.string(errors="replace")


def word_at(address):
    return int(gdb.Value(address).cast(gdb.lookup_type("uint64_t").pointer()).dereference())


def function_at(address):
    symbol = gdb.execute(f"info symbol {address:#x}", to_string=True).strip()
    return symbol.partition(" in section")[0]


def threads():
    return list_entries(value("all_threads"), "struct thread", "all_node")


def user_thread(thread):
    owner = thread["owner"]
    return owner.cast(gdb.lookup_type("struct user_thread").pointer()) if owner else None


def process_of(thread):
    owner = user_thread(thread)
    return owner["process"] if owner else None


def processes():
    found = {int(process): process for process in map(process_of, threads()) if process}
    return found.values()


def call_chain(thread):
    """Return addresses of a thread that is not running."""
    stack = int(thread["context"]["stack_pointer"])
    yield word_at(stack + SAVED_RETURN_ADDRESS * WORD)
    frame = word_at(stack + SAVED_FRAME_POINTER * WORD)
    for _ in range(DEPTH_LIMIT):
        if frame < 1 << 63:
            return
        caller = word_at(frame + WORD)
        if caller == 0:
            return
        yield caller
        frame = word_at(frame)


def state_name(thread):
    return str(thread["state"]).replace("THREAD_", "").lower()


# Where every wait passes through: what lies above them says more.
WAITING = ("sched_", "thread_park", "context_")


def waits_in(thread):
    for address in call_chain(thread):
        name = function_at(address)
        if not name.startswith(WAITING):
            return name
    return ""


class Command(gdb.Command):
    """A command of ours: the class name gives the command's, run() does it."""

    def __init__(self):
        super().__init__("jx-" + type(self).__name__.lower(), gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        self.run(argument.strip())


class Threads(Command):
    """Every thread, its state, and the function it waits in."""

    def run(self, argument):
        for thread in threads():
            process = process_of(thread)
            owner = text(process["name"]) if process else "kernel"
            state = state_name(thread)
            where = waits_in(thread) if state in ("blocked", "ready") else ""
            print(f"{int(thread):#x}  {text(thread['name']):<16} {owner:<20} {state:<8} "
                  f"cpu {int(thread['sched']['number'])} priority {int(thread['priority']):>2}  {where}")  # fmt: skip


class Bt(Command):
    """The backtrace of a thread that does not run: jx-bt NAME or ADDRESS."""

    def run(self, argument):
        for thread in threads():
            if argument in (text(thread["name"]), f"{int(thread):#x}"):
                print(f"{int(thread):#x} {text(thread['name'])}, {state_name(thread)}")
                for address in call_chain(thread):
                    print(f"  {address:#018x} {function_at(address)}")


class Processes(Command):
    """Every process that has a thread."""

    def run(self, argument):
        for process in processes():
            table = process["handles"]
            used = int(table["slot_count"]) - int(table["free_count"])
            print(f"{int(process):#x}  koid {int(process['object']['koid'])}  {text(process['name']):<24} "
                  f"{used} handles, {str(process['state']).replace('PROCESS_', '').lower()}")  # fmt: skip


class Handles(Command):
    """The handles of a process: jx-handles NAME or KOID."""

    def run(self, argument):
        for process in processes():
            if argument in (text(process["name"]), str(int(process["object"]["koid"]))):
                self.show(process["handles"])

    def show(self, table):
        for index in range(int(table["slot_count"])):
            slot = table["chunks"][index // CHUNK_SLOTS][index % CHUNK_SLOTS]
            if int(slot["tag"]) & INDEX_MASK != index:
                continue  # free: its tag has the lowest bit flipped
            item = slot["object"].dereference()
            print(f"{int(slot['tag']):>11}  rights {int(slot['rights']):#010x}  {text(item['ops']['name']):<12} "
                  f"koid {int(item['koid'])}  handles {int(item['handle_count'])}  signals {int(item['signals']):#x}")  # fmt: skip


class Cpus(Command):
    """What runs on each CPU."""

    def run(self, argument):
        for cpu in gdb.selected_inferior().threads():
            cpu.switch()
            frame = gdb.newest_frame()
            print(f"cpu {cpu.num - 1}: {frame.name() or 'user mode'} at {frame.pc():#x}")


for command in (Threads, Bt, Processes, Handles, Cpus):
    command()

TREE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
gdb.execute(f"cd {TREE}")
gdb.execute("set pagination off")
gdb.execute("set architecture i386:x86-64")
gdb.execute(f"file build/{os.environ.get('BUILD', 'debug')}/jacinth.elf")
gdb.execute(f"target remote 127.0.0.1:{os.environ.get('GDB_PORT', '1234')}")
