"""Login and accounts for programs."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, status
from pydantic import BaseModel, ConfigDict, Field

from central.accounts import service
from central.accounts.login import hashing_of, log_in
from central.accounts.model import MAX_PASSWORD, Account, Right, Role, Viewer, require_password
from central.db import reading
from central.web import guard

router = APIRouter(prefix="/api", tags=["accounts"])
Manager = Annotated[Viewer, Depends(guard.api(Right.MANAGE_ACCOUNTS))]


class Login(BaseModel):
    """Who logs in."""

    model_config = ConfigDict(extra="forbid")
    username: str = Field(max_length=64)
    password: str = Field(max_length=MAX_PASSWORD, json_schema_extra={"format": "password"})


class Session(BaseModel):
    """A token for `Authorization: Bearer ...`; it cannot be shown again."""

    token: str
    username: str
    role: Role
    expires_at: datetime


class NewAccount(BaseModel):
    """An account to add. Its password must be changed at the first login."""

    model_config = ConfigDict(extra="forbid")
    username: str = Field(max_length=64)
    role: Role
    password: str = Field(max_length=MAX_PASSWORD, json_schema_extra={"format": "password"})


@router.post("/login")
def login(request: Request, body: Login) -> Session:
    """Exchange name and password for a token. 401 without saying which part was wrong; repeated failures lock the account."""
    opened = log_in(guard.centre_of(request), hashing_of(request), username=body.username, password=body.password)
    return Session(token=opened.token, username=opened.username, role=opened.role, expires_at=opened.expires_at)


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT, dependencies=[Depends(guard.api_viewer)])
def logout(request: Request, token: Annotated[str, Depends(guard.api_token)]) -> None:
    """End the session of this token."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        service.log_out(db, token=token, now=centre.now())


@router.get("/accounts", dependencies=[Depends(guard.api(Right.MANAGE_ACCOUNTS))])
def accounts(request: Request) -> tuple[Account, ...]:
    """Every account."""
    with reading(guard.centre_of(request).engine).begin() as db:
        return service.every(db)


@router.post("/accounts", status_code=status.HTTP_201_CREATED)
def add_account(request: Request, body: NewAccount, viewer: Manager) -> None:
    """Add an account. 409 if the name is taken."""
    require_password(body.username, body.password)
    centre = guard.centre_of(request)
    password_hash = hashing_of(request).hash(body.password)
    with centre.engine.begin() as db:
        service.add(
            db,
            username=body.username,
            role=body.role,
            password_hash=password_hash,
            must_change_password=True,
            actor=viewer.username,
            now=centre.now(),
        )
