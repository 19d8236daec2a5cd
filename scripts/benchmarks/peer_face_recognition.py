"""The library `face_recognition` on given frames; runs as a file of its own in that library's environment, see peers.py.

    python peer_face_recognition.py FRAMES.npz RESULT.npz

FRAMES holds `frames` (N, height, width, 3; blue, green, red) and `boxes` (N, 4; x0, y0, x1, y1). RESULT holds for each frame the seconds of
finding faces, of describing the first one and of comparing it with one known face, the face's box and vector as the library finds them
(not a number where it finds none), and seconds and vector for the given box.
"""

import sys
import time
from importlib.metadata import version
from typing import Any

import face_recognition  # type: ignore[import-not-found]
import numpy as np

NOTHING = np.full(128, np.nan)
WARM_UP = 3


def main(given: str, result: str) -> None:
    """Measure every frame and write what was found."""
    with np.load(given) as content:
        frames, boxes = content["frames"], content["boxes"]
    known = np.zeros(128)
    for frame, box in zip(frames[:WARM_UP], boxes, strict=False):
        describe(frame, box, known)
    rows = []
    for number, (frame, box) in enumerate(zip(frames, boxes, strict=True)):
        rows.append(describe(frame, box, known))
        if number % 50 == 0:
            print(f"  face_recognition: frame {number} of {len(frames)}", flush=True)
    seconds, own_boxes, vectors, on_boxes = (np.array(column) for column in zip(*rows, strict=True))
    names = np.array([f"{name} {version(name)}" for name in ("face_recognition", "dlib")])
    np.savez(result, seconds=seconds, boxes=own_boxes, vectors=vectors, on_boxes=on_boxes, versions=names)


def describe(frame: Any, box: Any, known: Any) -> tuple[Any, ...]:
    """The row of one frame: four durations, the library's box and vector, and the vector of the given box."""
    picture = np.ascontiguousarray(frame[..., ::-1])
    begun = time.perf_counter()
    found = face_recognition.face_locations(picture, model="hog")
    located = time.perf_counter()
    vectors = face_recognition.face_encodings(picture, found[:1])
    encoded = time.perf_counter()
    face_recognition.compare_faces([known], vectors[0] if vectors else known)
    compared = time.perf_counter()
    asked = [tuple(round(float(box[side])) for side in (1, 2, 3, 0))]
    begun_box = time.perf_counter()
    on_box = face_recognition.face_encodings(picture, asked)[0]
    spent = time.perf_counter() - begun_box
    own = [found[0][side] for side in (3, 0, 1, 2)] if found else [np.nan] * 4
    return [located - begun, encoded - located, compared - encoded, spent], own, vectors[0] if vectors else NOTHING, on_box


if __name__ == "__main__":
    main(*sys.argv[1:])
