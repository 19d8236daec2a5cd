"""One error root for the centre; the web layer maps it to HTTP in one place. Messages name the thing, the value and the way out."""


class CentralError(Exception):
    """Something that a caller can understand and act on."""

    status = 400
    code = "error"


class BadInput(CentralError):
    """The request or file says something that cannot be."""

    code = "bad_input"


class NotFound(CentralError):
    """The thing named does not exist, or is not visible to who asks."""

    status = 404
    code = "not_found"


class Conflict(CentralError):
    """The request contradicts what is already recorded."""

    status = 409
    code = "conflict"


class Forbidden(CentralError):
    """Who asks may not do this."""

    status = 403
    code = "forbidden"


class Misconfigured(CentralError):
    """A setting, key or file that the centre needs is missing or wrong."""

    status = 500
    code = "misconfigured"
