"""A call of every operation of the catalogue, as a playbook writes it.

What `vars` has is in test_every_operation.py, beside the account that is called.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

NEWER: Final = "2026-08: the vendor's command line sends it, the specification is of 2026-05"


@dataclass(frozen=True)
class Written:
    """One call.

    `parameters` are those of the step, within the braces. `after` are operations that have to come
    first. `refused` is why the step has to fail, `nothing` why its answer is an empty list. `but`
    has what the specification complains of, and why it is sent all the same.
    """

    parameters: str = ""
    after: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    refused: str | None = None
    nothing: str | None = None
    but: Mapping[str, str] = field(default_factory=dict)


def unknown_to_it(*names: str, within: str = "body") -> dict[str, str]:
    """The complaint about parameters that came after the specification."""
    listed = ", ".join(f"'{name}'" for name in sorted(names))
    were = "was" if len(names) == 1 else "were"
    return {f"{within}: Additional properties are not allowed ({listed} {were} unexpected)": NEWER}


_TWO_DAYS: Final = 'start_time: "{{ vars.now - 172800 }}", end_time: "{{ vars.now + 60 }}"'
_AN_HOUR: Final = 'start: "{{ vars.now }}", end: "{{ vars.now + 3600 }}"'
_ROOM: Final = 'integration_id: "{{ vars.messenger }}", chat_id: "{{ vars.chat }}"'
_EVENT: Final = 'page_id: "{{ vars.page }}", change_id: "{{ vars.change }}"'
_HERE: Final = {"incident_ids": ["6551f3888713372ad1054d57"]}

_INCIDENTS: Final[Mapping[str, Written]] = {
    "/incident/info": Written(),
    "/incident/list": Written(
        _TWO_DAYS + ", asc: true, is_snoozed: false, is_my_team: false, is_my_channel: false, "
        "ever_muted: false, is_rare: false, progress: 'Triggered,Processing', "
        'query: "{{ title }}", incident_severity: "Critical,Warning", '
        'channel_ids: ["{{ vars.channel }}"], team_ids: ["{{ vars.team }}"], responder_ids: [], '
        'acker_ids: [], creator_ids: [], closer_ids: [], incident_ids: ["{{ vars.incident }}"], '
        'nums: ["054D57"], p: 1, limit: 20'
    ),
    "/incident/list-by-ids": Written('incident_ids: ["{{ vars.incident }}", "{{ vars.other }}"]'),
    "/incident/feed": Written("p: 1, limit: 100, asc: true, types: [i_new, i_comm, i_custom]"),
    "/incident/alert/list": Written("include_events: true, is_active: true, limit: 100, p: 1"),
    "/incident/past/list": Written("limit: 5"),
    "/incident/create": Written(
        'incident_severity: "{{ severity }}", title: "Follows {{ title }}", '
        'description: Made by a playbook, channel_id: "{{ vars.channel }}", '
        'assigned_to: {person_ids: ["{{ vars.person }}"], type: assign, '
        "notify: {follow_preference: false, personal_channels: [email], "
        'template_id: "{{ vars.template }}"}}, '
        "fields: {owner: sre}",
        but=unknown_to_it("fields"),
    ),
    "/incident/reset": Written(
        'title: "{{ title }}: restarted", description: A host ran out of memory, '
        "impact: Search was slow, root_cause: A leak, resolution: A restart, "
        "incident_severity: Warning"
    ),
    "/incident/field/reset": Written('field_name: owner, field_value: "{{ labels.team }}"'),
    "/incident/ack": Written(
        "summary: Seen, custom_fields: {owner: sre}, images: []",
        but=unknown_to_it("summary", "custom_fields", "images"),
    ),
    "/incident/unack": Written(after={"/incident/ack": _HERE}),
    "/incident/resolve": Written(
        'root_cause: "A leak in {{ labels.service }}", resolution: Restarted, '
        "description: It came back, summary: Done, custom_fields: {}, images: []",
        but=unknown_to_it("description", "summary", "custom_fields", "images"),
    ),
    "/incident/reopen": Written("reason: It came back", after={"/incident/resolve": _HERE}),
    "/incident/snooze": Written("minutes: 30"),
    "/incident/wake": Written(after={"/incident/snooze": {**_HERE, "minutes": 30}}),
    "/incident/assign": Written(
        'incident_ids: ["{{ vars.incident }}"], assigned_to: {escalate_rule_id: '
        '"{{ vars.rule }}", layer_idx: 1, type: escalate, notify: {follow_preference: true}}',
        but=unknown_to_it("notify", within="body.assigned_to"),
    ),
    "/incident/responder/add": Written(
        'person_ids: ["{{ vars.person }}"], notify: {personal_channels: [sms, voice]}'
    ),
    "/incident/merge": Written(
        'source_incident_ids: ["{{ vars.other }}"], target_incident_id: "{{ vars.incident }}", '
        'title: Both, comment: One cause, owner_id: "{{ vars.person }}", '
        "remove_source_incidents: true"
    ),
    "/incident/disable-merge": Written(),
    "/incident/remove": Written('incident_ids: ["{{ vars.other }}"]'),
    "/incident/comment": Written(
        'comment: "Restarted {{ labels.resource }} \N{WHITE HEAVY CHECK MARK}", mute_reply: true'
    ),
    "/incident/custom-action/do": Written('integration_id: "{{ vars.button }}"'),
}

_AROUND_INCIDENTS: Final[Mapping[str, Written]] = {
    "/incident/war-room/list": Written(
        'incident_id: "{{ vars.other }}", integration_id: "{{ vars.messenger }}"'
    ),
    "/incident/war-room/detail": Written(_ROOM),
    "/incident/war-room/create": Written(
        'integration_id: "{{ vars.messenger }}", member_ids: ["{{ vars.person }}"], '
        "add_observers: true"
    ),
    "/incident/war-room/delete": Written(
        'incident_id: "{{ vars.other }}", integration_id: "{{ vars.messenger }}"'
    ),
    "/incident/war-room/add-member": Written(_ROOM + ', member_ids: ["{{ vars.person }}"]'),
    "/incident/war-room/default-observers": Written(),
    "/datasource/im/war-room-enabled/list": Written(),
    "/incident/post-mortem/list": Written(
        'status: published, team_ids: ["{{ vars.team }}"], channel_ids: ["{{ vars.channel }}"], '
        'created_at_start_seconds: 1, created_at_end_seconds: "{{ vars.now }}", '
        "order_by: updated_at_seconds, asc: false, p: 1, limit: 100"
    ),
    "/incident/post-mortem/info": Written('post_mortem_id: "{{ vars.post_mortem }}"'),
    "/incident/post-mortem/template/list": Written(
        "order_by: created_at_seconds, asc: true, p: 1, limit: 10"
    ),
    "/incident/post-mortem/template/info": Written("template_id: post_mortem_default"),
    "/field/list": Written(
        "query: owner, orderby: created_at, asc: true",
        but=unknown_to_it("query", "orderby", "asc"),
    ),
    "/field/info": Written('field_id: "{{ vars.field }}"'),
}

_ALERTS: Final[Mapping[str, Written]] = {
    "/alert/info": Written('alert_id: "{{ vars.alert }}"'),
    "/alert/list": Written(
        _TWO_DAYS + ', p: 1, limit: 100, is_active: true, alert_severity: "Critical,Warning", '
        'channel_ids: ["{{ vars.channel }}"], integration_ids: [], '
        'alert_ids: ["{{ vars.alert }}"], alert_keys: [cpu], orderby: updated_at, asc: true, '
        "by_updated_at: true, ever_muted: false"
    ),
    "/alert/list-by-ids": Written('alert_ids: ["{{ vars.alert }}", "{{ vars.other_alert }}"]'),
    "/alert/event/list": Written('alert_id: "{{ vars.alert }}"'),
    "/alert/feed": Written(
        'alert_id: "{{ vars.alert }}", p: 1, limit: 20, asc: true, types: [a_new]'
    ),
    "/alert-event/list": Written(
        _TWO_DAYS + ", p: 1, limit: 100, integration_ids: [], integration_types: [], "
        'channel_ids: ["{{ vars.channel }}"], severities: "Critical,Warning", orderby: event_time, '
        "asc: false"
    ),
    "/alert/merge": Written(
        'alert_ids: ["{{ vars.other_alert }}"], comment: The same host, title: Both, '
        'owner_id: "{{ vars.person }}"'
    ),
    "/alert/close": Written('alert_ids: ["{{ vars.alert }}"]'),
    "/event/push/alert/standard": Written(
        'integration_key: "{{ vars.alert_key }}", title_rule: "{{ title }} is back", '
        "event_status: Ok, alert_key: cpu, description: The host answers again, "
        'labels: {resource: "{{ labels.resource }}"}, '
        "images: [{src: 'https://example.com/cpu.png', alt: CPU, href: 'https://example.com'}]"
    ),
}

_CHANGES: Final[Mapping[str, Written]] = {
    "/change/list": Written(
        _TWO_DAYS + ', p: 1, limit: 20, channel_ids: [], integration_ids: [], query: "service=", '
        "orderby: last_time, asc: true, include_events: true",
        but=unknown_to_it("orderby"),
    ),
    "/event/push/change/standard": Written(
        'integration_key: "{{ vars.change_key }}", change_status: Canceled, '
        'change_key: deploy-4812, title: Rolled back, event_time: "{{ vars.now }}", '
        "description: By a playbook, link: 'https://deploy.example.com/changes/deploy-4812', "
        'labels: {service: "{{ labels.service }}"}'
    ),
}

_STATUS_PAGES: Final[Mapping[str, Written]] = {
    "/status-page/list": Written(),
    "/status-page/info": Written('page_id: "{{ vars.page }}"'),
    "/status-page/change/active/list": Written('page_id: "{{ vars.page }}", type: incident'),
    "/status-page/change/list": Written(
        'page_id: "{{ vars.page }}", type: incident, status: investigating, '
        'start_at_seconds: 0, end_at_seconds: "{{ vars.now }}"'
    ),
    "/status-page/change/info": Written(_EVENT),
    "/status-page/subscriber/list": Written(
        'page_id: "{{ vars.page }}", component_ids: "{{ vars.component }}", p: 1, limit: 100',
        nothing="nobody subscribes to a simulated page",
    ),
    "/status-page/migration/status": Written(
        "job_id: job-1",
        refused="ResourceNotFound: The resource you request is not found: job_id job-1.",
    ),
    "/status-page/template/list": Written(nothing="a simulated page has no templates"),
    "/status-page/change/create": Written(
        'page_id: "{{ vars.page }}", type: incident, title: "{{ title }}", '
        'description: We are looking into it, status: identified, start_at_seconds: "{{ vars.now }}", '
        'responders: ["{{ vars.person }}"], linked_changes: [], '
        'updates: [{at_seconds: "{{ vars.now }}", status: identified, description: Found, '
        'component_changes: [{component_id: "{{ vars.component }}", status: partial_outage}]}], '
        "notify_subscribers: false, auto_update_by_schedule: false, is_retrospective: false"
    ),
    "/status-page/change/update": Written(
        _EVENT + ', title: "{{ title }} again", responders: ["{{ vars.person }}"], '
        "linked_changes: ['1']"
    ),
    "/status-page/change/delete": Written(_EVENT),
    "/status-page/change/timeline/create": Written(
        _EVENT + ', at_seconds: "{{ vars.now + 1 }}", status: resolved, description: It works, '
        'component_changes: [{component_id: "{{ vars.component }}", status: operational}]'
    ),
    "/status-page/change/timeline/update": Written(
        _EVENT + ', update_id: "{{ vars.update }}", at_seconds: "{{ vars.now + 1 }}", '
        "description: We know more"
    ),
    "/status-page/change/timeline/delete": Written(_EVENT + ', update_id: "{{ vars.update }}"'),
    "/status-page/component/upsert": Written(
        'page_id: "{{ vars.page }}", components: [{component_id: "{{ vars.component }}", '
        "name: Open API, order_id: 4}, {name: Search, hide_uptime: true}]"
    ),
}

_PEOPLE: Final[Mapping[str, Written]] = {
    "/member/info": Written(),
    "/member/list": Written(
        "role_id: 2, p: 1, limit: 20, orderby: updated_at, asc: true, query: lisi",
        nothing="nobody has a role in the sample account",
    ),
    "/person/infos": Written('person_ids: ["{{ vars.person }}"]'),
    "/team/list": Written(
        'p: 1, limit: 20, orderby: team_name, asc: true, person_id: "{{ vars.person }}", query: S'
    ),
    "/team/info": Written('team_id: "{{ vars.team }}", team_name: SRE, ref_id: sre'),
    "/team/infos": Written('team_ids: ["{{ vars.team }}"]'),
    "/schedule/list": Written(
        "query: Production, p: 1, limit: 10, is_my_team: false, is_my_manage: false, "
        'team_ids: ["{{ vars.team }}"], ' + _AN_HOUR
    ),
    "/schedule/info": Written('schedule_id: "{{ vars.schedule }}", ' + _AN_HOUR),
    "/schedule/infos": Written('schedule_ids: ["{{ vars.schedule }}"]'),
    "/schedule/self": Written(_AN_HOUR, nothing="the engine's own member is never on call"),
    "/schedule/preview": Written(
        'schedule_id: "{{ vars.schedule }}", schedule_name: Nights, name: nights, '
        'description: Not yet, team_id: "{{ vars.team }}", layers: [], '
        "notify: {fixed_time: {cycle: '', start: ''}, webhooks: [], "
        "by: {follow_preference: true, personal_channels: []}}, " + _AN_HOUR
    ),
}

_ACCOUNT: Final[Mapping[str, Written]] = {
    "/channel/list": Written(
        "p: 1, limit: 20, orderby: last_incident_at, asc: true, is_my_managed: false, "
        "is_my_starred: false, is_brief: true, is_my_team: false, query: production, "
        'team_ids: ["{{ vars.team }}"], channel_ids: ["{{ vars.channel }}"], '
        "channel_name: lim_test"
    ),
    "/channel/info": Written('channel_id: "{{ vars.channel }}"'),
    "/channel/infos": Written('channel_ids: ["{{ vars.channel }}"]'),
    "/channel/escalate/rule/list": Written('channel_id: "{{ vars.channel }}"'),
    "/channel/escalate/rule/info": Written(
        'channel_id: "{{ vars.channel }}", rule_id: "{{ vars.rule }}"'
    ),
    "/template/preview": Written(
        "content: '{% raw %}{{.Title}}{% endraw %}', type: feishu_app, "
        'incident_id: "{{ vars.incident }}"'
    ),
    "/template/list": Written(
        "p: 1, limit: 20, orderby: updated_at, asc: false, is_my_team: false, team_ids: [0], "
        'creator_id: "{{ vars.creator }}", query: prod'
    ),
    "/template/info": Written('template_id: "{{ vars.template }}"'),
    "/webhook/history/list": Written(
        'limit: 100, asc: true, orderby: event_time, ref_id: "{{ vars.incident }}", '
        'integration_id: "{{ vars.webhook }}", event_types: [i_comm], status: success, '
        'start_time: "{{ vars.now * 1000 - 60000 }}", end_time: "{{ vars.now * 1000 }}"'
    ),
    "/webhook/history/detail": Written(
        'event_id: "{{ vars.delivery }}", integration_id: "{{ vars.webhook }}"'
    ),
    "/datasource/list": Written(
        "p: 1, limit: 20, orderby: created_at, category: im, plugin_type: feishu, "
        "status: enabled, name: Feishu, asc: true, is_my_team: false, team_ids: [0]"
    ),
    "/audit/search": Written(
        _TWO_DAYS + ", limit: 99, request_id: request-1, operations: [], person_id: 0, "
        "is_dangerous: false, is_write: true"
    ),
    "/audit/operation/list": Written(),
}

CALLS: Final[Mapping[str, Written]] = {
    **_INCIDENTS,
    **_AROUND_INCIDENTS,
    **_ALERTS,
    **_CHANGES,
    **_STATUS_PAGES,
    **_PEOPLE,
    **_ACCOUNT,
}
