"""Counts the instructions of fixed work and compares them with the record in benches/instructions.json.

Usage: instructions.py DIR_OF_EXAMPLES [--record]

DIR_OF_EXAMPLES holds the program `instructions`: target/release/examples after `cargo build --release
--examples`. Each piece of work is run under valgrind's callgrind n and 2n times; the difference is n
repetitions without the start of the program. Only the program's own instructions count: the C library
chooses its copying routines by the processor, so that their number differs between machines. Unlike time,
the count is the same in every run, and a loss of a few percent shows. It depends on the compiler, whose
version is kept in the record.

The record is of the profile `release`, which the tests build anyway. `dist`, with link-time optimisation,
needs some percent fewer, but everything would be compiled a second time only to be counted.

A script rather than gungraun: that needs a runner installed in just the version of the library.
"""

import json
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

RECORD = pathlib.Path(__file__).resolve().parent.parent / "benches/instructions.json"

# Pieces of work and how often each is repeated.
WORK = {"gradient-2": 2000, "gradient-22": 500, "chain": 2}

# By which share a count may rise.
ALLOWED = 0.05


def own_instructions(program, work, repetitions):
    """The instructions executed in the program's own code, not in libraries nor in what valgrind puts in."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--compress-strings=no",
             "--compress-pos=no", program, work, str(repetitions)],
            check=True,
            capture_output=True,
        )
        return cost_of(out.read_text(), str(program))


def cost_of(profile, program):
    """The sum over the functions of one object in callgrind's file: lines `position cost` under its `ob=`.
    The line after `calls=` is the cost of what was called, which is counted where it arose."""
    total, inside, called = 0, False, False
    for line in profile.splitlines():
        if line.startswith("ob="):
            inside = line[3:] == program
        elif line.startswith("calls="):
            called = True
        elif line[:1].isdigit():
            if inside and not called:
                total += int(line.split()[1])
            called = False
    return total


def count(program, work, repetitions):
    once, twice = (own_instructions(program, work, k * repetitions) for k in (1, 2))
    if twice <= once:
        sys.exit(f"{work}: {once} instructions, and {twice} for twice the work: are they in another object?")
    return round((twice - once) / repetitions)


def compiler():
    return subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.strip()


def compare(found, record):
    """Prints every count beside the record; returns the pieces of work that became dearer."""
    dearer = []
    for work, now in found.items():
        before = record["instructions"].get(work)
        if before is None:
            sys.exit(f"{work} is not in {RECORD.name}: record it with --record")
        change = now / before - 1
        print(f"{work:<12} {now:>10} instructions, {change:+.2%} against the record")
        if change > ALLOWED:
            dearer.append(work)
        elif change < -ALLOWED:
            print(f"{'':<12} cheaper by more than {ALLOWED:.0%}: keep it with --record")
    return dearer


def main():
    arguments = [a for a in sys.argv[1:] if a != "--record"]
    if len(arguments) != 1:
        sys.exit("usage: instructions.py DIR_OF_EXAMPLES [--record]")
    if platform.machine() not in ("x86_64", "AMD64"):
        print(f"skipped: the record is for x86_64, this is {platform.machine()}")
        return
    if shutil.which("valgrind") is None:
        print("skipped: valgrind is not installed")
        return
    program = pathlib.Path(arguments[0]).resolve() / "instructions"
    if not program.exists():
        sys.exit(f"{program} is missing: run `cargo build --release --examples`")
    found = {work: count(program, work, n) for work, n in WORK.items()}
    if "--record" in sys.argv:
        RECORD.write_text(json.dumps({"compiler": compiler(), "instructions": found}, indent=2) + "\n")
        print(f"recorded in {RECORD}: {found}")
        return
    record = json.loads(RECORD.read_text())
    if dearer := compare(found, record):
        with_what = ""
        if record["compiler"] != compiler():
            with_what = f" (the record is of {record['compiler']}, this is {compiler()})"
        sys.exit(f"FAILED: more than {ALLOWED:.0%} above the record{with_what}: {', '.join(dearer)}")


main()
