"""The JSON Schema of the whole contract."""

from typing import Any

from pydantic.json_schema import models_json_schema

from contract.commands import Admission, Configure, EvidenceRequest, Gallery, GalleryPage, Rekey, Revoke, RollCall
from contract.enrolment import EnrolmentAnswer, EnrolmentRequest, Granted
from contract.events import Binding, Capture, Coverage, Footage, KeyInUse, KeyOffer, LogSplit, Loss, ManualCheck, Result, Thinning, Void
from contract.media import MediaPart
from contract.message import Record
from contract.receipts import Receipt
from contract.state import Birth, Death, Health

MESSAGES: tuple[type[Record], ...] = (
    *(Capture, Binding, Void, Thinning, Footage, LogSplit, Loss, ManualCheck, Coverage, Result, KeyOffer, KeyInUse),
    *(Birth, Health, Death),
    *(MediaPart, Receipt),
    *(EnrolmentRequest, EnrolmentAnswer, Granted),
    *(Gallery, GalleryPage, EvidenceRequest, RollCall, Configure, Revoke, Rekey, Admission),
)


def schema() -> dict[str, Any]:
    """One document (JSON Schema 2020-12) with a definition per message."""
    _, document = models_json_schema([(message, "validation") for message in MESSAGES], title="Window watch contract")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **document}
