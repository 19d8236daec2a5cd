"""A clip plays in a real browser, has the length of the film, and can be entered at any place."""

from base64 import b64encode

import pytest
from playwright.sync_api import sync_playwright

from edge_agent.film.clip import LAST_MS
from scripts.chromium import ARGUMENTS, CHROMIUM
from tests.edge_agent.film.test_clip import made_clip
from tests.edge_agent.films import LEFT, still

SECONDS = 12

ENTER = """async ([source, at]) => {
    const film = document.createElement("video")
    const told = name => new Promise((resolve, reject) => {
        film.addEventListener(name, resolve, {once: true})
        film.addEventListener("error", () => reject(film.error.message), {once: true})
    })
    film.src = source
    await told("loadeddata")
    film.currentTime = at
    await told("seeked")
    const canvas = document.createElement("canvas")
    const drawing = canvas.getContext("2d")
    drawing.drawImage(film, 0, 0)
    return {ready: film.readyState, duration: film.duration, width: film.videoWidth, height: film.videoHeight, at: film.currentTime,
            shade: drawing.getImageData(100, 10, 1, 1).data[0]}
}"""


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed (apt install chromium)")
def test_a_browser_plays_it_from_any_place() -> None:
    film = made_clip(*(still(second, LEFT, shade=15 * second) for second in range(SECONDS + 1)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        try:
            found = browser.new_page().evaluate(ENTER, ["data:video/webm;base64," + b64encode(film).decode(), 9.4])
        finally:
            browser.close()
    assert found["ready"] >= 2
    assert found["duration"] == pytest.approx(SECONDS + LAST_MS / 1000)
    assert (found["width"], found["height"]) == (320, 240)
    assert found["at"] == pytest.approx(9.4)
    assert found["shade"] == pytest.approx(15 * 9, abs=4)
