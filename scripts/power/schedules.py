"""Run schedules in a process of its own: of the product as it is, or of one that a mutant changed before it was imported.

    python -m scripts.power.schedules COUNT SEED [MUTANT]

Prints how far it is, then a line of JSON; exit code 1 when a schedule failed.
"""

import importlib
import json
import logging
import sys
import time
import traceback

import structlog

from scripts.power import mutants

EVERY_S = 10.0


def main(count: int, seed: int, mutant: str | None) -> int:
    """Run until all went well or one did not."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if mutant is not None:
        mutants.install(mutant)
    machine = importlib.import_module("scripts.power.machine")
    begun, told = time.monotonic(), [time.monotonic()]

    def progress() -> None:
        if time.monotonic() - told[0] > EVERY_S:
            told[0] = time.monotonic()
            print(
                f"{machine.counted['schedules']} schedules, {machine.counted['cuts']} power cuts, {told[0] - begun:.0f} s", file=sys.stderr
            )

    machine.PowerMachine.progress = staticmethod(progress)
    failed = ""
    try:
        machine.run(count, seed)
    except Exception as error:  # noqa: BLE001 - whatever breaks is what the schedule found
        failed = f"{type(error).__name__}: {error}"[:1000]
        if mutant is None:
            traceback.print_exc()
    print(json.dumps({"counted": dict(machine.counted), "failed": failed, "seconds": round(time.monotonic() - begun, 1)}))
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None))
