"""Everything this package refuses, under one root. A message names the thing, the value and the way out."""


class ModelError(Exception):
    """Root of all errors raised by `models`."""


class WeightsMissing(ModelError):
    """A weight file, or its record, is not in the folder."""


class WrongHash(ModelError):
    """A file is not the one that the manifest or its record names."""


class FetchFailed(ModelError):
    """A package could not be taken from its registry or mirror folder."""


class VersionMismatch(ModelError):
    """Two things were made by different networks, or by another revision of a converter, and must not be mixed."""


class CameraMismatch(ModelError):
    """Limits of liveness were measured with another camera model than the one they are asked for."""


class BadVector(ModelError):
    """A vector cannot be compared: wrong shape or size, not finite, or of zero length."""


class BadLabels(ModelError):
    """A table of labels, or a measurement made from it, cannot be used: a missing file or column, an impossible value, no trial at all."""


class LimitsEdited(ModelError):
    """A limits file is not as it was written: its checksum does not fit, or something in it is missing."""


class PictureRefused(ModelError):
    """A picture, or the face in it, cannot be used. `reason` is a stable code for programs; the message is for people.

    Codes: not_a_picture, truncated, too_small, too_large, no_face, several_faces, poor_quality.
    With poor_quality, `problems` holds the codes of `quality.problems`; otherwise it is empty.
    """

    def __init__(self, reason: str, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.reason = reason
        self.problems = problems
