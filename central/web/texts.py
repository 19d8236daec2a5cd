"""Every word that people read, in Chinese and English: a folder for each language, a file for each part of the console."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from central.errors import Misconfigured

FOLDER = Path(__file__).with_name("texts")


class Language(StrEnum):
    """Chinese is the default."""

    ZH = "zh"
    EN = "en"

    @property
    def html(self) -> str:
        """The value of the `lang` attribute."""
        return {"zh": "zh-CN", "en": "en"}[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """All texts of one language by dotted key."""

    language: Language
    entries: Mapping[str, str]

    def text(self, key: str, **values: object) -> str:
        """The text with its {places} filled. Raises Misconfigured for a key that is not there: that is a fault of a template."""
        try:
            return self.entries[key].format(**values)
        except KeyError as error:
            raise Misconfigured(f"text {key!r} in {self.language.value}: missing key or value {error}") from None

    def code(self, family: str, code: object) -> str:
        """The text of a code from a closed list; a code without text is shown as it is, so that newer devices stay readable."""
        return self.entries.get(f"{family}.{code}", str(code))


def load(language: Language, folder: Path = FOLDER) -> Texts:
    """Read one language's files. Raises Misconfigured if there are none, one is not TOML, or two name the same text."""
    entries = dict[str, str]()
    paths = sorted((folder / language.value).glob("*.toml"))
    if not paths:
        raise Misconfigured(f"texts {folder / language.value}: no file is there")
    for path in paths:
        for key, text in _read(path):
            if key in entries:
                raise Misconfigured(f"texts {path}: {key!r} stands in another file already")
            entries[key] = text
    return Texts(language=language, entries=entries)


def _read(path: Path) -> list[tuple[str, str]]:
    try:
        return _flat(tomllib.loads(path.read_text(encoding="utf-8")), "")
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(f"texts {path}: {error}") from None


def _flat(table: Mapping[str, object], prefix: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{prefix}{name}.")
        else:
            pairs.append((prefix + name, str(value)))
    return pairs
