"""`python -m contract schema`: print the JSON Schema of every message, for those who write the other side in another language."""

import argparse
import json

from contract.schema import schema


def main() -> None:
    """Parse the command line and print."""
    parser = argparse.ArgumentParser(prog="python -m contract", description="Messages between edge agent and centre.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("schema", help="print the JSON Schema of every message")
    parser.parse_args()
    print(json.dumps(schema(), indent=2, ensure_ascii=False, sort_keys=True))


if __name__ == "__main__":
    main()
