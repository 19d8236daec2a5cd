"""One application per test, in a temporary folder, on real SQLite."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from central.wiring import Centre
from tests.central.web.consoles import app_of


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return app_of(tmp_path)


@pytest.fixture
def centre(app: FastAPI) -> Centre:
    centre: Centre = app.state.centre
    return centre
