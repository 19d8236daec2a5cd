"""Cut the power and flip bits; exit code 1 when anything that was promised did not survive, or a mutant did."""

import argparse
import json
import subprocess
import sys
from typing import Any

from scripts.power.mutants import MUTANTS, ROOT

MUTANT_SCHEDULES = 3000
OWN_FAULTS = ("SyntaxError", "ImportError", "NameError", "AttributeError", "TypeError", "ValueError")
"""A mutant that breaks like this was not noticed by a schedule, it does not run."""


def main() -> int:
    """Parse the command line and run what it asks for."""
    parser = argparse.ArgumentParser(prog="scripts/power_loss", description=__doc__)
    parser.add_argument("--schedules", type=int, default=0, help="how many schedules with power cuts the product has to survive")
    parser.add_argument("--mutants", action="store_true", help="check that every mutant is caught")
    parser.add_argument("--flips", type=int, default=0, help="how many damaged outboxes to start from, a bit flipped in each")
    parser.add_argument("--seed", type=int, default=1, help="equal seeds give equal runs")
    wanted = parser.parse_args()
    if not (wanted.schedules or wanted.mutants or wanted.flips):
        parser.error("nothing to do: name --schedules, --mutants or --flips")
    bad = [
        *([_schedules(wanted.schedules, wanted.seed)] if wanted.schedules else []),
        *([_mutants(wanted.seed)] if wanted.mutants else []),
        *([_module("flips", str(wanted.flips), str(wanted.seed)).returncode] if wanted.flips else []),
    ]
    return int(any(bad))


def _schedules(count: int, seed: int) -> int:
    done = _module("schedules", str(count), str(seed), capture=True)
    found = _result(done)
    counted = found["counted"]
    print(f"seed {seed}: {counted.pop('schedules')} schedules, {counted.pop('cuts')} power cuts in {found['seconds']} s")
    print("  in the middle of: " + ", ".join(f"{kind} {number}" for kind, number in sorted(counted.items())))
    print(f"  violations: {found['failed'] or 'none'}")
    return done.returncode


def _mutants(seed: int) -> int:
    survivors = 0
    for mutant in MUTANTS:
        found = _result(_module("schedules", str(MUTANT_SCHEDULES), str(seed), mutant.name, capture=True))
        after = found["counted"].get("schedules", 0)
        caught = bool(found["failed"]) and not found["failed"].startswith(OWN_FAULTS)
        survivors += not caught
        verdict = "caught" if caught else "BROKEN" if found["failed"] else "NOT CAUGHT"
        print(f"{verdict:10} after {after:5} schedules  {mutant.name}: {found['failed'][:80]}", flush=True)
    print(f"{len(MUTANTS) - survivors} of {len(MUTANTS)} mutants caught")
    return survivors


def _module(name: str, *arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    """A process of its own: a mutant must not meet what was imported before."""
    command = [sys.executable, "-m", f"scripts.power.{name}", *arguments]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE if capture else None, text=True, check=False)


def _result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    sys.exit(main())
