"""Who may log in to the console."""

from datetime import timedelta
from typing import Annotated

import typer

from central.accounts import service as accounts
from central.accounts.model import Role
from central.accounts.passwords import Hashing, random_password
from central.china import local_text
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


@app.command("token")
def issue_token(
    username: str, days: Annotated[int, typer.Option(min=1, max=1100, help="How long it is good.")] = 366, settings: SettingsFile = None
) -> None:
    """Issue a token for a program that sends data (an account with the role source), shown once. Disabling the account ends it."""
    with explained():
        centre = opened(settings)
        with centre.engine.begin() as db:
            issued = accounts.issue_token(db, username=username, lifetime=timedelta(days=days), actor=ACTOR, now=centre.now())
        typer.echo(f"{username}: Authorization: Bearer {issued.token} until {local_text(issued.expires_at)} (shown only now)")
