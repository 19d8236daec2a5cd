"""Figures of the register of people for those who run the centre: read from the database when they are asked for."""

from collections.abc import Callable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from central.db import reading
from central.people import service
from central.settings import PeopleSettings


class PeopleFigures(Collector):
    """How many faces are kept, and what waits for somebody. Says nothing while the database does not answer."""

    def __init__(self, engine: Engine, settings: PeopleSettings, now: Callable[[], datetime], registry: CollectorRegistry) -> None:
        """Registers itself; reads nothing before the first scrape."""
        self._engine, self._settings, self._now = engine, settings, now
        registry.register(self)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing: the registry need not read the database to know the names."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The figures as they are now."""
        try:
            with reading(self._engine).begin() as db:
                due, count = service.due(db, self._settings, now=self._now()), service.newest_count(db)
        except SQLAlchemyError:
            return
        yield GaugeMetricFamily("central_faces_enrolled", "People with a template.", value=due.faces)
        yield GaugeMetricFamily("central_faces_seen", "Other faces among captures, at the last count.", value=count.seen if count else 0)
        yield GaugeMetricFamily(
            "central_faces_warned_at", "Highest warning number that was reached.", value=count.warned_at if count else 0
        )
        yield GaugeMetricFamily("central_templates_due", "People whose newest picture is too old.", value=due.renewals)
        yield GaugeMetricFamily("central_bases_over", "People whose basis is over.", value=due.without_basis)
        yield GaugeMetricFamily("central_identities_doubtful", "Doubtful identities without a decision.", value=due.duplicates)
