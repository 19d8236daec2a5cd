"""Who may log in to the console."""

from typing import Annotated

import typer

from central.accounts import service as accounts
from central.accounts.model import Role
from central.accounts.passwords import Hashing, random_password
from central.cli.shell import ACTOR, SettingsFile, explained, opened

app = typer.Typer(no_args_is_help=True, help="Who may log in to the console.")


@app.command("add")
def add_account(username: str, role: Annotated[Role, typer.Option(help="What the account may do.")], settings: SettingsFile = None) -> None:
    """Add an account with a random password, shown once; it must be changed at the first login."""
    with explained():
        centre = opened(settings)
        password = random_password()
        hashed = Hashing().hash(password)
        with centre.engine.begin() as db:
            accounts.add(db, username=username, role=role, password_hash=hashed, must_change_password=True, actor=ACTOR, now=centre.now())
        typer.echo(f"{username} ({role}) with the password {password} (shown only now)")
