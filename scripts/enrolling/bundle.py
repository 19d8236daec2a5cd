"""Fill a folder on a stick for a terminal that no network reaches: token, the way, and the face networks."""

from collections.abc import Callable
from pathlib import Path

from central.errors import BadInput
from central.files import write_whole
from contract.enrolment import Token
from edge_agent.enrol import weights
from edge_agent.enrol.carriers import TOKEN_FILE

_WAY = """入网 Enrolment of {device} of {code}

1. 在终端上 at the terminal:        python -m edge_agent enrol --stick {stick} --service
2. 在中心 at the centre:            python -m scripts.enrol_site answer {stick}/{device}.request.json
3. 再次在终端上 at the terminal:    python -m edge_agent enrol --stick {stick} --service

{stick} stands for this folder. The token in {token_file} works once, until {until}; keep the stick under lock until then.
此文件夹内的令牌只能使用一次，有效期至 {until}，使用前请妥善保管。
"""


def fill(folder: Path, token: Token, *, models: Path | None, progress: Callable[[str], None]) -> Path:
    """Write the terminal's folder below `folder`, and with `models` the networks from there beside it. Raises OSError or BadInput."""
    place = folder / token.device
    way = _WAY.format(
        device=token.device,
        code=token.fixmedins_code,
        stick=f"STICK/{token.device}",
        token_file=TOKEN_FILE,
        until=f"{token.valid_until:%Y-%m-%d %H:%M} UTC",
    )
    write_whole(place / TOKEN_FILE, (token.text() + "\n").encode(), private=True)
    write_whole(place / "README.txt", way.encode())
    if models is not None and (lacking := weights.bring(folder / "models", models, progress)):
        raise BadInput(f"the networks could not be laid on the stick: {lacking}")
    return place
