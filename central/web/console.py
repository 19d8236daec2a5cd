"""Makes a page from a template, in the language of who asks."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from central.accounts.model import Viewer
from central.web import formats, texts
from central.web.texts import Language, Texts

TEMPLATES = Path(__file__).with_name("templates")
LANGUAGE_COOKIE = "language"


class Console:
    """The templates and the texts of all languages, read once."""

    def __init__(self) -> None:
        """Raises Misconfigured for a text file that cannot be read."""
        self._texts: Mapping[Language, Texts] = MappingProxyType({language: texts.load(language) for language in Language})
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        for name in ("moment", "machine_moment", "last_day", "yuan", "count", "score", "masked"):
            self._templates.filters[name] = getattr(formats, name)

    def texts_for(self, request: Request) -> Texts:
        """The texts of the language that this browser chose; Chinese if it chose none."""
        chosen = request.cookies.get(LANGUAGE_COOKIE)
        return self._texts[Language.EN if chosen == Language.EN else Language.ZH]

    def texts_in(self, language: Language) -> Texts:
        """The texts of one language."""
        return self._texts[language]

    def page(
        self, request: Request, template: str, *, viewer: Viewer | None = None, status: int = 200, shown: Mapping[str, object]
    ) -> HTMLResponse:
        """Render a whole page. `shown` is what the template shows besides the frame around it."""
        spoken = self.texts_for(request)
        body = self._templates.get_template(template).render(
            shown,
            t=spoken.text,
            code=spoken.code,
            language=spoken.language,
            languages=tuple(Language),
            here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            path=request.url.path,
            viewer=viewer,
        )
        return HTMLResponse(body, status_code=status)


def console_of(request: Request) -> Console:
    """The console of this application."""
    console: Console = request.app.state.console
    return console
