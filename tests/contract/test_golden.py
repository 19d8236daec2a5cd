"""Golden messages: what was sent once must be read for ever, byte by byte. The files are never edited; a new version gets new files."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.commands import parse_command
from contract.enrolment import EnrolmentAnswer, EnrolmentRequest
from contract.events import parse_event
from contract.media import MediaPart
from contract.message import Message
from contract.receipts import Receipt
from contract.schema import MESSAGES, schema
from contract.sealed import Signer, TrustedKey, from_text, verify
from contract.state import parse_state

EXAMPLES = sorted((Path(__file__).parents[2] / "contract" / "examples").glob("*.json"))
READERS = {
    "event": parse_event,
    "state": parse_state,
    "receipt": Receipt.from_bytes,
    "command": parse_command,
    "media": MediaPart.from_bytes,
    "enrolment": EnrolmentRequest.from_bytes,
    "enrolment-answer": EnrolmentAnswer.from_bytes,
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_old_message_verifies_parses_and_is_written_the_same(path: Path) -> None:
    example = json.loads(path.read_text(encoding="utf-8"))
    key = TrustedKey(from_text(example["public_key"]))
    verified = verify(example["signed"].encode(), {key.kid: key}.get, example["typ"])
    assert verified.payload.decode() == example["payload"]
    message = READERS[example["typ"]](verified.payload)
    assert message.to_bytes() == verified.payload
    signer = Signer(Ed25519PrivateKey.from_private_bytes(sha256(b"golden key, never trusted").digest()))
    assert signer.sign(message).decode() == example["signed"]


def test_every_signed_message_has_an_example() -> None:
    kinds = {message.model_fields["kind"].default for message in MESSAGES if issubclass(message, Message)}
    assert {path.stem for path in EXAMPLES} == kinds


def test_the_schema_names_every_message() -> None:
    assert {message.__name__ for message in MESSAGES} <= set(schema()["$defs"])
