"""The web application: pages and API of one centre."""

from pathlib import Path

import structlog
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from prometheus_client import CollectorRegistry

from central.accounts import api as accounts_api
from central.accounts import management, passwords
from central.accounts import pages as accounts_pages
from central.audit import pages as audit
from central.captures import pages as captures
from central.cases import api as cases_api
from central.cases import list_pages as cases_lists
from central.cases import pages as cases_pages
from central.enrolment import api as enrolment_api
from central.enrolment import pages as enrolment_pages
from central.enrolment.model import Gate
from central.imports import api as imports_api
from central.imports import pages as imports_pages
from central.imports.pushing import MAX_BYTES as PUSH_BYTES
from central.indicators import api as indicators_api
from central.indicators import pages as indicators_pages
from central.orders import api as orders_api
from central.orders import pages as orders_pages
from central.overview import pages as overview
from central.packages import api as packages_api
from central.packages import pages as packages_pages
from central.people import api as people_api
from central.people import list_pages as people_lists
from central.people import pages as people_pages
from central.people.figures import PeopleFigures
from central.reconciliation import pages as reconciliation_pages
from central.rulebook import api as rulebook_api
from central.rulebook import pages as rulebook_pages
from central.subjects import api as subjects_api
from central.subjects import pages as subjects_pages
from central.transparency import api as transparency_api
from central.transparency import pages as transparency_pages
from central.trust import api as trust_api
from central.trust import pages as trust_pages
from central.web import assets, faults, language, operation
from central.web.console import Console
from central.web.headers import BodyLimit, SecurityHeaders
from central.wiring import Centre
from contract.enrolment import MAX_REQUEST

STATIC = Path(__file__).parent / "web" / "static"
FORM_BYTES = 64 * 1024
UPLOAD_BYTES = {
    enrolment_api.PATH: MAX_REQUEST,
    imports_api.PATH: PUSH_BYTES,
    "/api/people": 32 * 1024 * 1024,
    "/people/enrol": 32 * 1024 * 1024,
}
ROUTERS = (
    accounts_api.router,
    accounts_pages.router,
    management.router,
    audit.pages,
    audit.api,
    captures.pages,
    captures.api,
    cases_lists.router,
    cases_pages.router,
    cases_api.router,
    enrolment_api.router,
    enrolment_pages.router,
    indicators_api.router,
    indicators_pages.router,
    imports_api.router,
    imports_pages.router,
    orders_api.router,
    orders_pages.router,
    overview.pages,
    overview.api,
    packages_api.router,
    packages_pages.router,
    people_api.router,
    people_pages.router,
    rulebook_api.router,
    rulebook_pages.router,
    reconciliation_pages.router,
    subjects_api.router,
    subjects_pages.router,
    people_lists.router,
    transparency_api.router,
    transparency_pages.router,
    trust_api.router,
    trust_pages.router,
    language.router,
    operation.router,
)


def create_app(centre: Centre) -> FastAPI:
    """The application for this centre. Opens nothing but templates and texts; the caller has migrated the database.

    Says in the log if the front-end files are missing: pages then work without charts and live updates.
    """
    app = FastAPI(
        title="Insurance window watch",
        version="1",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.centre = centre
    app.state.console = Console()
    app.state.hashing = passwords.Hashing()
    app.state.metrics = CollectorRegistry()
    PeopleFigures(centre.engine, centre.settings.people, centre.now, app.state.metrics)
    app.state.enrolment_gate = Gate()
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC))
    faults.install(app)
    app.add_middleware(BodyLimit, limit=FORM_BYTES, limits=UPLOAD_BYTES)
    app.add_middleware(operation.RequestMetrics, registry=app.state.metrics)
    app.add_middleware(SecurityHeaders, tls=centre.settings.web.secure_cookies)
    if assets.missing():
        structlog.get_logger().warning("web.assets_missing", way_out="run `python -m central.web.assets`; charts are missing until then")
    return app
