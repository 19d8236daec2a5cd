"""Every word stands in both text files, every code has a text, and no template says anything by itself."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from central.accounts.model import RIGHTS, Role
from central.captures.chain import LOSS
from central.captures.coverage import Hour
from central.cases.model import Status, Verdict
from central.errors import CentralError, Misconfigured
from central.hotlist.model import Decision, HotKind, Matter
from central.imports import service as imports
from central.linkage.model import CaptureCode, SettlementCode
from central.orders import model as orders
from central.orders.model import Kind, State
from central.orders.pages import REASONS
from central.registers.model import Contradiction
from central.rulebook import exhibits
from central.rules.base import Severity, Stage
from central.rules.registry import RULES
from central.trust.pages import REVOKED_FOR
from central.trust.service import KeyState
from central.web.console import TEMPLATES
from central.web.texts import FOLDER, Language, Texts, load
from contract import events
from contract.events import Closing, EvidenceMode, Liveness, ManualReason, Outcome
from edge_agent.agent import CUT_SHORT, JUDGING_FAILED
from edge_agent.chain.books import RESTARTED
from edge_agent.window.track import BETTER_NEARBY
from models import quality
from models.quality_components import HINTS_BELOW

ROOT = Path(__file__).parents[3]


def codes_in(source: str) -> tuple[str, ...]:
    """Every snake_case string of more than one word in a source file: where outcomes are decided, these are reason codes."""
    strings = (node.value for node in ast.walk(ast.parse((ROOT / source).read_text(encoding="utf-8"))) if isinstance(node, ast.Constant))
    return tuple(text for text in strings if isinstance(text, str) and re.fullmatch(r"[a-z]+(_[a-z]+)+", text))


def shortcomings() -> tuple[str, ...]:
    """What can be wrong with a face: the keys of the table in `models.quality.problems`."""
    return tuple(
        key.value
        for node in ast.walk(ast.parse(inspect.getsource(quality.problems)))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    )


def codes_by(pattern: str, *places: str) -> tuple[str, ...]:
    """What the pattern finds in the source files that these patterns of paths name."""
    files = [path for place in places for path in ROOT.glob(place)]
    return tuple({found for path in files for found in re.findall(pattern, path.read_text(encoding="utf-8"))})


ACTION = re.compile(r"""action="([a-z._]+)\"""")
TEXTS = {language: load(language) for language in Language}
CODES = {
    "outcome": tuple(Outcome),
    "liveness": tuple(Liveness),
    "closing": tuple(Closing),
    "evidence_mode": tuple(EvidenceMode),
    "settlement_link": tuple(SettlementCode),
    "capture_link": tuple(CaptureCode),
    "status": tuple(Status),
    "verdict": tuple(Verdict),
    "verdict_given": tuple(Verdict),
    "verdict_means": tuple(Verdict),
    "sev_deg": tuple(Severity),
    "role": tuple(Role),
    "role_duty": tuple(RIGHTS),
    "rule": tuple(rule.id for rule in RULES),
    "vola_bhvr_type": tuple(rule.behaviour for rule in RULES),
    "limit": tuple(name for rule in RULES for name in rule.limits.model_fields),
    "limit_reason": tuple(f"{rule.id}.{name}" for rule in RULES for name in rule.limits.model_fields),
    "stage_reason": ("new", *(rule.id for rule in RULES if rule.stage is not Stage.SILENT)),
    "replay_field": (*exhibits.SAID, "rule", "finding"),
    "camera": ("opening", "streaming", "lost", "unknown"),
    "rejection": ("bad_topic", "untrusted", "malformed", "old_key", "revoked_key"),
    "language": tuple(Language),
    "reason": (
        *codes_in("edge_agent/decide.py"),
        *(f"liveness_{code}" for code in (*codes_in("models/liveness_track.py"), "motionless", "rigid")),
        *shortcomings(),
        *HINTS_BELOW,
        BETTER_NEARBY,
        *JUDGING_FAILED.reasons,
        *RESTARTED.reasons,
        *CUT_SHORT.values(),
        *(f"manual_{reason}" for reason in ManualReason),
    ),
    "manual_reason": tuple(ManualReason),
    "problem": tuple(path.stem for path in (ROOT / "edge_agent" / "health" / "checks").glob("[a-z]*.py")),
    "order_kind": tuple(Kind),
    "order_state": tuple(State),
    "order_means": tuple(State),
    "order_result": (*orders.Result, *get_args(events.Result.model_fields["result"].annotation)),
    "order_why": (
        *REASONS,
        *codes_by(r"""(?:missing=|_barred or )"([a-z_]+)\"""", "edge_agent/film/replies.py"),
        *codes_by(r"""(?:return None if [^\n]* else |else )"([a-z_]+)\"""", "edge_agent/film/filming.py"),
        *codes_by(r"""(?:why=|_rolled_back\()"([a-z_]+)\"""", "edge_agent/orders/*.py"),
    ),
    "hour": tuple(Hour),
    "camera_role": tuple(events.CameraRole),
    "irregularity": (
        LOSS,
        "thinned",
        *codes_by(r"""_irregular\(db, "([a-z_]+)\"""", "central/captures/intake.py"),
    ),
    "key_state": tuple(KeyState),
    "revoked_why": (*REVOKED_FOR, *REASONS, *codes_by(r"""revoked_why": "([a-z]+)\"""", "central/devices/service.py"), "replaced"),
    "hot_kind": tuple(HotKind),
    "dataset": imports.DATASETS,
    "contradiction": tuple(Contradiction),
    "import_kind": ("file", "push", "pull"),
    "look_matter": tuple(Matter),
    "look_decision": tuple(Decision),
    "look_means": tuple(Decision),
    "look_filter": ("open", *Decision, "all"),
    "audit_action": tuple(
        {action for path in (ROOT / "central").rglob("*.py") for action in ACTION.findall(path.read_text(encoding="utf-8"))}
    ),
}
REPORT = "central/packages/wording.py"
TEMPLATE_FILES = sorted(TEMPLATES.glob("*.html"))
ANY_LETTER = re.compile(r"[^\W\d_]")
NATIONAL_NAMES = {"setl_id", "msgid", "psn_no"}
SPOKEN_ATTRIBUTES = re.compile(r"""\b(?:title|alt|placeholder|aria-label|aria-description|value)\s*=\s*("[^"]*"|'[^']*')""")


def every_fault() -> Iterator[type[CentralError]]:
    pending = [CentralError]
    while pending:
        fault = pending.pop()
        yield fault
        pending += fault.__subclasses__()


def without_code(template: str) -> str:
    return re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "", template, flags=re.DOTALL)


def test_both_languages_have_the_same_keys() -> None:
    assert set(TEXTS[Language.ZH].entries) == set(TEXTS[Language.EN].entries)


def test_both_languages_fill_the_same_places() -> None:
    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    zh, en = TEXTS[Language.ZH].entries, TEXTS[Language.EN].entries
    assert {key: places(zh[key]) for key in zh} == {key: places(en[key]) for key in en}


def test_nothing_is_empty_and_the_languages_are_not_swapped() -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for key, text in TEXTS[Language.EN].entries.items():
        assert text.strip(), key
        assert key == "language.zh" or not chinese.search(text), key
    for key, text in TEXTS[Language.ZH].entries.items():
        assert key == "language.en" or chinese.search(text), key


def test_the_codes_of_other_programs_are_found() -> None:
    assert {"different_face", "blurred", "agent_restarted", "too_few_good_frames"} <= set(CODES["reason"])
    assert {"camera", "disk"} <= set(CODES["problem"])
    assert {"unknown_settlement", "film_not_kept", "film_turned_off", "mode_forbids", "camera_blind"} <= set(CODES["order_why"])
    assert {"unasked", "conflict", "broken_chain"} <= set(CODES["irregularity"])
    assert {"picture.view", "finding.review"} <= set(CODES["audit_action"])


@pytest.mark.parametrize("family", sorted(CODES))
def test_every_code_has_a_text(family: str) -> None:
    for texts in TEXTS.values():
        missing = [code for code in CODES[family] if f"{family}.{code}" not in texts.entries]
        assert not missing


def test_the_reason_of_a_limit_is_the_one_that_the_rule_gives() -> None:
    """The console must not say another one than the rules file and the command line."""
    chinese = re.compile(r" \([^)]*[\u4e00-\u9fff][^)]*\)")
    for rule in RULES:
        assert TEXTS[Language.EN].code("stage_reason", "new" if rule.stage is Stage.SILENT else rule.id) == rule.stage_reason
        for name, known in rule.limits.model_fields.items():
            said = chinese.sub("", known.description or "")
            assert TEXTS[Language.EN].code("limit_reason", f"{rule.id}.{name}") == said


def test_every_fault_has_a_text() -> None:
    for texts in TEXTS.values():
        missing = {fault.code for fault in every_fault() if fault.code != "misconfigured"} - set(
            key.removeprefix("fault.") for key in texts.entries if key.startswith("fault.")
        )
        assert not missing


def test_an_unknown_code_is_shown_as_it_is() -> None:
    assert TEXTS[Language.ZH].code("outcome", "new_outcome") == "new_outcome"


def test_a_folder_that_is_empty_broken_or_says_a_thing_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no file"):
        load(Language.EN, tmp_path)
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "a.toml").write_text('[nav]\nhome = "Home"\n')
    assert load(Language.EN, tmp_path).text("nav.home") == "Home"
    (tmp_path / "en" / "b.toml").write_text('[nav]\nhome = "House"\n')
    with pytest.raises(Misconfigured, match=r"b\.toml: 'nav\.home' stands"):
        load(Language.EN, tmp_path)
    (tmp_path / "en" / "b.toml").write_text("[nav")
    with pytest.raises(Misconfigured, match=r"b\.toml"):
        load(Language.EN, tmp_path)


def test_a_missing_text_or_place_is_named() -> None:
    texts = Texts(language=Language.EN, entries={"a.b": "{n} things"})
    assert texts.text("a.b", n=3) == "3 things"
    with pytest.raises(Misconfigured, match=r"a\.c"):
        texts.text("a.c")
    with pytest.raises(Misconfigured, match=r"a\.b.*'n'"):
        texts.text("a.b")


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=lambda path: path.name)
def test_no_template_has_words_of_its_own(path: Path) -> None:
    template = without_code(path.read_text(encoding="utf-8"))
    for attribute in SPOKEN_ATTRIBUTES.findall(template):
        assert not ANY_LETTER.search(attribute), attribute
    words = set(re.sub(r"<!?[^>]*>", " ", template).split())
    assert not {word for word in words if ANY_LETTER.search(word)} - NATIONAL_NAMES - {"v"}


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=lambda path: path.name)
def test_no_template_breaks_the_content_policy(path: Path) -> None:
    template = path.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=\"/static/)", template)
    assert not re.search(r"<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:|https?:|\|\s*safe\b|hx-on|hx-vals", template)


def test_every_key_that_a_template_names_exists() -> None:
    for path in TEMPLATE_FILES:
        named = re.findall(r"\bt\([\"']([a-z_.]+)[\"'][,)]", path.read_text(encoding="utf-8"))
        assert not set(named) - set(TEXTS[Language.ZH].entries), path.name


def test_no_text_is_left_over() -> None:
    templates = "".join(path.read_text(encoding="utf-8") for path in TEMPLATE_FILES)
    families = set(re.findall(r"code\([\"']([a-z_]+)[\"']", templates) + re.findall(r"chip\([\"']([a-z_]+)[\"']", templates))
    families |= {f"{side}_link{more}" for side in ("settlement", "capture") for more in ("", "_means")}
    families |= {*codes_by(r"""code\(["']([a-z_]+)["']""", REPORT)}
    named = set(re.findall(r"\bt\([\"']([a-z_.]+)[\"'][,)]", templates)) | {"overview.settlement_link", "overview.capture_link"}
    named |= {*codes_by(r"""["']([a-z]+\.[a-z_]+)["']""", "central/packages/*.py")}
    named |= {f"ledger.{what}_{side}" for what in ("name", "of") for side in ("settlement", "capture")}
    named |= {f"package.section_{name}" for name in codes_by(r"""_section\(\s*speaker,\s*"([a-z]+)\"""", REPORT)}
    unused = {key for key in TEXTS[Language.ZH].entries if key not in named and key.split(".")[0] not in families}
    assert not unused


def test_both_languages_are_in_one_order() -> None:
    keys = [
        [
            (path.name, line.split("=")[0].strip())
            for path in sorted((FOLDER / each.value).glob("*.toml"))
            for line in path.read_text(encoding="utf-8").splitlines()
            if line and not line.startswith("#")
        ]
        for each in Language
    ]
    assert keys[0] == keys[1]
