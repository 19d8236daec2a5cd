"""What a terminal is told: read once, from one TOML file and the environment, frozen, with the unit in every name.

An unknown key stops the start. A variable such as `EDGE_BROKER__HOST` overrides `host` in `[broker]`. Paths are relative to the file.
Between the two stands what the centre ordered and this terminal tried; see `edge_agent.orders`.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from contract.events import EvidenceMode
from contract.ids import DeviceId, FixmedinsCode
from contract.message import first_fault
from edge_agent.errors import BadSettings
from edge_agent.sections.core import Broker, Centre, Files, Limits, Link, LivenessSettings, Networks, Till, Times, Upkeep, Window
from edge_agent.sections.film import FilmSettings
from edge_agent.sections.machine import Cooldown, Machine
from edge_agent.sections.view import ViewLimits

HINT = "; config/agent.example.toml shows every setting"


class Settings(BaseSettings):
    """Everything a terminal is told."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="EDGE_", env_nested_delimiter="__", allow_inf_nan=False, use_attribute_docstrings=True
    )

    device_id: DeviceId
    """Name of this device at the centre, in topics and in its certificate."""
    fixmedins_code: FixmedinsCode
    """定点医药机构编号 of the institution whose settlements are seen."""
    evidence_mode: EvidenceMode = EvidenceMode.VERDICT_ONLY
    """What leaves the window besides the signed event: all, flagged_only or verdict_only."""
    legal_basis: str = Field("", max_length=500)
    """Recorded basis for pictures and embeddings to leave the window; without one the agent runs verdict_only and says so."""
    files: Files
    broker: Broker
    centre: Centre
    till: Till = Till()
    times: Times = Times()
    limits: Limits = Limits()
    view: ViewLimits = ViewLimits()
    networks: Networks = Networks()
    liveness: LivenessSettings = LivenessSettings()
    link: Link = Link()
    upkeep: Upkeep = Upkeep()
    machine: Machine = Machine()
    cooldown: Cooldown = Cooldown()
    film: FilmSettings = FilmSettings()
    windows: tuple[Window, ...] = Field(min_length=1, max_length=16)
    """The settlement windows of this device."""

    @model_validator(mode="after")
    def _windows_differ(self) -> Self:
        names = [window.window for window in self.windows]
        if len(set(names)) != len(names):
            raise ValueError(f"two windows have the same name: {', '.join(sorted(names))}")
        return self

    @model_validator(mode="after")
    def _limits_of_the_network(self) -> Self:
        if self.networks.embedder and not self.limits.measured:
            raise ValueError(
                f"networks.embedder ({self.networks.embedder}) needs limits.measured: the initial limits are of another network"
            )
        return self

    @property
    def evidence(self) -> EvidenceMode:
        """The mode in force: without a legal basis nothing but the verdict leaves the window."""
        return self.evidence_mode if self.legal_basis.strip() else EvidenceMode.VERDICT_ONLY

    def sha256(self) -> str:
        """Names these very values."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the order of arguments is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file; there are no other sources."""
        return env_settings, init_settings


Overlay = Mapping[str, Mapping[str, bool | int | float | str]]
"""Values by section and name that stand above those of a file."""


def load(path: Path, overlay: Overlay | None = None) -> Settings:
    """Read and check a settings file, with an overlay above it; relative paths are taken from its folder. Opens nothing that it names.

    Raises BadSettings.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        settings = Settings(**_overlaid(table, overlay or {}))
    except OSError as error:
        raise BadSettings(f"{path} cannot be read ({error.strerror}){HINT}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} is not TOML: {error}") from None
    except ValidationError as error:
        raise BadSettings(f"{path}: {first_fault('settings', error)}{HINT}") from None
    folder = path.resolve().parent
    return settings.model_copy(
        update={
            "files": settings.files.below(folder),
            "limits": settings.limits.below(folder),
            "networks": settings.networks.below(folder),
            "windows": tuple(window.below(folder) for window in settings.windows),
        }
    )


def _overlaid(table: dict[str, Any], overlay: Overlay) -> dict[str, Any]:
    return table | {section: {**table.get(section, {}), **values} for section, values in overlay.items()}
