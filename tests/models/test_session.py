import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.errors import ModelError
from models.session import limit_opencv_threads, open_session

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("content", [b"", b"no network at all", bytes(1000)])
def test_what_is_no_network_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match=f"{len(content)} bytes is not a network"):
        open_session(content)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"\x08\x07broken")
    with pytest.raises(ModelError, match=r"broken\.onnx"):
        open_session(path)


def test_a_wrong_shape_is_refused_with_the_shape(folder: Path) -> None:
    session = open_session(folder / "mobilefacenet.onnx")
    with pytest.raises(ModelError, match=r"\(1, 3, 50, 50\)"):
        session.run(np.zeros((1, 3, 50, 50), np.float32))


def test_opencv_threads_are_limited_on_request() -> None:
    before = cv2.getNumThreads()
    try:
        limit_opencv_threads(1)
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)


@pytest.mark.parametrize("module", ["models.session", "models.insightface_pack"])
def test_nothing_of_the_use_of_networks_is_kept_or_sent(folder: Path, tmp_path: Path, module: str) -> None:
    networks = folder / "mobilefacenet.onnx"
    run = f'import {module}; from models.session import open_session; open_session(open({str(networks)!r}, "rb").read())'
    named = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_")) and name != "CI"}
    subprocess.run([sys.executable, "-c", run], env=named | {"HOME": str(tmp_path)}, cwd=ROOT, check=True)
    assert list(tmp_path.rglob("*")) == []
