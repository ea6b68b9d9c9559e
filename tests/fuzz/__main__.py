"""`python -m tests.fuzz --inputs 100000`: exit code 1 when an input is neither taken nor refused."""

from __future__ import annotations

import argparse
import logging
import sys
import time
import traceback

from tests.fuzz import archives, events, listener, messages, settings
from tests.fuzz.target import Target, fuzz

TARGETS = {
    target.name: target
    for target in (listener.TARGET, messages.TARGET, events.TARGET, archives.TARGET, settings.TARGET)
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description="Generated inputs for what strangers reach.")
    parser.add_argument("--inputs", type=int, default=100_000, help="for each target (default: 100000)")
    parser.add_argument("--seed", type=int, default=1, help="another one, other inputs (default: 1)")
    parser.add_argument("--target", choices=sorted(TARGETS), action="append", help="one of them only")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)  # each refusal has its line in the log
    clean = [_tried(TARGETS[name], asked.inputs, asked.seed) for name in asked.target or TARGETS]
    return 0 if all(clean) else 1


def _tried(target: Target, inputs: int, seed: int) -> bool:
    began = time.monotonic()
    try:
        tried = fuzz(target, inputs, seed, lambda tried: _progress(target.name, tried, inputs))
    except Exception:
        traceback.print_exc()
        print(f"{target.name}: a finding, above", flush=True)
        return False
    outcomes = ", ".join(f"{count} {name}" for name, count in sorted(tried.outcomes.items()))
    print(
        f"{target.name}: {tried.inputs} inputs, {tried.different} different, in "
        f"{time.monotonic() - began:.0f} s: {outcomes}",
        flush=True,
    )
    return True


def _progress(name: str, tried: int, inputs: int) -> None:
    """For who watches: it takes a quarter of an hour."""
    if sys.stderr.isatty():
        print(
            f"\r{name}: {tried} of {inputs} ",
            end="\n" if tried == inputs else "",
            file=sys.stderr,
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
