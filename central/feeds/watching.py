"""Captures, coverage and reports as files: what windows saw, for a comparison without the centre's database, which knows it signed."""

from central.feeds import checks
from central.feeds.datasets import IDENTIFIER, MSGID
from central.feeds.kinds import INSTANT, Code, OneOf, Text
from central.feeds.model import Column, Spec
from central.feeds.numbers import Real, Truth, Whole

_WORD = Text(40)
_ID = Code(r"[A-Za-z0-9:._/-]{1,100}", "an id of at most 100 letters, digits, :, ., _, / and -", 100)
_COUNT, _LENGTH, _GROUP = Whole(0, 1_000_000_000), Whole(0, 366 * 86_400_000_000), Whole(-(2**63), 2**63 - 1)


def watching(site: Code) -> tuple[Spec, ...]:
    """All three."""
    at = Column(name="fixmedins_code", kind=site, required=True, meaning="institution")
    device = Column(name="device_id", kind=_ID, required=True, meaning="terminal")
    window = Column(name="window", kind=_ID, required=True, meaning="window or bed")
    captures = Spec(
        name="captures",
        meaning="what windows saw of settlements",
        key=("capture_id",),
        moment="opened_at",
        columns=(Column(name="capture_id", kind=_ID, required=True, meaning="capture"), device, at, window, *_capture()),
        checks=(checks.order("opened_at", "closed_at"),),
    )
    coverage = Spec(
        name="coverage",
        meaning="how long a camera saw, hour by hour",
        key=("device_id", "window", "since"),
        moment="since",
        columns=(device, at, window, *_coverage()),
        checks=(checks.order("since", "until", apart=True),),
    )
    reports = Spec(
        name="reports",
        meaning="how far each source has told of an institution",
        key=("fixmedins_code", "source"),
        columns=(
            at,
            Column(name="source", kind=_ID, required=True, meaning="a terminal, or `claims`"),
            Column(name="since", kind=INSTANT, meaning="enrolled, or the first settlement"),
            Column(name="until", kind=INSTANT, meaning="everything up to here is told; empty: nothing yet"),
        ),
    )
    return captures, coverage, reports


def _capture() -> tuple[Column, ...]:
    return (
        Column(name="msgid", kind=MSGID, required=True, meaning="of the session"),
        Column(name="psn_no", kind=IDENTIFIER, meaning="insured person that the till named"),
        Column(name="opened_at", kind=INSTANT, required=True, meaning="session opened"),
        Column(name="closed_at", kind=INSTANT, required=True, meaning="session closed"),
        Column(name="closing", kind=_WORD, required=True, meaning="why it closed: bound, voided, timed_out, stopped, recovered"),
        Column(name="setl_id", kind=IDENTIFIER, meaning="settlement that the till bound it to"),
        Column(name="bound_setl_time", kind=INSTANT, meaning="time of that settlement"),
        Column(name="outcome", kind=_WORD, required=True, meaning="same, different, undecided, attack, no_person, blind ..."),
        Column(name="similarity", kind=Real(-1.001, 1.001), meaning="to the insured person's templates"),
        Column(name="liveness", kind=_WORD, meaning="pass, fail, undecided or not evaluated"),
        Column(name="persons", kind=_COUNT, meaning="persons in view"),
        Column(name="frames_seen", kind=_COUNT, meaning="pictures looked at"),
        Column(name="frames_used", kind=_COUNT, meaning="pictures good enough to compare"),
        Column(name="voided", kind=Truth(), meaning="taken back by the till"),
        Column(name="face_group", kind=_GROUP, meaning="captures that show one face"),
        Column(name="face_band", kind=_WORD, meaning="how sure that is"),
        Column(name="face_similarity", kind=Real(-1.001, 1.001), meaning="to the group"),
        Column(name="staff_face", kind=Truth(), meaning="the subject is one of the staff"),
        Column(name="watched_face", kind=Truth(), meaning="somebody in view is on the watch list"),
        Column(name="camera_fault", kind=Truth(), meaning="the camera failed for a while"),
        Column(name="manual_reason", kind=Text(200), meaning="why a clerk checked by hand"),
        Column(name="proxy_psn_no", kind=IDENTIFIER, meaning="whom the clerk stated as proxy"),
        Column(name="clock_error_ms", kind=Real(-1e15, 1e15), meaning="how far the device's clock may have been off; empty: not known"),
        Column(name="distrusted", kind=Truth(), meaning="the device was not to be believed"),
        Column(name="received_at", kind=INSTANT, meaning="when the centre had it"),
    )


def _coverage() -> tuple[Column, ...]:
    return (
        Column(name="role", kind=OneOf(("window", "bedside", "treatment", "entrance")), required=True, meaning="what the camera looks at"),
        Column(name="since", kind=INSTANT, required=True, meaning="from"),
        Column(name="until", kind=INSTANT, required=True, meaning="to"),
        Column(name="seen_us", kind=_LENGTH, required=True, meaning="microseconds that it saw"),
        Column(name="covered_us", kind=_LENGTH, required=True, meaning="microseconds covered, moved, defocused or dark"),
        Column(name="failed_us", kind=_LENGTH, required=True, meaning="microseconds lost, hung or frozen"),
        Column(name="entered", kind=_COUNT, meaning="people who came in; empty: nobody counted"),
        Column(name="stayed", kind=_COUNT, meaning="people there; empty: nobody counted"),
    )
