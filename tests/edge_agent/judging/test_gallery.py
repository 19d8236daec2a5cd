"""Enrolled persons: only what the centre sealed to this device, in order, whole, unexpired, and of one network."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from contract.commands import Exempt, Gallery, GalleryEntry, GalleryPage, GalleryRole
from contract.sealed import gallery_purpose, raw_public, seal, to_text
from edge_agent.disk.vault import Vault
from edge_agent.errors import GalleryRefused
from edge_agent.judging.gallery import SCHEMA, Faces
from tests.edge_agent.building import DEVICE, entry

NOW = datetime(2026, 1, 2, tzinfo=UTC)
KEY = X25519PrivateKey.generate()
X, Y, Z = np.eye(3, dtype=np.float32)


def faces(embedder: str = "colour-1") -> Faces:
    return Faces(vault=Vault.in_memory(SCHEMA), seal_key=KEY, device=DEVICE, embedder=embedder, size=3)


def command(*hold: GalleryEntry, forget: tuple[str, ...] = (), exempt: tuple[Exempt, ...] = (), at: int = 0, **changes: Any) -> Gallery:
    page = GalleryPage(hold=hold, forget=forget, exempt=exempt).model_dump_json().encode()
    sealed = seal(
        changes.pop("plain", page), changes.pop("to", raw_public(KEY.public_key())), changes.pop("purpose", gallery_purpose(DEVICE))
    )
    return Gallery(device=DEVICE, at=NOW, from_version=at, to_version=at + 1, page=to_text(sealed))


def test_a_person_is_held_and_forgotten() -> None:
    gallery = faces()
    assert gallery.apply(command(entry("P1", X)), NOW)
    assert np.array_equal(gallery.known("P1", NOW).insured, X)
    assert (gallery.version, gallery.people(NOW)) == (1, 1)
    assert gallery.apply(command(forget=("P1",), at=1), NOW)
    assert gallery.known("P1", NOW).insured is None


def test_a_repeated_or_skipped_command_changes_nothing() -> None:
    gallery = faces()
    first = command(entry("P1", X))
    assert gallery.apply(first, NOW)
    assert not gallery.apply(first, NOW)
    assert not gallery.apply(command(entry("P2", Y), at=5), NOW)
    assert (gallery.version, gallery.people(NOW)) == (1, 1)


def test_a_newer_template_replaces_the_older_whatever_the_role() -> None:
    gallery = faces()
    gallery.apply(command(entry("P1", X, role=GalleryRole.STAFF, acts_for=("P9",))), NOW)
    gallery.apply(command(entry("P1", Y), at=1), NOW)
    assert np.array_equal(gallery.known("P1", NOW).insured, Y)
    assert len(gallery.known("P2", NOW).staff) == 0
    assert len(gallery.known("P9", NOW).proxies) == 0


def test_whoever_is_exempt_is_compared_with_nobody_until_it_ends() -> None:
    gallery = faces()
    soon = NOW + timedelta(days=1)
    gallery.apply(command(entry("P1", X, acts_for=("P2",)), entry("P3", Z, role=GalleryRole.STAFF)), NOW)
    gallery.apply(command(entry("P1", X), exempt=(Exempt(psn_no="P1", expires_at=soon), Exempt(psn_no="P2", expires_at=soon)), at=1), NOW)
    for psn_no in ("P1", "P2"):
        known = gallery.known(psn_no, NOW)
        assert (known.exempt, known.insured, len(known.proxies), len(known.staff)) == (True, None, 0, 0)
    after = gallery.known("P1", soon)
    assert not after.exempt and np.array_equal(after.insured, X)
    gallery.apply(command(forget=("P1",), at=2), NOW)
    assert not gallery.known("P1", NOW).exempt and gallery.known("P2", NOW).exempt


def test_a_page_without_exceptions_is_written_as_ever() -> None:
    assert GalleryPage(hold=(), forget=("P1",)).model_dump_json() == '{"hold":[],"forget":["P1"]}'


def test_proxies_stand_for_those_they_act_for() -> None:
    gallery = faces()
    gallery.apply(command(entry("P1", X, acts_for=("P8", "P9")), entry("P2", Y)), NOW)
    assert np.array_equal(gallery.known("P9", NOW).proxies, [X])
    assert len(gallery.known("P2", NOW).proxies) == 0


def test_staff_are_compared_but_not_with_their_own_card() -> None:
    gallery = faces()
    gallery.apply(command(entry("P1", X, role=GalleryRole.STAFF), entry("P2", Y, role=GalleryRole.STAFF), entry("P3", Z)), NOW)
    assert len(gallery.known("P3", NOW).staff) == 2
    assert np.array_equal(gallery.known("P1", NOW).staff, [Y])


def test_expired_entries_do_not_exist() -> None:
    gallery = faces()
    soon = NOW + timedelta(days=1)
    gallery.apply(command(entry("P1", X, expires_at=soon), entry("P2", Y, expires_at=NOW - timedelta(days=1))), NOW)
    assert gallery.people(NOW) == 1
    assert gallery.known("P1", soon).insured is None


def test_an_expired_renewal_still_replaces() -> None:
    gallery = faces()
    gallery.apply(command(entry("P1", X)), NOW)
    gallery.apply(command(entry("P1", Y, expires_at=NOW - timedelta(days=1)), at=1), NOW)
    assert gallery.known("P1", NOW).insured is None


def test_templates_of_another_network_are_never_compared() -> None:
    gallery = faces(embedder="other-2")
    gallery.apply(command(entry("P1", X), entry("P2", Y, role=GalleryRole.STAFF, acts_for=("P1",))), NOW)
    known = gallery.known("P1", NOW)
    assert (known.insured, len(known.proxies), len(known.staff)) == (None, 0, 0)


@pytest.mark.parametrize(
    "bad",
    [
        command(entry("P1", X), to=raw_public(X25519PrivateKey.generate().public_key())),
        command(entry("P1", X), purpose=gallery_purpose("P99999900001-t2")),
        command(plain=b"{}"),
        command(plain=b"\xff"),
        command(entry("P1", X), entry("P2", 2 * Y)),
        command(entry("P1", X), entry("P2", [np.nan, 0, 0])),
        command(entry("P1", X), entry("P2", [1, 0])),
    ],
    ids=["other key", "other device", "no page", "no text", "not unit", "not finite", "other size"],
)
def test_a_bad_page_is_refused_as_a_whole(bad: Gallery) -> None:
    gallery = faces()
    with pytest.raises(GalleryRefused):
        gallery.apply(bad, NOW)
    assert (gallery.version, gallery.people(NOW)) == (0, 0)


def test_a_refusal_names_no_value() -> None:
    secret = '{"hold": [{"psn_no": "SECRET-1"}], "forget": []}'
    with pytest.raises(GalleryRefused) as caught:
        faces().apply(command(plain=secret.encode()), NOW)
    assert "SECRET" not in str(caught.value)


def test_templates_of_two_networks_lie_beside_each_other_and_never_meet() -> None:
    vault = Vault.in_memory(SCHEMA)
    now, following = (
        Faces(vault=vault, seal_key=KEY, device=DEVICE, embedder=name, size=size) for name, size in (("colour-1", 3), ("next-1", 4))
    )
    assert now.apply(command(entry("P1", X), entry("P1", np.eye(4)[0], embedder="next-1")), NOW)
    assert np.array_equal(now.known("P1", NOW).insured, X)
    assert np.array_equal(following.known("P1", NOW).insured, np.eye(4)[0])
    assert (now.people(NOW), following.people(NOW)) == (1, 1)


def test_the_watch_list_leaves_out_whose_card_it_is() -> None:
    gallery = faces()
    gallery.apply(command(entry("P1", X, role=GalleryRole.WATCH), entry("P2", Y, role=GalleryRole.WATCH), entry("P3", Z)), NOW)
    assert np.array_equal(gallery.known("P1", NOW).watched, [Y])
    assert len(gallery.known("P3", NOW).watched) == 2
    assert np.array_equal(gallery.known("P1", NOW).insured, X)
