"""What the web side shows and stores: the parts of the service as answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sla_worker import public
from sla_worker.as_measured import statuses_as_measured
from sla_worker.compliance import Compliance, compliance
from sla_worker.database import SLADatabase
from sla_worker.database.browsing import Browser
from sla_worker.days import Days, Strips
from sla_worker.errors import SLAWorkerError
from sla_worker.explain import explain, period
from sla_worker.health import Health
from sla_worker.links import page_links
from sla_worker.model import (
    Causes,
    Correction,
    Exclusion,
    FrozenMonth,
    Measurement,
    SLAStatus,
    WebhookAlert,
)
from sla_worker.months import bounds, frozen_month
from sla_worker.render import pages
from sla_worker.render.format import AMBER, length, moment
from sla_worker.reports import keys_of, period_report
from sla_worker.settings import Settings
from sla_worker.spans import Span
from sla_worker.watchdog import Watchdog
from sla_worker.web.kept import PERIOD, Stamp

_DAY_HOURS = 24

if TYPE_CHECKING:
    from sla_worker.archives import Archives


Receive = Callable[[list[WebhookAlert], int], None]
"""Alerts, and how many more Alertmanager left out."""


class Pages:
    """Answers without knowing of HTTP. Its methods raise DatabaseError when the database cannot be read."""

    def __init__(
        self,
        database: SLADatabase,
        settings: Settings,
        *,
        watchdog: Watchdog,
        health: Health,
        metrics: Callable[[], bytes],
        receive: Receive,
        clock: Callable[[], float],
    ) -> None:
        """`metrics` gives the worker's own, `receive` keeps what Alertmanager sent."""
        self._database = database
        self._settings = settings
        self._watchdog = watchdog
        self._health = health
        self.metrics = metrics
        self.receive = receive
        self._clock = clock
        self._days = Days(database, settings.timezone)

    def now(self) -> int:
        """Epoch seconds."""
        return int(self._clock())

    def stamp(self) -> Stamp:
        """What pages depend on; another one means that they may say something else. Costs no statement."""
        health = self._health
        return self.now() // PERIOD, (
            self._database.changes(),
            health.last_pass_at,
            health.last_error,
            health.unread,
            *health.reasons(),
            *health.warnings(),
        )

    def health(self) -> str | None:
        """None when healthy, else the reason in one line. Costs no statement."""
        return self._health.reason()

    def role(self) -> dict[str, str]:
        """Where workers share a ledger: whether this one leads, and which does. Costs no statement."""
        leader = self._database.lead.writer
        return {} if leader is None else {"role": "leader", "leader": leader}

    def warnings(self) -> list[str]:
        """What somebody should look at although the worker is healthy. Costs no statement."""
        return self._health.warnings()

    def status_page(
        self,
        window: str | None = None,
        *,
        whole: bool = False,
        search: str | None = None,
        category: str | None = None,
        team: str | None = None,
        number: int = 1,
        refresh: bool = False,
        exclusions: bool = True,
    ) -> str:
        """The status page as HTML; `whole`: with every category unfolded; `number` is the page of a category.

        Over a `window` with the error budgets (None: 24 hours without). Raises SLAWorkerError for one that
        is none, and for a `team` that there is not. Without `exclusions` as it was measured.
        """
        only = self.keys_of(team)
        now, zone, outage = self.now(), self._settings.timezone, self._watchdog.outage
        reasons = self._health.reasons()
        alarms = [pages.Alarm("Unhealthy", f": {reason}") for reason in reasons]
        alarms += [pages.Alarm("Warning", f": {each}", colour=AMBER) for each in self._health.warnings()]
        if outage is not None:
            alarms.append(pages.outage_alarm(outage, now, zone))
        if window is None:
            report, budgets = (
                period_report(
                    self._database,
                    title="SLA status",
                    hours=_DAY_HOURS,
                    now=now,
                    exclusions=exclusions,
                    only=only,
                ),
                None,
            )
        else:
            found = self.compliance(window, exclusions=exclusions, only=only)
            report, budgets = found.report, found.budgets
        return pages.status_page(
            report,
            budgets=budgets,
            causes=self._database.causes.of([each.id for each in report.active_breaches]),
            window=window,
            zone=zone,
            last_pass=self.last_pass(now),
            alerting=None if outage else pages.alerting_line(self._watchdog.last_received, now),
            healthy=not reasons,
            alarms=alarms,
            links=page_links(self._settings),
            whole=whole,
            strips=self.strips(),
            found=pages.Found(search, category, number, refresh, team, measured=not exclusions),
            teams=list(self._database.teams.all().values()),
        )

    def keys_of(self, team: str | None) -> frozenset[str] | None:
        """The keys of a team's SLAs; None: of all. Raises SLAWorkerError for a team that there is not."""
        teams = self._database.teams
        if team is not None and team not in teams.all() | teams.former():
            known = f"give one of {', '.join(teams.all())}" if teams.all() else "no team has a file in sla.d"
            raise SLAWorkerError(f"there is no team {team[:40]}; {known}")
        return keys_of(self._database, team)

    def statuses(self, hours: int, *, exclusions: bool) -> list[SLAStatus]:
        """Every SLA over the last hours, in the order of their definition."""
        found = self._database.get_current_sla_status(hours, exclusions=exclusions)
        if exclusions:
            return found
        return statuses_as_measured(self._database, found, self._database.period_end(self._clock()))

    def compliance(
        self, window: str, *, exclusions: bool = True, only: frozenset[str] | None = None
    ) -> Compliance:
        """Every SLA over a window, with its error budget. Raises SLAWorkerError for one that is none."""
        return compliance(
            self._database,
            window,
            self._settings.timezone,
            self._clock(),
            title="SLA status",
            exclusions=exclusions,
            only=only,
        )

    def credits_owed(self, month: str | None) -> dict[str, Any]:
        """What customers are owed for a month (None: the running one). Raises SLAWorkerError for none."""
        from sla_worker.credits import monthly_credits  # noqa: PLC0415 - fractions are for who asks

        return monthly_credits(self._database, month, self._settings.timezone, self._clock()).values()

    def proposals(self, month: str | None) -> list[dict[str, Any]]:
        """What is proposed for frozen months (for one), and what was decided. Raises SLAWorkerError."""
        from sla_worker.deciding import listed  # noqa: PLC0415 - for who asks

        if month is not None:
            bounds(month, self._settings.timezone)
        return listed(self._database, month)

    def decide(self, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Decide proposals; see `deciding.decide`."""
        from sla_worker.deciding import decide  # noqa: PLC0415 - for who asks

        return decide(self._database, asked, self.now())

    def months(self) -> list[FrozenMonth]:
        """Every revision of every frozen month, oldest first."""
        return self._database.months.all()

    def months_page(self) -> str:
        """The same as HTML, the newest first."""
        return pages.months_page(self.months()[::-1], self._settings.timezone)

    @cached_property
    def archives(self) -> Archives:
        """The evidence of months, made when it is first asked for."""
        from sla_worker.archives import Archives  # noqa: PLC0415 - for who asks

        return Archives()

    def month(self, label: str, revision: int | None) -> FrozenMonth:
        """A revision of a month, by default the newest. Raises SLAWorkerError."""
        return frozen_month(self._database, label, revision)

    def frozen(self, month: FrozenMonth, *, as_json: bool) -> str:
        """What was frozen, byte by byte."""
        store = self._database.months
        return store.document(month) if as_json else store.content(month)

    def maintenance(self) -> list[Exclusion]:
        """Every exclusion, those that are over or revoked too."""
        return self._database.maintenance.all()

    def corrections(self) -> list[Correction]:
        """Every correction, those that were revoked too."""
        return self._database.corrections.all()

    def last_pass(self, now: int) -> str:
        """When the ledger was last brought up to date, in words."""
        at, error = self._health.last_pass_at, self._health.last_error
        if at is None:
            return "no pass yet" + (f": {error}" if error else "")
        text = f"last pass {length(max(int(now - at), 0))} ago"
        if self._health.unread is None:
            return text
        before = moment(self._health.unread, self._settings.timezone)
        return f"{text}, catching up: what was missed up to {before} is still to be read"

    def newest_alerts(self, limit: int) -> list[WebhookAlert]:
        """The newest alerts, newest first."""
        return self._database.alerts.newest(limit)

    @property
    def browser(self) -> Browser:
        """What can be paged through."""
        return self._database.browser

    @property
    def database(self) -> SLADatabase:
        """The ledger."""
        return self._database

    @property
    def settings(self) -> Settings:
        """All settings."""
        return self._settings

    @property
    def zone(self) -> ZoneInfo:
        """The timezone of the reports."""
        return self._settings.timezone

    def public(self) -> public.Public:
        """What everybody may know."""
        return public.read(self._database, self.now())

    def strips(self) -> Strips:
        """The last 90 days of each SLA."""
        return self._days.read(self.now())

    def site_url(self, *, open_to_all: bool) -> str:
        """Where this site is reached, without a slash at the end."""
        return self._settings.public_url if open_to_all else self._settings.worker_public_url

    def public_url(self, *, open_to_all: bool) -> str:
        """Where the public page is reached."""
        return f"{self.site_url(open_to_all=open_to_all)}/{'' if open_to_all else 'public'}"

    def badge_statuses(self, key: str, *, open_to_all: bool) -> list[SLAStatus]:
        """The components of an SLA over 30 days; none for one that may not be known."""
        if open_to_all and key not in public.is_public(self._database):
            return []
        return [each for each in self.statuses(30 * _DAY_HOURS, exclusions=True) if each.key == key]

    def knows(self, key: str) -> bool:
        """Whether there is, or was, an SLA with this key."""
        return key in self._database.definitions()

    def span(self, text: str) -> Span:
        """The slots of a period, or of FROM/TO. Raises SLAWorkerError for what is none."""
        return period(text, self._database, self._settings.timezone, self._clock())

    def causes(self, breaches: Sequence[int]) -> dict[int, Causes]:
        """The likely causes of breaches, by their id."""
        return dict(self._database.causes.of(breaches))

    def beside(self, rows: Sequence[Measurement]) -> list[dict[str, object]]:
        """Of rows of one SLA: the version that judged each, and what counts instead of it; None: itself."""
        slots, key = [each.slot for each in rows], rows[0].key
        counted = self._database.counted(key, min(slots), max(slots))
        return [
            {
                "version": self._database.version_at(key, each.slot).number,
                "counted": counted.get((each.component, each.slot)),
            }
            for each in rows
        ]

    def explains(self, key: str) -> bool:
        """Whether there is, or was, an SLA with that key."""
        return key in self._database.versions()

    def explanation(self, key: str, text: str) -> dict[str, Any]:
        """Where the figures of an SLA come from; `text` is a time or a period. Raises SLAWorkerError."""
        span = period(text, self._database, self._settings.timezone, self._clock())
        return explain(self._database, key, span.start, span.end, moves=span.moves)

    def explanation_page(self, key: str, text: str) -> str:
        """The same as HTML."""
        from sla_worker.render.explained import explained_page  # noqa: PLC0415 - for who asks

        found = self.explanation(key, text)
        return explained_page(found, self._database.definitions()[key].name, text, self._settings.timezone)

    def lowest_member(self, key: str) -> dict[str, object] | None:
        """The member of a composite whose compliance over 24 hours is lowest; None without one."""
        if not self._database.is_composite(key):
            return None
        for each in self._database.get_current_sla_status(_DAY_HOURS):
            if each.key == key and each.weakest is not None:
                return {
                    "sla": each.weakest,
                    "name": each.weakest_name,
                    "compliance_ratio": each.weakest_ratio,
                    "hours": _DAY_HOURS,
                }
        return None

    def open_breaches(self) -> frozenset[int]:
        """The ids of the breaches that last."""
        return frozenset(each.id for each in self._database.get_active_breaches())
