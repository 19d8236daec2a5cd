"""The base of every message: frozen, closed, and named by kind and version."""

from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

MAX_BYTES = 512 * 1024
"""No message of this contract is larger; larger ones are refused before they are read."""


class MalformedMessage(ValueError):
    """The bytes are validly signed but are not a message of this contract."""


class Record(BaseModel):
    """Frozen and closed; unknown fields are refused, so a new field means a new version."""

    # Names of fields only: a cache of values would keep who settled in memory after the settlement.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, cache_strings="keys")


class Message(Record):
    """A record that is signed and sent on its own."""

    typ: ClassVar[str]
    """The `typ` header under which such a message is signed; a signature never carries over to another family."""

    def to_bytes(self) -> bytes:
        """The exact bytes that are signed. Never serialise a received message again to check its signature."""
        return self.model_dump_json().encode()

    @classmethod
    def from_bytes(cls, payload: bytes) -> Self:
        """Read verified bytes. Raises MalformedMessage naming the first wrong field, never its value (it may be personal)."""
        try:
            return cls.model_validate_json(payload)
        except ValidationError as error:
            raise MalformedMessage(first_fault(cls.__name__, error)) from None


def first_fault(name: str, error: ValidationError) -> str:
    """One line for the log: which field, and what is wrong with it."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = ".".join(str(step) for step in first["loc"]) or "message"
    return f"{name}: {place}: {first['msg']}"
