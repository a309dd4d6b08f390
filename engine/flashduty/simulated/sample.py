"""A simulated account with something in it: what the demo and `engine simulate` start from.

Ids and names go with the vendor's sample of a custom action, so that its incident finds its
people, its custom fields and the deploys of its service here.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.organization import CHANNEL, add_organization

_MEMBERS: Final[tuple[Mapping[str, Any], ...]] = (
    {"member_id": 1552048792504, "member_name": "TouTie", "email": "toutie@flashcat.cloud"},
    {"member_id": 1234648032504, "member_name": "zhangsan", "email": "zhangsan@toutie.com"},
    {"member_id": 1999632289504, "member_name": "lisi", "email": "lisi@toutie.com"},
)
_OWN_MEMBER: Final[Mapping[str, Any]] = {
    "member_id": 3790925372131,
    "member_name": "Automation engine",
    "email": "engine@toutie.com",
}
_FIELDS: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "field_name": "priority",
        "display_name": "Priority",
        "field_type": "single_select",
        "options": ["P1", "P2", "P3", "P4", "P5"],
    },
    {
        "field_name": "impacted_services",
        "display_name": "Impacted services",
        "field_type": "multi_select",
        "options": ["passport", "order", "engine", "checkout", "payment"],
    },
    {"field_name": "owner", "display_name": "Owner", "field_type": "text"},
    {"field_name": "trace_url", "display_name": "Trace", "field_type": "text"},
    {"field_name": "suspect_change", "display_name": "Suspect change", "field_type": "text"},
)
_PAGE: Final[Mapping[str, Any]] = {
    "page_id": 5750613685214,
    "name": "TouTie status",
    "type": "public",
    "url_name": "toutie",
    "sections": [],
    "components": [
        {"component_id": "01KC3GAZ6ZJE40H55GM31RPWZE", "name": "Web Console", "order_id": 1},
        {"component_id": "01KC3GB4T2XQ8D1M7R5VWN0HKA", "name": "API", "order_id": 2},
        {"component_id": "01KC3GB9C6P3F7J0YZ2SEQT8MB", "name": "Checkout", "order_id": 3},
    ],
}
# change key, service, version, the one before, minutes from start to done, minutes since the start
_DEPLOYS: Final = (
    ("deploy-4799", "passport", "2026.11.22-4", "2026.11.21-1", 9, 400),
    ("deploy-4807", "engine", "2026.11.23-1", "2026.11.20-3", 6, 190),
    ("deploy-4812", "checkout", "2026.11.23-2", "2026.11.22-5", 7, 45),
)
_INTEGRATION_KEY: Final = "sample-change-integration"
ALERT_INTEGRATION_KEY: Final = "sample-alert-integration"


def sample_account(clock: Callable[[], float]) -> SimulatedAccount:
    """Make an account with members, custom fields, a status page and the deploys of some hours.

    Deploys are so many minutes before what `clock` says now. Changes are pushed with the
    integration key `sample-change-integration`, alerts with `sample-alert-integration`. There is no
    incident yet.
    """
    account = SimulatedAccount(clock)
    for member in _MEMBERS:
        account.add_member(member)
    account.add_member(_OWN_MEMBER, owns_app_key=True)
    for definition in _FIELDS:
        account.add_field(definition)
    account.add_status_page(_PAGE)
    account.add_integration(
        _INTEGRATION_KEY,
        integration_id=2490562293131,
        name="Deploy platform",
        type_="change.standard",
    )
    add_organization(account)
    account.add_integration(
        ALERT_INTEGRATION_KEY,
        integration_id=2398086111504,
        name="Monitoring",
        type_="alert.standard",
        channel_id=CHANNEL,
    )
    now = int(clock())
    for key, service, version, previous, lasted, ago in _DEPLOYS:
        event = {
            "change_key": key,
            "title": f"Deploy {service} {version} to prod",
            "description": f"Replaces {previous}.",
            "link": f"https://deploy.example.com/changes/{key}",
            "labels": {"service": service, "env": "prod", "version": version, "previous": previous},
        }
        began = now - ago * 60
        for status, at in (("Processing", began), ("Done", began + lasted * 60)):
            account.add_change(
                {**event, "change_status": status, "event_time": at},
                integration_key=_INTEGRATION_KEY,
            )
    return account
