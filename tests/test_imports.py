"""Who may import whom. The rules stand in ARCHITECTURE.md; this test is what keeps them true."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("contract", "models", "edge_agent", "central", "scripts")
MAY_IMPORT = {
    "contract": set[str](),
    "models": set[str](),
    "edge_agent": {"contract", "models"},
    "central": {"contract", "models"},
    "scripts": {"contract", "models", "edge_agent", "central"},
}

ROWS = (
    {"errors", "files", "china"},
    {"certificates", "db", "settings"},
    {"arrow", "changes", "inputs"},
    {"engines"},
    {"keys"},
    {"transparency"},
    {"broker", "audit"},
    {"feeds"},
    {"accounts", "holds", "hotlist", "sites"},
    {"devices"},
    {"enrolment", "evidence"},
    {"people", "orders"},
    {"captures", "claims", "registers"},
    {"linkage", "imports"},
    {"rules"},
    {"cases", "scoring"},
    {"rulebook"},
    {"packages", "indicators"},
    {"subjects"},
    {"reconciliation", "trust", "retention", "migrate", "overview"},
    {"wiring"},
    {"web"},
    {"app"},
    {"cli"},
    {"__main__"},
)
"""Rooms of the centre from the ground up: a row uses rows below it."""

OPEN_TO_OTHERS = {
    "service",
    "model",
    "objects",
    "base",
    "engine",
    "dossier",
    "compare",
    "registry",
    "places",
    "opening",
    "flood",
    "duckdb",
    "identifiers",
}
"""What one domain may use of another: never its tables or its SQL."""

FRONT = {"api", "pages", "list_pages", "login", "management"}
"""The parts of a domain that face the web: they may use `web` and `wiring`, which are above them in the table."""

LAYERS = ("model", "store", "service", "api", "pages")
ABOVE_ALL = {"wiring", "app", "cli", "__main__", "migrate", "reconciliation"}
"""Modules whose work it is to name many rooms' insides."""

ONE_FILE = {"scripts/verify_evidence.py": 1020}
"""What an auditor takes along must be one file."""

ONLY_IMPORT = {"onnxruntime": "models/session.py", "insightface": "models/insightface_pack.py", "sqlcipher3": "edge_agent/disk/vault.py"}


def sources(package: str) -> list[Path]:
    return sorted(path for path in (ROOT / package).rglob("*.py") if "versions" not in path.parts)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, with its line; `from a import b` counts as a and a.b."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def every_source() -> list[Path]:
    return [path for package in PACKAGES for path in sources(package)]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_those_below(package: str) -> None:
    for path in sources(package):
        for module, line in imports(path):
            top = module.split(".")[0]
            if top in PACKAGES or top == "tests":
                assert top == package or top in MAY_IMPORT[package], f"{name(path)}:{line} imports {module}"


def room(path: Path) -> str:
    return path.relative_to(ROOT / "central").parts[0].removesuffix(".py")


def row_of(room_name: str) -> int:
    for number, row in enumerate(ROWS):
        if room_name in row:
            return number
    raise AssertionError(f"room central/{room_name} has no row in tests/test_imports.py: decide who may use it")


def central_imports() -> Iterator[tuple[Path, int, str, str]]:
    """(file, line, room, rest of the module's path) of each import between rooms of the centre."""
    for path in sources("central"):
        if path == ROOT / "central" / "__init__.py" or "migrations" in path.parts:
            continue
        for module, line in imports(path):
            parts = module.split(".")
            if parts[0] == "central" and len(parts) > 1 and parts[1] != room(path):
                yield path, line, parts[1], ".".join(parts[2:])


def test_rooms_of_the_centre_use_only_rows_below() -> None:
    for path, line, other, _ in central_imports():
        if path.stem in FRONT and other in {"web", "wiring"}:
            continue
        assert row_of(other) < row_of(room(path)), f"{name(path)}:{line} imports central.{other}, which is not below it"


def test_a_domain_is_used_through_its_service_or_model() -> None:
    for path, line, other, inside in central_imports():
        target = ROOT / "central" / other
        if target.is_dir() and other not in {"web", "broker"} and room(path) not in ABOVE_ALL and inside:
            first = inside.split(".")[0]
            assert first in OPEN_TO_OTHERS, f"{name(path)}:{line} reaches into central.{other}.{first}"


def test_layers_inside_a_domain_point_down() -> None:
    for path in sources("central"):
        if path.stem not in LAYERS or path.parent == ROOT / "central":
            continue
        for module, line in imports(path):
            parts = module.split(".")
            if parts[:2] == ["central", path.parent.name] and len(parts) > 2 and parts[2] in LAYERS:
                below = LAYERS.index(parts[2]) < LAYERS.index(path.stem)
                assert below, f"{name(path)}:{line} imports {module}, a layer that is not below it"


@pytest.mark.parametrize("library", ONLY_IMPORT)
def test_some_libraries_are_named_in_one_file_only(library: str) -> None:
    found = {name(path) for path in every_source() for module, _ in imports(path) if module.split(".")[0] == library}
    assert found <= {ONLY_IMPORT[library]}


def test_nothing_is_imported_inside_a_function() -> None:
    for path in every_source():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = [part for part in ast.walk(node) if isinstance(part, ast.Import | ast.ImportFrom)]
                assert not inner, f"{name(path)}:{inner[0].lineno} imports inside {node.name}"


def test_no_import_goes_round_in_a_circle() -> None:
    graph = {}
    for path in every_source():
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        graph[module] = {other for other, _ in imports(path) if other.split(".")[0] in PACKAGES and other != module}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, f"circle: {' > '.join((*trail[trail.index(module) :], module))}"
        if module in graph and module not in done:
            for other in graph[module]:
                visit(other, (*trail, module))
            done.add(module)

    sys.setrecursionlimit(5000)
    for module in graph:
        visit(module, ())


def test_no_room_is_named_for_leftovers() -> None:
    assert not {path.stem for path in every_source()} & {"utils", "util", "helpers", "common", "misc"}


@pytest.mark.parametrize("path", every_source(), ids=name)
def test_files_and_functions_stay_short(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= ONE_FILE.get(name(path), 400), f"{name(path)} has {len(lines)} lines"
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 50, f"{name(path)}:{node.lineno} {node.name} has {length} lines"
