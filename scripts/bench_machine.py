"""Runs the benchmark program in QEMU: counted as a whole, or served one operation at a time for measuring time."""

import dataclasses
import os
import re
import shutil
import statistics
import tempfile
import time

from jacinth_qemu import EXIT_GOOD, Boot, Watch, run_boot
from results import BadRecords, parse_records

CALIBRATION = "calibration_per_thousand"
CALIBRATION_TOLERANCE = 1.0  # of a thousand instructions
AGREEMENT = 0.01  # of two counted runs
LATENCY_CPUS = (2, 4)
SEEDS = (1, 2, 3, 4, 5)  # of what is random in the guest: where programs and mappings lie
ANSWER_LIMIT_SECONDS = 120
ANSWER_POLL_SECONDS = 0.0005
TIME_ROUNDS = 15
SCALING_ROUNDS = 5


class Failure(Exception):
    """The figures cannot be had, or cannot be believed."""


@dataclasses.dataclass
class System:
    """What runs the benchmark; words for the program go behind the command line, with the separator in between."""

    name: str
    kernel: str
    archive: str
    command_line: str
    separator: str
    cpu_model: str = "max"

    def boot(self, words, seed=SEEDS[0], **options):
        command_line = self.separator.join([self.command_line, *words])
        seeded = () if "turns" in options else ("-seed", str(seed))  # turns bring their seed
        return Boot(f"bench.{self.name}", kernel=self.kernel, archive=self.archive, command_line=command_line, silence=300,
                    cpu_model=self.cpu_model, extra=seeded, **{"cpus": 1, **options})  # fmt: skip


JACINTH = System("jacinth", "build/release/jacinth.elf", "build/release/bootfs.cpio", "jacinth.run=bench/bench", ",")


# --- counted


def count(system, seed=SEEDS[0], words=("all=1",), **options):
    """One boot: {operation: instructions}; believed only if the loop of known length has its length."""
    outcome = run_boot(system.boot(words, seed, icount=0, **options))
    try:
        _, metrics = parse_records(outcome.results, system.name)
    except BadRecords as error:
        raise Failure(f"{system.name}: {error}; {outcome.explanation}\n{outcome.results}{outcome.console}") from error
    if outcome.kind != "exit" or outcome.status != EXIT_GOOD:
        raise Failure(f"{system.name}: {outcome.explanation}\n{outcome.results}")
    figures = {name: figure for name, (figure, _) in metrics.items()}
    calibration = figures.pop(CALIBRATION)
    if abs(calibration - 1000) > CALIBRATION_TOLERANCE:
        raise Failure(f"{system.name}: a thousand instructions are counted as {calibration}")
    return figures


def differences(figures, again):
    """Where two runs do not agree, in words."""
    return [f"{key}: {figures[key]} and {again[key]}" for key in figures if abs(figures[key] - again[key]) > AGREEMENT * figures[key]]


def check_agreement(system, figures):
    """The counter is no clock: another run like the one of `figures` gives the same."""
    different = differences(figures, count(system))
    if different:
        raise Failure(f"{system.name}: two runs do not agree: {'; '.join(different)}")


def count_median(system):
    runs = [count(system, seed) for seed in SEEDS]
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def count_growth(system):
    """{operation: {amount: instructions}}."""
    growth = {}
    for name, figure in count(system, words=("growth=1",)).items():
        key, _, amount = name.partition(".")
        if amount:
            growth.setdefault(key, {})[int(amount)] = figure
    return growth


def count_latencies(system):
    """{"latency.cpusN": instructions} of all CPUs together. A seed decides which CPU runs when, so it must give the same
    figures again; the median of a few seeds counts."""
    latencies = {}
    for cpus in LATENCY_CPUS:
        first, again, *others = [count(system, seed, ("latency=1", f"cpus={cpus}"), cpus=cpus, turns=seed) for seed in (SEEDS[0], *SEEDS)]
        if first != again:
            raise Failure(f"{system.name}: two runs of seed {SEEDS[0]} differ: {first} and {again}")
        for key in first:
            latencies[f"{key}.cpus{cpus}"] = statistics.median(run[key] for run in (first, *others))
    return {key: latencies[key] for key in sorted(latencies) if not key.startswith("boot.")}


# --- timed


class Session:
    """A machine that measures what it is asked for. A tick is known from its clock and this machine's, far apart."""

    def __init__(self, system, **options):
        cpus = options.get("cpus", 1)
        self.name = system.name
        self.folder = tempfile.mkdtemp(prefix="jacinth-")
        self.watch = Watch(system.boot(["serve=1", f"cpus={cpus}"], **options), self.folder)
        self.seen = 0
        self.boot_ticks = self._answer("boot")
        self.first_clock = self.last_clock = self._clock()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.watch.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answer(self, name):
        """The value of the next record with that name."""
        path = os.path.join(self.folder, "results")
        end = time.monotonic() + ANSWER_LIMIT_SECONDS
        while time.monotonic() < end and self.watch.process.poll() is None:
            if os.path.exists(path) and os.path.getsize(path) > self.seen:
                with open(path, encoding="utf-8") as file:
                    file.seek(self.seen)
                    text = file.read()
                found = re.search(rf"^@metric {re.escape(name)} (\S+) ticks\n", text, re.MULTILINE)
                if found:
                    self.seen += found.end()
                    return float(found.group(1))
            time.sleep(ANSWER_POLL_SECONDS)
        raise Failure(f"{self.name}: no answer for {name}\n{self.watch.console()[-2000:]}")

    def _clock(self):
        ticks = self._answer("clock")
        return ticks, time.monotonic_ns()

    def ask(self, key):
        """Ticks of one operation, in one round."""
        self.watch.type(key + "\r")
        ticks = self._answer(key)
        self.last_clock = self._clock()
        return ticks

    def nanoseconds_per_tick(self):
        (first_ticks, first_time), (last_ticks, last_time) = self.first_clock, self.last_clock
        return (last_time - first_time) / (last_ticks - first_ticks)


def time_operations(keys):
    """{operation: ns}, the median of many rounds."""
    with Session(JACINTH) as session:
        rounds = [{key: session.ask(key) for key in keys} for _ in range(TIME_ROUNDS)]
        tick = session.nanoseconds_per_tick()
        times = {key: statistics.median(one[key] for one in rounds) * tick for key in keys}
        return {**times, "boot": session.boot_ticks * tick}


def time_against(system, pairs):
    """{operation: (ns, ns in the other system, ratio)} for pairs of operations: rounds alternate between the systems, and
    the ratio is the median of the rounds' ratios."""
    jacinth = dataclasses.replace(JACINTH, cpu_model=system.cpu_model)
    with Session(jacinth) as ours, Session(system) as theirs:
        rounds = [{key: (ours.ask(key), theirs.ask(other)) for key, other in pairs.items()} for _ in range(TIME_ROUNDS)]
        tick = ours.nanoseconds_per_tick(), theirs.nanoseconds_per_tick()
        boots = ours.boot_ticks * tick[0], theirs.boot_ticks * tick[1]
    times = {key: summarise([one[key] for one in rounds], tick) for key in pairs}
    return {**times, "boot": (*boots, boots[1] / boots[0])}


def summarise(rounds, tick):
    ours, theirs = (statistics.median(one[side] for one in rounds) * tick[side] for side in (0, 1))
    ratio = statistics.median(one[1] * tick[1] / (one[0] * tick[0]) for one in rounds)
    return ours, theirs, ratio


def time_scaling(system, keys, cpus):
    """{key: operations in a millisecond} of all CPUs together, each in a host thread of its own."""
    with Session(system, cpus=cpus, is_parallel=True) as session:
        ticks = {key: statistics.median(session.ask(key) for _ in range(SCALING_ROUNDS)) for key in keys}
        return {key: cpus * 1e6 / (ticks[key] * session.nanoseconds_per_tick()) for key in keys}

