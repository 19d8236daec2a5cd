"""One settlement at one window: what the till said, and what was seen. Pure: no clock, no disk."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from contract.events import Closing, ManualReason, require_named_proxy
from contract.ids import Msgid, Opter, PsnNo, SetlId, ShortText, WindowId
from contract.message import Record
from edge_agent.camera.frames import Sight
from edge_agent.china_time import ChinaTime
from edge_agent.decide import Emptiness
from edge_agent.sections.core import Times
from edge_agent.window.track import Follower
from models.results import Picture


def _money(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


Money = Annotated[Decimal, Field(max_digits=16, decimal_places=2), AfterValidator(_money)]


class Start(Record):
    """A settlement begins: the card was read."""

    msgid: Msgid
    infno: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{4,6}$")]
    psn_no: PsnNo
    mdtrt_cert_type: Annotated[str, StringConstraints(pattern=r"^\d{2,3}$")]
    window: WindowId


class Bind(Record):
    """The national reply arrived."""

    model_config = ConfigDict(populate_by_name=True)

    msgid: Msgid
    setl_id: SetlId
    mdtrt_id: SetlId
    setl_time: ChinaTime
    medfee_sumamt: Money
    auth_no: Annotated[ShortText | None, Field(alias="authNo")] = None
    out_biz_no: Annotated[ShortText | None, Field(alias="outBizNo")] = None


class ByHand(Record):
    """The clerk verified in another way who stands at the window. `proxy_psn_no` is named exactly when the reason is `proxy`."""

    msgid: Msgid
    opter: Opter
    reason: ManualReason
    proxy_psn_no: PsnNo | None = None

    @model_validator(mode="after")
    def _names_the_proxy(self) -> Self:
        require_named_proxy(self.reason, self.proxy_psn_no)
        return self


class Void(Record):
    """The settlement was reversed (2103, 2208, 2305, 2601)."""

    setl_id: SetlId


class TillAnswer(StrEnum):
    """What the clerk does next."""

    PASS = "pass"  # noqa: S105 - a word of the interface, no secret
    REMIND = "remind"
    MANUAL = "manual"


class Answer(Record):
    """The reply to start. Never a score, never an accusation: reasons only say what would help."""

    answer: TillAnswer
    reasons: tuple[str, ...]
    text_zh: str
    text_en: str


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """An open settlement. Not safe to use from several threads: the agent's lock guards it."""

    start: Start
    opened_at: datetime
    opened_s: float
    since_s: float
    follower: Follower
    seen: int = 0
    faces: int = 0
    longest_gap_s: float = 0.0
    unlearnt: int = 0
    foreground: float = 0.0
    scene: Picture | None = None
    bound_s: float | None = None
    voided: bool = False
    by_hand: ByHand | None = None
    remarks: tuple[str, ...] = ()
    closing: bool = False
    cut_s: float | None = None
    _last_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._last_s = self.since_s

    def add(self, sight: Sight) -> None:
        """Take in the next analysed frame."""
        self.seen += 1
        self.faces += sight.faces
        self.longest_gap_s = max(self.longest_gap_s, sight.mono_s - self._last_s)
        self._last_s = sight.mono_s
        self.unlearnt += not sight.ground.learnt
        self.foreground = max(self.foreground, sight.ground.foreground)
        self.follower.add(sight)

    def longest_gap_until(self, mono_s: float) -> float:
        """Seconds of the longest time without a frame, from `since_s` to `mono_s`."""
        return max(self.longest_gap_s, mono_s - self._last_s)

    def emptiness(self, empty_share: float) -> Emptiness:
        """What the background says about all frames."""
        if self.seen == 0 or self.unlearnt:
            return Emptiness.UNKNOWN
        return Emptiness.EMPTY if self.foreground <= empty_share else Emptiness.OCCUPIED

    def due(self, now_s: float, times: Times) -> Closing | None:
        """Why the session ends now; None while it goes on."""
        if self.voided:
            return Closing.VOIDED
        if self.bound_s is not None and (self.cut_s is not None or now_s >= self.bound_s + times.window_after_s):
            return Closing.BOUND
        return Closing.TIMED_OUT if now_s >= self.opened_s + times.session_max_s else None

    def waits(self, now_s: float, times: Times) -> bool:
        """Whether somebody may still come to the window for the receipt: a bound session is not called empty before."""
        return self.bound_s is not None and now_s < self.bound_s + times.presence_after_s
