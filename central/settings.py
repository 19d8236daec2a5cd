"""Settings of the centre: one TOML file, overridden by the environment (CENTRAL_...). An unknown key stops the start."""

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from central.errors import Misconfigured
from contract.checkpoints import WITNESS, VerifierKey

Port = Annotated[int, Field(ge=0, le=65535)]
Share = Annotated[float, Field(ge=-1, le=1)]


class Part(BaseModel):
    """A table of the settings file: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BrokerSettings(Part):
    """Where the broker listens, and as whom the centre connects. Certificates lie in `<data_dir>/keys`, made at set-up."""

    host: str = Field(default="127.0.0.1", description="Name or address of the broker as written in its certificate.")
    port: Port = Field(default=8883, description="MQTT over TLS.")
    ingest_id: str = Field(default="central", pattern=r"^central(-[a-z0-9]+)?$", description="MQTT client id of this ingest worker.")
    shards: tuple[int, ...] | None = Field(default=None, description="Shards of this ingest worker; none means all of them.")
    batch: int = Field(default=500, ge=1, le=5000, description="Messages per database transaction at most; 500 measured best.")
    batch_wait_ms: int = Field(default=20, ge=0, le=1000, description="How long a batch may wait to fill; bounds the receipt's delay.")


class WebSettings(Part):
    """The console and the HTTP API."""

    host: str = Field(default="127.0.0.1", description="Address to listen on; a reverse proxy with TLS stands before any other address.")
    port: Port = Field(default=8080, description="Port of the console.")
    secure_cookies: bool = Field(default=False, description="True behind TLS: the session cookie is then sent over TLS only.")
    session_hours: int = Field(default=8, ge=1, le=24, description="A working day; after it one logs in again.")


class FaceGroupSettings(Part):
    """When two captures show the same face. Cosine of fused embeddings of the default pack; from our own evaluation on window clips:
    same person at least 0.865, different persons at most 0.57."""

    same: Share = Field(default=0.66, description="At or above: the same group. Above every different pair measured.")
    doubtful: Share = Field(default=0.5, description="From here to `same` the capture starts a group of its own, marked doubtful.")
    min_frames_used: int = Field(
        default=3, ge=1, le=100, description="Usable frames below which a face stands for nobody and joins no group."
    )
    window_days: int = Field(default=30, ge=1, le=365, description="How far back faces are compared: the longest span of the face rules.")


class ClaimSettings(Part):
    """What a claim file may say."""

    fixmedins_pattern: str = Field(
        default=r"[A-Z]?[0-9]{11}", description="Regular expression for a whole fixmedins_code; localities differ."
    )
    earliest: date = Field(default=date(2000, 1, 1), description="No settlement is older; refuses mistyped years.")
    future_hours: int = Field(
        default=24, ge=0, le=744, description="How far ahead of our clock setl_time may lie: clocks differ, days do not."
    )
    withdraw_share: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Share of a period's rows that one complete file may withdraw; more looks like a file that is not complete.",
    )

    @field_validator("fixmedins_pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return pattern


class PullSettings(Part):
    """Another database that data is fetched from; it is only read."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$", description="How the pull is called.")
    dataset: str = Field(description="What it fetches: claims, details, staff ...")
    url: SecretStr = Field(description="SQLAlchemy URL of a user who may only read; its driver must be installed.")
    table: str = Field(default="", pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$|^$", description="Table or view with the national column names, or")
    query: str = Field(default="", max_length=10_000, description="a query that gives them.")
    watermark: str = Field(
        default="",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$|^$",
        description="Column that only grows, by which the next pull knows what is new; empty: everything each time.",
    )
    overlap_minutes: int = Field(
        default=60,
        ge=0,
        le=10_080,
        description="How far behind the place reached, where that is a time, the next pull begins: rows are committed later than they say.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.table) == bool(self.query):
            raise ValueError("needs either a table or a query")
        return self


class SenderSettings(Part):
    """A program that sends data of some institutions only."""

    account: str = Field(min_length=1, max_length=64, description="Its account, of the role source.")
    sites: tuple[str, ...] = Field(
        min_length=1, max_length=10_000, description="The fixmedins_code of each institution that it speaks for."
    )


class PeopleSettings(Part):
    """Enrolment of insured persons."""

    gallery_days: int = Field(default=30, ge=1, le=365, description="A template on a terminal expires after this unless sent again.")
    picture_long_side: int = Field(default=640, ge=64, le=1920, description="Pixels; enrolment pictures are searched at this size.")
    embedder: Path | None = Field(
        default=None, description="Weights of your own (ArcFace-like ONNX, library insightface) instead of the default pack's embedder."
    )
    licence: str = Field(default="", max_length=200, description="Under which licence these weights may be used here.")
    next_embedder: Path | None = Field(
        default=None, description="Weights on trial at the terminals: templates are made with both, and never compared with each other."
    )
    next_licence: str = Field(default="", max_length=200, description="The same for the weights on trial.")
    measured: Path | None = Field(
        default=None,
        description="Limits file of the network in force (`python -m models calibrate`); without it those of the default pack's embedder.",
    )
    templates_kept: int = Field(
        default=3, ge=1, le=10, description="Newest templates of a person that count, fused for the terminals; older ones are out of use."
    )
    template_days: int = Field(
        default=1825,
        ge=30,
        le=3660,
        description="Age of a person's newest picture from which a new one is due: faces change in five years.",
    )
    duplicate_certain: Share = Field(
        default=0.70,
        description="So like somebody else's, a picture is refused however many people are compared: of 77,220 pairs of pictures of two"
        " people (forty in all) the most alike reached 0.59; nineteen in twenty of one person lie above.",
    )
    proxies_most: int = Field(default=5, ge=1, le=64, description="Proxies that one person may have at a time: family and carers.")
    proxy_days: int = Field(default=1100, ge=1, le=3660, description="A proxy is registered for three years at most, then looked at anew.")
    watch_days: int = Field(default=90, ge=1, le=366, description="How long a written decision may keep somebody on the watch list.")
    faces_warn: tuple[int, ...] = Field(
        default=(80_000, 100_000),
        min_length=1,
        max_length=5,
        description="Faces kept at which the console warns: before the duty to file with the authority, and at its usual figure.",
    )


class DeviceSettings(Part):
    """The life of terminals."""

    rekey_days: int = Field(
        default=60,
        ge=0,
        le=700,
        description="So many days before its certificate ends a device is ordered to make new keys; two weeks more than it would begin by "
        "itself, so that whoever is off-line for a while is not late. 0 orders nothing.",
    )


class RetentionSettings(Part):
    """How long sealed pictures and film are kept here. Enrolment pictures are not meant, nor the signed events, which hold no picture."""

    seen_days: int = Field(
        default=180, ge=1, le=3660, description="What supports no suspicion: half a year, for claims come late and rules look back."
    )
    finding_days: int = Field(
        default=730,
        ge=1,
        le=3660,
        description="What supports a confirmed one, from its review: two years, as for a penalty.",
    )


class WitnessSettings(Part):
    """Another organisation's witness (C2SP tlog-witness): it signs that our log only ever grew."""

    url: str = Field(
        pattern=r"^https?://[^\s/]+(/[^\s]*)?$", description="Its submission prefix; checkpoints go to add-checkpoint below it."
    )
    key: str = Field(description="Its verifier key, as `scripts/witness.py key` prints it: name+id+key.")

    @field_validator("key")
    @classmethod
    def _is_a_witness_key(cls, text: str) -> str:
        if VerifierKey.parse(text).kind != WITNESS:
            raise ValueError("is the key of a log, not of a witness")
        return text


class TransparencySettings(Part):
    """The transparency log: how often it signs, and who vouches for it."""

    every_s: float = Field(default=1.0, gt=0, le=60, description="Seconds between two checkpoints while something happens.")
    witness_every_s: float = Field(default=60.0, gt=0, le=86_400, description="Seconds between two questions to the witnesses.")
    witness_timeout_s: float = Field(default=10.0, gt=0, le=60, description="How long a witness may take to answer, all in all.")
    witnesses: tuple[WitnessSettings, ...] = Field(default=(), max_length=16, description="Who is asked to co-sign; none by default.")

    @field_validator("witnesses")
    @classmethod
    def _differ(cls, witnesses: tuple[WitnessSettings, ...]) -> tuple[WitnessSettings, ...]:
        if len({VerifierKey.parse(each.key).name for each in witnesses}) < len(witnesses):
            raise ValueError("two witnesses have the same name")
        return witnesses

    @property
    def witness_keys(self) -> tuple[VerifierKey, ...]:
        """Names and public keys of the witnesses."""
        return tuple(VerifierKey.parse(each.key) for each in self.witnesses)


class Settings(BaseSettings):
    """Everything the centre can be told. Read once at start."""

    model_config = SettingsConfigDict(env_prefix="CENTRAL_", env_nested_delimiter="__", extra="forbid", frozen=True)

    data_dir: Path = Field(default=Path("var/central"), description="Keys, database, sealed pictures.")
    database_url: str = Field(default="", description="SQLAlchemy URL; empty means SQLite in data_dir.")
    models_dir: Path | None = Field(
        default=None, description="Face networks; empty means the folder where `python -m models fetch` puts them."
    )
    rules_file: Path = Field(default=Path("config/rules.toml"), description="Parameters of the rules.")
    broker: BrokerSettings = BrokerSettings()
    web: WebSettings = WebSettings()
    claims: ClaimSettings = ClaimSettings()
    pulls: tuple[PullSettings, ...] = Field(default=(), max_length=64, description="Databases that data is fetched from; none by default.")
    senders: tuple[SenderSettings, ...] = Field(
        default=(), max_length=10_000, description="Programs that may send data of some institutions only; one not named here may send any."
    )
    faces: FaceGroupSettings = FaceGroupSettings()
    people: PeopleSettings = PeopleSettings()
    retention: RetentionSettings = RetentionSettings()
    devices: DeviceSettings = DeviceSettings()
    transparency: TransparencySettings = TransparencySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment beats the file, whose content `read` passes as keywords."""
        del dotenv_settings, file_secret_settings, settings_cls
        return (env_settings, init_settings)

    @classmethod
    def read(cls, path: Path | None) -> Self:
        """Read the file (None: defaults) and the environment. Raises Misconfigured naming the key and what is wrong."""
        try:
            return cls(**(tomllib.loads(path.read_text(encoding="utf-8")) if path is not None else {}))
        except FileNotFoundError:
            raise Misconfigured(f"settings file {path} does not exist; config/central.example.toml shows every key") from None
        except (ValidationError, SettingsError, ValueError) as error:
            raise Misconfigured(f"settings {path or '(environment)'}: {error}") from None

    @property
    def url(self) -> str:
        """The database's URL with the default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir / 'central.sqlite3'}"

    @property
    def keys_dir(self) -> Path:
        """Private keys of the centre and its certificate authority."""
        return self.data_dir / "keys"

    @property
    def evidence_dir(self) -> Path:
        """Sealed pictures."""
        return self.data_dir / "evidence"
