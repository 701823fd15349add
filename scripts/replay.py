#!/usr/bin/env python3
"""One run with jacinth.turns again, to the instruction; what the machine says is shown as it comes.

usage: replay.py [--gdb PORT] SHAPE CPUS SEED COMMAND_LINE

With --gdb it waits for the debugger, as often as one likes: breakpoints do not change the run.
"""

import argparse
import os
import sys

import turns
from jacinth_qemu import EXIT_GOOD, Watch, run_boot
from run_tests import make_boot

FOR_EVER = 10**9


class Echo(Watch):
    """Repeats what comes on the console."""

    shown = 0

    def _look_at_clocks(self):
        super()._look_at_clocks()
        self.show(self.console())

    def show(self, console):
        print(console[self.shown :], end="", flush=True)
        self.shown = len(console)

    def _outcome(self, kind, explanation):
        outcome = super()._outcome(kind, explanation)
        self.show(outcome.console)
        return outcome


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gdb", type=int)
    parser.add_argument("shape")
    parser.add_argument("cpus", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("command_line")
    return parser.parse_args()


def main():
    options = parse_arguments()
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    run = turns.Run(options.shape, options.cpus, options.seed, options.command_line)
    patience = {"silence": 120}
    if options.gdb:
        patience = {"silence": FOR_EVER, "limit": FOR_EVER, "wall_limit": FOR_EVER, "extra": ("-S", "-gdb", f"tcp:127.0.0.1:{options.gdb}")}
    outcome = run_boot(make_boot(run.name, run.shape, **run.options(), **patience), Echo)
    print(f"--- {outcome.explanation}; the failures of the records:")
    print("\n".join(line for line in outcome.results.splitlines() if line.startswith(("@fail", "@done"))))
    return 0 if outcome.kind == "exit" and outcome.status == EXIT_GOOD else 1


if __name__ == "__main__":
    sys.exit(main())
