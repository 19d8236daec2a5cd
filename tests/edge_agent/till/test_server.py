"""The port of the till: loopback only, and a clear word when it is taken."""

import urllib.request

import pytest
from fastapi import FastAPI

from edge_agent.errors import BadSettings
from edge_agent.till.server import LocalServer


def test_answers_from_start_to_stop() -> None:
    app = FastAPI()
    app.get("/")(lambda: "here")
    server = LocalServer(app, 0)
    server.start()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=5) as answer:
            assert answer.read() == b'"here"'
    finally:
        server.stop()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=5)


def test_a_taken_port_is_named() -> None:
    first = LocalServer(FastAPI(), 0)
    first.start()
    try:
        with pytest.raises(BadSettings, match=f"port {first.port}"):
            LocalServer(FastAPI(), first.port)
    finally:
        first.stop()
