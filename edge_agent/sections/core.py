"""The tables of the settings file: every value with its unit, its bounds and the reason for its default."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contract.camera_address import URL
from contract.checkpoints import LOG, VerifierKey
from contract.events import CameraRole
from contract.ids import WindowId
from models.evaluation.rates import BandLimits
from models.liveness_track import WINDOW, LivenessLimits
from models.pack import SEARCH_SIDE, THREADS

PublicKeyText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]


def _is_a_log_key(text: str) -> str:
    if VerifierKey.parse(text).kind != LOG:
        raise ValueError("is the key of a witness, not of a log")
    return text


LogKeyText = Annotated[str, AfterValidator(_is_a_log_key)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Cosine = Annotated[float, Field(ge=-1, le=1)]


class Section(BaseModel):
    """A table of the file: frozen and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    def sha256(self) -> str:
        """Names these very values, so that two outcomes can be compared."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class Files(Section):
    """Where things lie."""

    data_dir: Path
    """Outbox and gallery, encrypted; the only folder that the agent writes to."""
    models_dir: Path | None = None
    """Face networks; without it MODELS_DIR, else var/models of the installation."""
    sign_key: Path
    """Ed25519 private key (PEM) that signs every message; made at enrolment, never leaves the device. When the keys of enrolment were
    replaced (`central device rekey`), `keys.pem` in `data_dir` holds the set in force, and this file and its fellows are of no use."""
    seal_key: Path
    """X25519 private key (PEM) to which the centre seals gallery pages."""
    tls_cert: Path
    """Client certificate (PEM) under which the broker knows this device."""
    tls_key: Path
    """Private key (PEM) of that certificate."""
    tls_ca: Path
    """Certificate (PEM) of the authority that signed the broker's certificate."""
    till_token: Path
    """The secret that the settlement software sends with every request; made at enrolment."""

    def below(self, folder: Path) -> Self:
        """The same with every relative path taken from `folder`."""
        given: dict[str, Path | None] = dict(self)
        return self.model_copy(update={name: folder / path for name, path in given.items() if path is not None})


class Broker(Section):
    """The MQTT broker of the centre; always TLS with a certificate on both sides."""

    host: str
    """Name or address; it must stand in the broker's certificate."""
    port: int = Field(8883, ge=1, le=65535)
    """TCP port."""


class Centre(Section):
    """The public keys of the centre, raw 32 bytes as base64url: what this device believes and to whom it seals."""

    sign_keys: tuple[PublicKeyText, ...] = Field(min_length=1)
    """Receipts and commands signed by any of these are believed; two during a change of keys."""
    seal_key: PublicKeyText
    """Pictures and embeddings are sealed to this key; nobody on the way can open them."""
    log_key: LogKeyText | None = None
    """Verifier key of the centre's transparency log (name+id+key); without it this device does not keep watch over the log."""


class Till(Section):
    """The local interface for the settlement software."""

    port: int = Field(8787, ge=0, le=65535)
    """TCP port on 127.0.0.1, the only address it listens on; 0 takes a free one."""
    max_body_bytes: int = Field(16_384, ge=1024, le=1_048_576)
    """No honest request is longer."""
    max_open_per_window: int = Field(32, ge=1, le=1000)
    """More open sessions mean that the till forgets to bind; further starts are refused so that memory stays bounded."""


class Times(Section):
    """When frames are taken and how long things may last."""

    window_before_s: Seconds = 10.0
    """Frames from so long before the start belong to the settlement: the insured person stands at the window before the card is read."""
    window_after_s: Seconds = 5.0
    """Frames until so long after bind belong to it: the receipt is still being handed over."""
    presence_before_s: Seconds = 120.0
    """Nobody may have been seen for so long before start for a settlement to be called one without a person: customers step aside while
    their medicine is fetched, and the rule on empty settlements looks at the same two minutes.
    """
    presence_after_s: Seconds = 30.0
    """And for so long after bind: who was sitting comes for the receipt. Only captures that would say so wait for it."""
    session_max_s: Seconds = 180.0
    """A session that is never bound is closed after this time; a settlement takes one minute."""
    answer_look_s: Seconds = 3.0
    """The till's answer rests on the frames of so many seconds before start, so that it is there at once; less would see too few frames,
    more would see the previous customer.
    """
    analyse_fps: float = Field(6.0, gt=0, le=30)
    """Frames analysed per second and window: the least that gives a dozen good ones in two seconds; each costs one core about 50 ms with a
    face in it, 25 ms without.
    """
    idle_fps: float = Field(1.0, gt=0, le=30)
    """Frames searched for faces per second and window while no session is open and nothing stirs before the learnt window; the others are
    only compared with the empty window, at a twentieth of the cost. Whoever steps up is looked at fully from the next frame on.
    """
    camera_gap_s: Seconds = 2.0
    """A longer hole between analysed frames means that nobody can say who stood there meanwhile."""
    frozen_after_s: Seconds = 1.5
    """A live camera that repeats one picture bit by bit for so long counts as lost: the noise of a real sensor never repeats exactly,
    and a few repeated pictures only fill a frame rate. With a frame's interval on top it is known within two seconds.
    """
    background_quiet_s: Seconds = 20.0
    """The empty window counts as learnt after being quiet for so long in one piece; nobody who is served stands still that long."""
    session_keep_days: int = Field(31, ge=1, le=400)
    """How long msgid and setl_id stay known after a settlement, so that a late void finds its session; the longest time to reverse one is
    a month.
    """


BANDS = ("same", "different", "min_good_frames", "per_decade", "min_strength")


class Limits(Section):
    """What decides. Initial values for the `window` pack; a site measures and sets its own."""

    measured: Path | None = None
    """Limits file of `python -m models calibrate`: same, different, min_good_frames, per_decade and min_strength as measured, so they may
    not stand here as well. A file that was measured with another network, or edited, stops the start.
    """
    same: Cosine = 0.65
    """Fused similarity from which it is the enrolled person. Measured: other people reach 0.57 fused and 0.62 in one frame; the same person
    stays above 0.85 in clips, and 95 of 100 photo pairs above 0.67. Too high costs a second look, too low hides an impostor.
    """
    different: Cosine = 0.35
    """Fused similarity up to which it may be called another person. Measured: the same person with a hand, mask or dark glasses over the
    face still gives 0.40 and more, or is noticed as covered; unhidden never below 0.67. Of other people, 95 of 100 photo pairs lie below
    0.25, two in three filmed in one room below 0.35. Deliberately low: between the limits people look, and nobody is accused.
    """
    min_good_frames: int = Field(3, ge=1, le=100)
    """Fewer usable moments decide nothing: single frames of different people overlap with those of the same one, fused ones do not."""
    per_decade: float = Field(0.13, ge=0, le=2)
    """How much `same` rises for every tenfold of people that one face is compared with (proxies, staff, watch list, recent faces): ten
    times the people need a tenth of the false match rate. The cautious end of what a tenth costs in our own measurement (0.09 to 0.13).
    """
    min_strength: float = Field(54.0, ge=0)
    """Strength (length of the embedder's raw output) below which a moment counts as hidden, also where no colour tells. Measured: 95 of 100
    usable moments of window clips and grey portraits lie above, and it leaves every such clip three; below lie 52 to 89 of 100 with a drawn
    hand and 46 to 68 with dark glasses, but only 19 to 36 with plain cloth of the colour of skin and 3 of 18 with a real hand. Another
    embedder has another scale; 0 turns this off.
    """
    min_subject_share: float = Field(0.3, ge=0, le=1)
    """Somebody seen in a smaller share of the frames after start may be a passer-by or the previous customer, and is never called another
    person than the insured one.
    """
    subject_within_s: Seconds = 5.0
    """Whose face was first seen longer after start may be the next customer, while the reply of the national platform is late, and is never
    called another person than the insured one: who settles stands at the window when the card is read.
    """
    min_face_score: float = Field(0.65, ge=0, le=1)
    """Detections whose mean score over the track is lower are no persons: real faces at the window gave 0.86 to 0.95, prints and picture
    edges 0.50 to 0.63.
    """
    search_side: int = Field(SEARCH_SIDE, ge=128, le=1920, multiple_of=32)
    """Pixels of the longer side at which the zone is searched for faces. At 640 window clips gave no better scores for 1.6 times the work;
    more is needed where faces are small in the zone.
    """
    min_track_frames: int = Field(3, ge=1, le=100)
    """A face seen in fewer frames is not followed up."""
    min_inter_eye_px: float = Field(16.0, ge=8, le=500)
    """Eyes closer than this make a face of less than about 40 px, which the embedder cannot tell apart."""
    max_yaw_deg: float = Field(35.0, gt=0, le=90)
    """A head turned further shows too little to compare."""
    empty_share: float = Field(0.02, gt=0, lt=1)
    """Share of the zone that may differ from the empty window when nobody is there: flicker and shadows; a person covers more than ten
    times that.
    """
    empty_everywhere: bool = True
    """Whether somebody at another window of this device, too, keeps a settlement from being called one without a person: in one room
    people are served at any window. Off where the windows are in rooms of their own.
    """
    cover_chroma: float = Field(20.0, gt=0, le=255)
    """Colour distance (Lab) between forehead and chin from which a mask is assumed; bare faces gave at most 10, coloured masks 35 and
    more.
    """
    cover_lightness: float = Field(80.0, gt=0, le=255)
    """The same for lightness (0 to 255); bare faces gave at most 71, white and black masks 88 and more."""

    @model_validator(mode="after")
    def _bands(self) -> Self:
        if self.different >= self.same:
            raise ValueError(f"different ({self.different}) must lie below same ({self.same}): between them people decide")
        if self.measured and (both := [name for name in BANDS if name in self.model_fields_set]):
            raise ValueError(f"{', '.join(both)} must not stand beside measured ({self.measured}), whose file says them: take them out")
        return self

    def among(self, people: int) -> float:
        """The similarity from which the best of so many people is the one, so that comparing with more accuses no more."""
        return self.bands().among(people)

    def bands(self) -> BandLimits:
        """The part that is measured."""
        return BandLimits(**{name: getattr(self, name) for name in BANDS})

    def below(self, folder: Path) -> Self:
        """The same with a relative file taken from `folder`."""
        return self.model_copy(update={"measured": folder / self.measured}) if self.measured else self


class Networks(Section):
    """What the networks may use, and embedders of the operator's own instead of the default pack's or on trial beside it: ArcFace-like ONNX
    files, run by the library `insightface`. Vectors of two networks are never compared, and each network needs limits measured with it.
    """

    threads: int = Field(THREADS, ge=1, le=16)
    """Cores that may work on one picture; 1 leaves the others to the settlement software."""

    embedder: Path | None = None
    """Weights that compare in place of the default pack's; then limits.measured is needed."""
    licence: str = Field("", max_length=200)
    """Under which licence they may be used here; many published ones are for research only."""
    next_embedder: Path | None = None
    """Weights on trial: they judge the same settlements in silence until it is shown that they may take over; only counts are kept."""
    next_licence: str = Field("", max_length=200)
    """The same for the weights on trial."""
    next_limits: Path | None = None
    """Limits file measured with the weights on trial."""
    agree_sessions: int = Field(600, ge=50, le=1_000_000)
    """Recognised persons that the trial needs: 600 without an error say, with 95 % confidence, that fewer than 0.5 % would be lost."""
    agree_margin: float = Field(0.005, gt=0, lt=0.1)
    """Share of recognised persons that the new network may fail to recognise, at the upper end of the 95 % interval."""

    @model_validator(mode="after")
    def _measured(self) -> Self:
        if self.next_embedder and not self.next_limits:
            raise ValueError(f"next_embedder ({self.next_embedder}) needs next_limits, a limits file that was measured with it")
        return self

    def below(self, folder: Path) -> Self:
        """The same with relative files taken from `folder`."""
        named = ("embedder", "next_embedder", "next_limits")
        return self.model_copy(update={name: folder / path for name in named if (path := getattr(self, name)) is not None})


class LivenessSettings(Section):
    """When a face counts as there in person. Scores are means over the scored moments of a face, 0 to 1; between the limits it cannot be
    judged. Without its networks liveness is not evaluated, whatever stands here.
    """

    enabled: bool = True
    """Off where faces are shown on purpose, as in the demonstration, whose views are made from still pictures; captures then say that
    liveness was not evaluated.
    """
    live: float = Field(0.7, gt=0, le=0.9)
    """From here on a face is live. It stands in a gap of what was measured on window clips; a camera of another kind needs its own."""
    attack: float = Field(0.3, ge=0, le=0.65)
    """Up to here a face is a shown picture. Deliberately far below `live`: an honest person is rather asked again than accused."""
    border: float = Field(0.3, gt=0, le=2)
    """Length of straight lines on both sides of a face, as a share of 4.4 face widths, from which a screen or a print is suspected; 2 where
    the window's own frame or a door stands beside the faces.
    """
    change: float = Field(0.0018, ge=0, le=0.1)
    """Least change of a living face within 2.5 s, beyond what turning and moving explain; what changes less may be a picture cut out and
    cannot be judged. 0 where people wait so still that they are reminded too often, at the price of cut-outs: nearly all drawn ones passed.
    """

    @model_validator(mode="after")
    def _bands(self) -> Self:
        if self.attack >= self.live:
            raise ValueError(f"attack ({self.attack}) must lie below live ({self.live}): between them nothing is judged")
        return self

    def limits(self) -> LivenessLimits:
        """What fuses moments into a verdict; what is not set here is as it was measured."""
        return replace(WINDOW, live=self.live, attack=self.attack, border=self.border, change=self.change)


class Link(Section):
    """How events travel. Every value bounds memory or load, none decides what is kept."""

    send_window: int = Field(64, ge=1, le=1000)
    """Messages sent and not yet acknowledged by the broker; the library's own limit does not hold after a reconnect."""
    unreceipted_max: int = Field(2000, ge=1, le=100_000)
    """Events sent and not yet receipted by the centre, so that a slow centre is not flooded."""
    resend_after_s: Seconds = 30.0
    """Without progress of receipts for so long, what is not receipted is sent again: an acknowledgement of the broker is no storage."""
    reconnect_max_s: Seconds = 2.0
    """Upper edge of the random pause before the next attempt: together with one that hangs, a broker that is back is used within 5 s."""
    keepalive_s: int = Field(15, ge=5, le=600)
    """The broker declares the device dead after one and a half times this."""
    health_every_s: Seconds = 20.0
    """A missing number or silent site is known at the centre within three of these."""
    max_media_mb: int = Field(512, ge=1, le=100_000)
    """Sealed pictures waiting to be sent; above it captures go without pictures and say so. Events are never dropped."""


class Upkeep(Section):
    """When a self-check speaks up, and what is kept in memory."""

    min_free_mb: int = Field(500, ge=1)
    """Less free disk than this is reported, no film is kept, and what was kept gives way, the oldest first."""
    max_clock_offset_s: Seconds = 2.0
    """A larger distance from the centre's clock is reported; setl_time is compared by it."""
    backlog_events: int = Field(1000, ge=1)
    """More waiting events than this are reported."""
    recent_faces_h: float = Field(2.0, ge=0, le=24)
    """How long the face of a settlement is remembered, in memory only, to notice one face with several cards; 0 turns it off."""


def _window_zone(zone: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = zone
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise ValueError("zone is left, top, right, bottom as shares of the picture, each 0 to 1 and rising")
    return zone


SETTLING = frozenset({CameraRole.WINDOW, CameraRole.BEDSIDE})
"""Roles whose cameras see settlements: only there may somebody be compared with the gallery. People who come in at an entrance or are being
treated asked for no comparison and none is needed: a roll-call counts them.
"""


class Window(Section):
    """One settlement window, bed, treatment room or entrance, and its camera."""

    window: WindowId
    """Its name, unique on this device; the till sends it with start."""
    role: CameraRole = CameraRole.WINDOW
    """What the camera looks at: window, bedside, treatment or entrance. The till opens sessions at windows and bedsides only; a roll-call
    and the count of people work everywhere.
    """
    source: str = Field(min_length=1, max_length=500)
    """rtsp:// or http:// address, number of a USB camera, video file, or folder of pictures."""
    zone: Annotated[tuple[float, float, float, float], AfterValidator(_window_zone)] = (0.0, 0.0, 1.0, 1.0)
    """Where customers stand: left, top, right, bottom as shares of the picture; nothing outside is looked at."""
    camera_model: Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)] = ""
    """Maker and model of its camera, as its liveness calibration names it."""
    liveness_limits: Path | None = None
    """Limits file of `python -m models calibrate --camera` for this camera model; it replaces live and attack of [liveness] at this window.
    One of other networks, of another model, or edited, stops the start.
    """
    loop: bool = False
    """Whether a file or folder starts again at its end; for demonstrations with liveness off: a stream that repeats is an attack."""

    @property
    def settles(self) -> bool:
        """Whether the till may open sessions there, and the insured person is compared."""
        return self.role in SETTLING

    @property
    def tells_empty(self) -> bool:
        """Whether nobody there means that nobody was served: only at a window, for who lies in bed or passes by is hidden too easily."""
        return self.role is CameraRole.WINDOW

    @model_validator(mode="after")
    def _calibrated(self) -> Self:
        if self.liveness_limits and not self.camera_model:
            raise ValueError(
                f"window {self.window}: liveness_limits ({self.liveness_limits}) needs camera_model, the one it was measured with"
            )
        return self

    def below(self, folder: Path) -> Self:
        """The same with relative files and folders taken from `folder`."""
        source = self.source if URL.match(self.source) or self.source.isdecimal() else str(folder / self.source)
        limits = folder / self.liveness_limits if self.liveness_limits else None
        return self.model_copy(update={"source": source, "liveness_limits": limits})
