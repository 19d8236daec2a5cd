"""The cameras of the demonstration: they serve while they are asked to, and leave no thread behind."""

import http.client
import threading
from urllib.parse import urlsplit

from scripts.scenes import Cameras


def ask(url: str) -> http.client.HTTPResponse:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", parts.path)
    return connection.getresponse()


def test_a_viewer_gets_pictures_until_the_camera_leaves_and_no_thread_stays() -> None:
    before = set(threading.enumerate())
    with Cameras(("W1",)) as cameras:
        viewer = ask(cameras.url("W1"))
        assert b"\xff\xd8" in viewer.read(4096)
        assert set(threading.enumerate()) - before
    assert set(threading.enumerate()) == before
    viewer.close()


def test_there_is_no_other_camera() -> None:
    with Cameras(("W1",)) as cameras:
        assert ask(cameras.url("W2")).status == 404
