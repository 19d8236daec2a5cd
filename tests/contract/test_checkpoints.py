"""Signed notes, verifier keys and co-signatures as C2SP writes them; whatever is not exactly of their form is refused."""

from base64 import b64encode
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.checkpoints import LOG, MAX_NOTE, WITNESS, Checkpoint, VerifierKey, cosign, open_note, read, read_signatures, sign, signed_by
from contract.sealed import Untrusted, raw_public

PRIVATE = Ed25519PrivateKey.generate()
PUBLIC = raw_public(PRIVATE.public_key())
KEY = VerifierKey(name="log.example/one", kind=LOG, public=PUBLIC)
CHECKPOINT = Checkpoint(origin=KEY.name, size=77, root=b"\xaa" * 32)
NOTE = sign(CHECKPOINT, PRIVATE)


def test_the_key_in_the_signed_notes_own_documentation_has_the_id_that_stands_there() -> None:
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = VerifierKey.parse(text)
    assert (key.name, key.kind, key.key_id.hex(), str(key)) == ("PeterNeumann", LOG, "c74f20a3", text)


def test_a_note_is_three_lines_an_empty_one_and_signatures() -> None:
    origin, size, root, empty, line, end = NOTE.split("\n")
    assert (origin, size, root, empty, end) == (KEY.name, "77", b64encode(b"\xaa" * 32).decode(), "", "")
    assert line.startswith(f"\u2014 {KEY.name} ")
    assert open_note(NOTE, KEY) == CHECKPOINT


def test_the_example_in_the_specification_of_witnesses_is_read() -> None:
    """Its text stands there; its keys do not, so that nothing can be verified."""
    body = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    log = (
        "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )
    witness = (
        "\u2014 witness.example.com/w1"
        " jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    checkpoint, (first, second) = read(body + log + witness)
    assert (checkpoint.size, first.line, second.line) == (20852163, log, witness)
    assert int.from_bytes(second.signature[:8], "big") == 1679315147, "the time that the specification names"


def test_a_co_signature_is_of_its_time_its_key_and_its_checkpoint() -> None:
    private = Ed25519PrivateKey.generate()
    key = VerifierKey(name="witness.example", kind=WITNESS, public=raw_public(private.public_key()))
    line = cosign(CHECKPOINT, key.name, private, 1_790_000_000)
    assert signed_by(CHECKPOINT, line, key) == 1_790_000_000
    assert signed_by(replace(CHECKPOINT, size=78), line, key) is None
    assert signed_by(CHECKPOINT, line, replace(key, kind=LOG)) is None
    assert signed_by(CHECKPOINT, line, KEY) is None
    later = replace(line, signature=(1_790_000_001).to_bytes(8, "big") + line.signature[8:])
    assert signed_by(CHECKPOINT, later, key) is None
    own = read(NOTE)[1][0]
    assert signed_by(CHECKPOINT, replace(own, name=key.name, key_id=key.key_id), key) is None, "a log's signature is no co-signature"


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        NOTE.rstrip("\n"),
        NOTE + "\n",
        NOTE.replace("77", "077"),
        NOTE.replace("77", "-77"),
        NOTE.replace("77", "7\uff17"),
        NOTE.replace("77", "9" * 20),
        NOTE.replace("77\n", "77\nextension\n"),
        NOTE.replace(KEY.name, "two words", 1),
        NOTE.replace("\n", "\r\n"),
        NOTE.replace("\u2014", "-"),
        NOTE.replace("=", ""),
        NOTE.replace("qqo=", "qqp="),
        NOTE + "\u2014 short AAAA\n",
        "x" * (MAX_NOTE + 1),
    ],
)
def test_what_is_not_exactly_of_the_form_is_refused(note: str) -> None:
    with pytest.raises(ValueError, match=r"note|checkpoint|signature"):
        read(note)
    with pytest.raises(Untrusted):
        open_note(note, KEY)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(NOTE) - 1), st.characters(codec="utf-8"))
def test_no_changed_character_leaves_a_note_that_is_believed(place: int, other: str) -> None:
    changed = NOTE[:place] + other + NOTE[place + 1 :]
    if changed == NOTE:
        return
    with pytest.raises(Untrusted):
        open_note(changed, KEY)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_rubbish_is_refused_and_never_raises_anything_else(text: str) -> None:
    for reader in (read, read_signatures, VerifierKey.parse):
        with pytest.raises(ValueError):
            reader(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+",
        str(KEY).replace(KEY.key_id.hex(), "00000000"),
        str(KEY)[:-4],
        str(replace(KEY, kind=2)),
        str(replace(KEY, name="two words")),
    ],
    ids=["nothing", "a name", "no key", "another key's number", "a part", "an unknown kind", "two words"],
)
def test_a_verifier_key_that_was_mistyped_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="verifier key"):
        VerifierKey.parse(text)


def test_a_line_of_another_key_or_log_opens_nothing() -> None:
    other = Ed25519PrivateKey.generate()
    for note in (sign(CHECKPOINT, other), sign(replace(CHECKPOINT, origin="log.example/two"), PRIVATE)):
        with pytest.raises(Untrusted):
            open_note(note, KEY)
    both = sign(CHECKPOINT, other) + NOTE.split("\n\n")[1]
    assert open_note(both, KEY) == CHECKPOINT, "a line that cannot be judged hides none that can"
