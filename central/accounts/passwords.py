"""Hashing, checking and inventing passwords. Argon2id with the library's defaults: about 0.1 s and 64 MB for each check."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from central.accounts.model import MAX_PASSWORD, Busy

DECOY = "$argon2id$v=19$m=65536,t=3,p=4$XqwYKKdF+Wv409kTfzoe3A$f6VsOK7yjD43H19DDPBU1OS6o3BuZaQimbm8I9hLHqQ"
"""A hash with the default parameters of a password nobody knows: checking against it costs an unknown username the same time."""

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_WAIT_S = 5.0


class Hashing:
    """Bounds how many passwords are hashed at once, so that a flood of logins cannot take the machine's memory and cores."""

    def __init__(self, slots: int = 2) -> None:
        """`slots` checks run at once, the others wait a few seconds."""
        self._hasher = PasswordHasher()
        self._slots = BoundedSemaphore(slots)

    def hash(self, password: str) -> str:
        """The hash to store. Raises Busy if no slot becomes free."""
        with self._slot():
            return self._hasher.hash(password)

    def fits(self, password_hash: str, password: str) -> bool:
        """Whether the password is the one hashed; an overlong one is not looked at. Raises Busy if no slot becomes free."""
        with self._slot():
            try:
                return self._hasher.verify(password_hash, password[: MAX_PASSWORD + 1])
            except (VerifyMismatchError, InvalidHashError):
                return False

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=_WAIT_S):
            raise Busy("too many logins at this moment: try again in a minute")
        try:
            yield
        finally:
            self._slots.release()


def random_password() -> str:
    """Twenty letters and digits in four groups, 100 bits, without those that are easily misread."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(20))
    return "-".join(letters[start : start + 5] for start in range(0, 20, 5))
