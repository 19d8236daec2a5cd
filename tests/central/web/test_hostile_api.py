"""Whatever a program sends that the API's own description allows, or nearly allows, nothing breaks inside."""

from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.openapi import from_asgi

from central.accounts.model import Role
from tests.central.web.consoles import app_of, open_session


def test_no_request_breaks_the_api(tmp_path_factory: object) -> None:
    app = app_of(tmp_path_factory.mktemp("hostile"))  # type: ignore[attr-defined]
    tokens = [open_session(app.state.centre, role).token for role in Role]
    operations = [found.ok() for found in from_asgi("/api/openapi.json", app).get_all_operations()]
    assert len(operations) >= 9

    for operation in operations:

        @settings(
            max_examples=12, deadline=None, database=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def try_it(case: Case) -> None:
            for token in tokens if "login" not in case.path else tokens[:1]:
                answer = case.call(headers={"Authorization": f"Bearer {token}"})
                assert answer.status_code < 500, (case.method, case.path, answer.text)

        try_it()
