"""What may be shown of a camera's address, which often holds a password. Pure; both sides show the same."""

import re

URL = re.compile(r"^(rtsps?|https?)://", re.IGNORECASE)
_LOGIN = re.compile(r"[^/@]*:[^/@]*@")
HOST = re.compile(r"[A-Za-z0-9.-]+(?=[:/?#]|$)|\[[0-9A-Fa-f:.]+\]")


def fault(source: str) -> str | None:
    """What is wrong with an address that nobody could open and that may hold a password all the same; None for any other."""
    if URL.match(source) or not ("://" in source or _LOGIN.match(source)):
        return None
    return "a network camera's address begins with rtsp://, rtsps://, http:// or https://, and a file's name holds no ://"


def shown(source: str) -> str:
    """Scheme and host of a network camera; a number, file or folder as it is.

    In an unescaped address every `@`, `/`, `?` or `#` may belong to the password, so where it is not certain which part is the host the
    scheme alone is shown.
    """
    if not URL.match(source):
        return "?" if fault(source) else source
    scheme, _, rest = source.partition("://")
    host = HOST.match(rest.removeprefix(rest.rpartition("@")[0] + "@"))
    uncertain = rest.count("@") > 1 or ("@" in rest and any(sign in rest.partition("@")[0] for sign in "/?#"))
    return f"{scheme}://" if uncertain or host is None else f"{scheme}://{host[0]}"
