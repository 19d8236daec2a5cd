"""Enrol a site: register it with its windows at the centre, make the device's keys and certificate, and a settings folder to start from.

    python -m scripts.enrol_site --code P12345678901 --name 示例大药房 --admdvs 330100 --device P12345678901-t1 \\
        --window W1=rtsp://192.168.1.20/stream --out /media/stick/P12345678901-t1

The folder then starts the agent: `python -m edge_agent run --settings FOLDER/agent.toml`. Nothing is registered unless the whole folder
could be written, and nothing is left in the folder unless the registration was committed; both can be repeated.
"""

import json
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from central import migrate
from central.certificates import issue_client, key_pem, new_key
from central.devices import service as devices
from central.devices.model import NewDevice
from central.errors import BadInput, CentralError, Conflict
from central.files import sync_folder, write_whole
from central.settings import Settings
from central.sites import service as sites
from central.sites.model import NewSite
from central.wiring import Centre, open_centre
from contract.events import EvidenceMode
from contract.sealed import Signer, raw_public, to_text
from edge_agent.errors import AgentError
from edge_agent.settings import load as load_agent_settings

ACTOR = "enrol-site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """One terminal to enrol. `windows` pairs a window's name with its camera; `extra` is TOML put at the end of the settings."""

    device_id: str
    windows: tuple[tuple[str, str], ...]
    broker_host: str
    broker_port: int
    till_port: int
    extra: str = ""


def enrol(centre: Centre, site: NewSite, terminal: Terminal, folder: Path) -> Path:
    """Register site and terminal and write the settings folder; the path of its agent.toml.

    Raises Conflict if the folder or the device exists, BadInput for a value that the agent would refuse.
    """
    if folder.exists():
        raise Conflict(f"folder {folder} exists: name a new one, so that no key is overwritten")
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    try:
        device = _write_folder(centre, site, terminal, draft)
        with centre.engine.begin() as db:
            sites.register_site(db, site, now=centre.now(), actor=ACTOR)
            devices.register_device(db, device, now=centre.now(), actor=ACTOR)
            draft.rename(folder)
            sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return folder / "agent.toml"


def _write_folder(centre: Centre, site: NewSite, terminal: Terminal, folder: Path) -> NewDevice:
    sign, seal, tls = Ed25519PrivateKey.generate(), X25519PrivateKey.generate(), new_key()
    for name, key in (("sign.pem", sign), ("seal.pem", seal)):
        write_whole(folder / name, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), private=True)
    write_whole(folder / "tls.key", key_pem(tls), private=True)
    write_whole(folder / "tls.crt", issue_client(centre.keys.authority(), tls.public_key(), name=terminal.device_id, now=centre.now()))
    write_whole(folder / "ca.crt", centre.keys.tls("ca")[0].read_bytes())
    write_whole(folder / "till.token", secrets.token_urlsafe(32).encode(), private=True)
    write_whole(folder / "agent.toml", agent_toml(centre, site, terminal).encode(), private=True)  # camera addresses hold passwords
    try:
        load_agent_settings(folder / "agent.toml")
    except AgentError as error:
        raise BadInput(f"the agent would refuse these settings: {error}") from None
    signer = Signer(sign)
    return NewDevice(
        device_id=terminal.device_id,
        fixmedins_code=site.fixmedins_code,
        windows=tuple(window for window, _ in terminal.windows),
        kid=signer.kid,
        sign_public=signer.public,
        seal_public=raw_public(seal.public_key()),
    )


def agent_toml(centre: Centre, site: NewSite, terminal: Terminal) -> str:
    """The agent's settings file; every text is quoted as JSON, which TOML's basic strings read the same."""
    windows = "\n".join(f"[[windows]]\nwindow = {_quoted(window)}\nsource = {_quoted(source)}\n" for window, source in terminal.windows)
    return f"""device_id = {_quoted(terminal.device_id)}
fixmedins_code = {_quoted(site.fixmedins_code)}
evidence_mode = {_quoted(site.evidence_mode.value)}
legal_basis = {_quoted(site.legal_basis or "")}

[files]
data_dir = "data"
sign_key = "sign.pem"
seal_key = "seal.pem"
tls_cert = "tls.crt"
tls_key = "tls.key"
tls_ca = "ca.crt"
till_token = "till.token"

[broker]
host = {_quoted(terminal.broker_host)}
port = {terminal.broker_port}

[centre]
sign_keys = [{_quoted(to_text(centre.keys.signer.public))}]
seal_key = {_quoted(to_text(centre.keys.seal_public))}

[till]
port = {terminal.till_port}

{windows}{terminal.extra}"""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def parse_windows(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Read `NAME=CAMERA`; `NAME=@FILE` takes the address from a file, so that its password is in no list of processes. Raises BadInput."""
    pairs = [text.partition("=") for text in texts]
    if wrong := [text for text, (name, _, source) in zip(texts, pairs, strict=True) if not name or not source]:
        raise BadInput(f"window {wrong[0]!r}: write NAME=CAMERA, for example W1=rtsp://camera/stream or W1=0")
    return tuple((name, _from_file(source[1:]) if source.startswith("@") else source) for name, _, source in pairs)


def _from_file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"camera address file {path}: {error}") from None


def main(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command line
    code: Annotated[str, typer.Option(help="fixmedins_code 定点医药机构编号")],
    name: Annotated[str, typer.Option(help="fixmedins_name")],
    admdvs: Annotated[str, typer.Option(help="Region, six digits")],
    device: Annotated[str, typer.Option(help="Name of the terminal, for example CODE-t1")],
    window: Annotated[
        list[str],
        typer.Option(help="NAME=CAMERA, repeated; CAMERA is an rtsp:// or http:// address, USB number, file, or @FILE holding it"),
    ],
    out: Annotated[Path, typer.Option(help="New folder for keys, certificate and settings; carry it to the terminal")],
    evidence_mode: Annotated[
        EvidenceMode, typer.Option(help="What leaves the windows; more than verdicts needs --legal-basis")
    ] = EvidenceMode.VERDICT_ONLY,
    legal_basis: Annotated[str, typer.Option(help="Recorded legal basis for pictures and embeddings to leave the windows")] = "",
    broker_host: Annotated[str, typer.Option(help="Broker as the terminal sees it; empty: as in the centre's settings")] = "",
    till_port: Annotated[int, typer.Option(help="Port of the till's local interface")] = 8787,
    settings: Annotated[Path | None, typer.Option(help="The centre's settings file")] = None,
) -> None:
    """Enrol a site with one terminal. Run `python -m central migrate` once before."""
    try:
        centre = open_centre(Settings.read(settings))
        migrate.require_current(centre.engine)
        site = NewSite(
            fixmedins_code=code, fixmedins_name=name, admdvs=admdvs, evidence_mode=evidence_mode, legal_basis=legal_basis.strip() or None
        )
        broker = centre.settings.broker
        terminal = Terminal(
            device_id=device,
            windows=parse_windows(window),
            broker_host=broker_host or broker.host,
            broker_port=broker.port,
            till_port=till_port,
        )
        written = enrol(centre, site, terminal, out)
    except (CentralError, OSError) as error:
        typer.echo(f"enrol_site: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"{device} enrolled for {code} with windows {', '.join(name for name, _ in terminal.windows)}")
    typer.echo(f"start it with: python -m edge_agent run --settings {written}")


if __name__ == "__main__":
    typer.run(main)
