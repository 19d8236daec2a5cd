"""The docs are true: every setting, topic, rule and command stands in them, and nothing in them has gone."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from central.linkage.model import LinkLimits
from central.rules.flood import FloodLimits
from central.rules.model import GroupLimits, IndicatorLimits
from central.rules.registry import RULES
from central.settings import Settings as CentralSettings
from contract.topics import Down, Up, down, up
from edge_agent.settings import Settings as EdgeSettings

ROOT = Path(__file__).parents[1]
README, CHINESE, ARCHITECTURE = (ROOT / name for name in ("README.md", "README.zh.md", "ARCHITECTURE.md"))


def keys(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Dotted names of every setting, through tables and lists of tables."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        inner = [
            part
            for part in (field.annotation, *getattr(field.annotation, "__args__", ()))
            if isinstance(part, type) and issubclass(part, BaseModel)
        ]
        found |= keys(inner[0], f"{prefix}{name}.") if inner else {f"{prefix}{name}"}
    return found


def written(table: Any, prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in table.items():
        rows = value if isinstance(value, list) and value and isinstance(value[0], dict) else [value]
        for row in rows:
            found |= written(row, f"{prefix}{name}.") if isinstance(row, dict) else {f"{prefix}{name}"}
    return found


def uncommented(path: Path) -> dict[str, Any]:
    """The example with its commented-out keys set."""
    text = re.sub(r"^# (?=[a-z_]+ = )", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return tomllib.loads(text)


@pytest.mark.parametrize(("name", "model"), [("central.example.toml", CentralSettings), ("agent.example.toml", EdgeSettings)])
def test_the_example_shows_every_setting_and_no_other(name: str, model: type[BaseModel]) -> None:
    assert written(uncommented(ROOT / "config" / name)) == keys(model)


@pytest.mark.parametrize("model", [CentralSettings, EdgeSettings])
def test_every_setting_says_what_it_is_for(model: type[BaseModel]) -> None:
    def silent(part: type[BaseModel]) -> set[str]:
        found = set()
        for name, field in part.model_fields.items():
            inner = [
                one
                for one in (field.annotation, *getattr(field.annotation, "__args__", ()))
                if isinstance(one, type) and issubclass(one, BaseModel)
            ]
            found |= silent(inner[0]) if inner else (set() if field.description else {f"{part.__name__}.{name}"})
        return found

    assert silent(model) == set()


def test_the_defaults_in_the_centres_example_are_the_real_ones() -> None:
    assert CentralSettings(**tomllib.loads((ROOT / "config" / "central.example.toml").read_text(encoding="utf-8"))) == CentralSettings()


def test_every_rule_stands_in_the_rules_file() -> None:
    table = tomllib.loads((ROOT / "config" / "rules.toml").read_text(encoding="utf-8"))
    assert set(table) == {rule.id for rule in RULES} | {"linkage", "indicators", "groups", "flood"}
    parts = {"linkage": LinkLimits, "indicators": IndicatorLimits, "groups": GroupLimits, "flood": FloodLimits}
    for name, model in parts.items():
        assert set(table[name]) == set(model.model_fields)
        assert model(**table[name]) == model()


def test_every_topic_stands_in_the_architecture() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    for topic in (*(up(channel, "DEVICE") for channel in Up), *(down(channel, "DEVICE") for channel in Down)):
        shape = re.sub(r"/\d\d/", "/<shard>/", topic).replace("DEVICE", "<device>")
        assert f"`{shape}`" in text, shape


@pytest.mark.parametrize("path", [README, CHINESE, ARCHITECTURE], ids=lambda path: path.name)
def test_docs_are_short_and_name_only_what_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    for named in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / named).exists(), named
    for script in re.findall(r"\bscripts/([a-z_]+(?:\.py)?)", text):
        assert (ROOT / "scripts" / script).exists(), script


def test_both_readmes_show_the_same_commands() -> None:
    def commands(path: Path) -> list[str]:
        blocks = re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        return [line.split("#")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]

    assert commands(README) == commands(CHINESE)


def test_the_architecture_names_every_room() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    rooms = [path.name for path in (ROOT / "central").iterdir() if path.is_dir() and path.name not in {"__pycache__", "migrations"}]
    assert [room for room in rooms if not re.search(rf"\b{room}\b", text)] == []
