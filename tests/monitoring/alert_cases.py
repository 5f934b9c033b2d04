"""What each alert is tried on: series as promtool takes them, a sample a minute.

HEALTHY is an installation where all is well. A case changes some of its series after a while, and
says which alert fires how many minutes after that. Time begins at 0, so a timestamp below 0 is one
of long before.
"""

from dataclasses import dataclass, field

BEGIN = 20  # The minute a case departs from what is healthy.
CTL = 'instance="ctl"'
CRM = f'platform="crm",{CTL}'


def counter(a_minute):
    return f"0+{a_minute}x{{n}}"


CLOCK = counter(60)  # A time that is always now.


def _of_hub(hub):
    of = f'instance="{hub}"'
    return {
        f'up{{job="syncline-hub",{of}}}': "1x{n}",
        f'syncline_build_info{{version="1",{of}}}': "1x{n}",
        f"syncline_nats_connected{{{of}}}": "1x{n}",
        f"syncline_nats_publishes_open{{{of}}}": "0x{n}",
        f"syncline_hub_partitions{{{of}}}": "32x{n}",
        f'syncline_hub_inputs_total{{kind="taken",{of}}}': counter(60),
        f'syncline_hub_inputs_total{{kind="duplicate",{of}}}': counter(0),
        f"syncline_hub_decisions_total{{{of}}}": counter(60),
        f"syncline_hub_conflicts_total{{{of}}}": counter(1),
        f"syncline_hub_amnesia_total{{{of}}}": counter(0),
        f'syncline_hub_asks_total{{what="answered",{of}}}': counter(60),
        f'syncline_hub_asks_total{{what="failed",{of}}}': counter(1),
        exceptions("command.rejected", "opened", hub): counter(1),
        exceptions("command.rejected", "closed", hub): counter(1),
        webhook("taken", hub): counter(9),
        webhook("failed", hub): counter(1),
        f'syncline_hub_alert_raised{{alert="slow_cash",{of}}}': "0x{n}",
        verified(hub): CLOCK,
        quota("used_up_timestamp_seconds", hub): "0x{n}",
        **{lane(name, hub): "0x{n}" for name in ("ask", "command", "change")},
        lane("backfill", hub): "2x{n}",
        # Of an agent that is silent.
        lane("ask", hub, "erp"): "NaN+0x{n}",
        quota("used_up_timestamp_seconds", hub, "erp"): "NaN+0x{n}",
    }


def quota(name, hub="hub1", platform="crm"):
    return f'syncline_quota_{name}{{platform="{platform}",instance="{hub}"}}'


def lane(name, hub="hub1", platform="crm"):
    return f'syncline_quota_lane_slowed{{platform="{platform}",lane="{name}",instance="{hub}"}}'


def exceptions(kind, what, hub="hub1"):
    return ("syncline_hub_exceptions_total"
            f'{{kind="{kind}",severity="error",what="{what}",instance="{hub}"}}')


def webhook(what, hub):
    return ("syncline_hub_webhook_requests_total"
            f'{{webhook="warehouse",what="{what}",instance="{hub}"}}')


def verified(hub="hub1"):
    return ("syncline_hub_verified_through_timestamp_seconds"
            f'{{platform="crm",object="customer",instance="{hub}"}}')


def finding(code, severity):
    return f'syncline_status_findings{{code="status.{code}",severity="{severity}",{CTL}}}'


def agent(name):
    return f"syncline_status_agent_{name}{{{CRM}}}"


def status(name, labels=""):
    return f"syncline_status_{name}{{{labels + ',' if labels else ''}{CTL}}}"


HEALTHY = {
    **_of_hub("hub1"),
    **_of_hub("hub2"),
    status("up"): "1x{n}",
    status("timestamp_seconds"): CLOCK,
    finding("exceptions_open", "info"): "1x{n}",
    status("hubs"): "2x{n}",
    status("partitions"): "64x{n}",
    status("partitions_held"): "64x{n}",
    status("inputs_waiting", 'partition="3"'): "9x{n}",
    status("stream_exists", 'stream="SYNC_LOG"'): "1x{n}",
    agent("present"): "1x{n}",
    agent("heard_timestamp_seconds"): CLOCK,
    agent("read_timestamp_seconds"): CLOCK,
    agent("waiting_entries"): "7x{n}",
    agent("waiting_bytes"): "700x{n}",
    agent("reading_paused"): "0x{n}",
    agent("needs_credentials"): "0x{n}",
    agent("breaker_open"): "0x{n}",
    agent("lanes_held"): "0x{n}",
    agent("in_doubt"): "0x{n}",
    agent("rejects"): "0x{n}",
    status("exceptions_open", 'kind="command.rejected",severity="error"'): "1x{n}",
    status("exceptions_overdue"): "0x{n}",
    status("exceptions_unassigned"): "1x{n}",
    status("exceptions_oldest_unassigned_timestamp_seconds"): CLOCK,
    status("workflow_instances", 'workflow="part",state="running"'): "5x{n}",
    status("workflow_timers_late"): "0x{n}",
    status("webhook_disabled", 'webhook="warehouse"'): "0x{n}",
    status("webhook_failing", 'webhook="warehouse"'): "0x{n}",
}


@dataclass(frozen=True)
class Case:
    alert: str
    minutes: int  # After BEGIN, when it fires.
    faults: dict  # Series: its samples from BEGIN on; one that is not healthy begins there.
    labels: dict = field(default_factory=dict)  # Of the alert, beside its severity.


HUB1 = {"instance": "hub1"}
OF_CTL = {"instance": "ctl"}
OF_CRM = {"platform": "crm", "instance": "ctl"}
OF_WORKFLOW = {"workflow": "part"}
LONG = 200  # Minutes; what takes longer is evaluated every ten, and fires in such a minute.
AT_BEGIN = 60 * (BEGIN - 1)  # What CLOCK and counter(60) have come to.
GONE = "_x{n}"
STOPS = f"{AT_BEGIN}x{{n}}"


def every(prefix, samples):
    return {series: samples for series in HEALTHY if series.startswith(prefix)}


CASES = [
    Case("SynclineStatusUnknown", 4, {status("up"): "0x{n}"}, OF_CTL),
    Case("SynclineStatusUnknown", 9, {status("timestamp_seconds"): STOPS}, OF_CTL),
    Case("SynclineStatusUnknown", 10, every("syncline_status_", GONE)),
    Case("SynclineNoHub", 2, every("up{", "0x{n}")),
    Case("SynclineNoHub", 8, every("up{", GONE)),
    Case("SynclineHubDown", 6, {'up{job="syncline-hub",instance="hub2"}': "0x{n}"},
         {"job": "syncline-hub", "instance": "hub2"}),
    Case("SynclineHubRestarts", 7,
         {'syncline_hub_inputs_total{kind="taken",instance="hub1"}': "0 60 0 60 0 60 0+60x{n}"},
         {"kind": "taken", **HUB1}),
    Case("SynclineHubRestarts", 6,
         {'up{job="syncline-hub",instance="hub1"}': "0 1 0 1 0 1x{n}"},
         {"job": "syncline-hub", **HUB1}),
    Case("SynclineHubWithoutNats", 3, {'syncline_nats_connected{instance="hub1"}': "0x{n}"}, HUB1),
    Case("SynclinePartitionUnheld", 3, {status("partitions_held"): "63x{n}"}, OF_CTL),
    Case("SynclineInputsWaiting", 11, {status("inputs_waiting", 'partition="3"'): "20000x{n}"},
         OF_CTL),
    Case("SynclineHubsStuck", 17, every("syncline_hub_inputs_total", STOPS)),
    Case("SynclinePublishesUnanswered", 17,
         {'syncline_nats_publishes_open{instance="hub1"}': "8x{n}",
          'syncline_hub_decisions_total{instance="hub1"}': STOPS}, HUB1),
    Case("SynclineConflictsMany", 27,
         {'syncline_hub_conflicts_total{instance="hub1"}': f"{BEGIN}+120x{{n}}"}),
    Case("SynclinePolicyTrouble", 3, {finding("policy_unreadable", "error"): "1x{n}"}, OF_CTL),
    Case("SynclineVersionsDiffer", 24 * 60 + 20,
         {'syncline_build_info{version="1",instance="hub2"}': GONE,
          'syncline_build_info{version="2",instance="hub2"}': "1x{n}"}),
    Case("SynclineStreamMissing", 2, {status("stream_exists", 'stream="SYNC_LOG"'): "0x{n}"},
         {"stream": "SYNC_LOG", **OF_CTL}),
    Case("SynclineBrokerLostMessages", 2, {'syncline_hub_amnesia_total{instance="hub1"}': "1x{n}"},
         HUB1),
    Case("SynclineAgentSilent", 2, {agent("present"): "0x{n}"}, OF_CRM),
    Case("SynclineAgentSilent", 8, every("syncline_status_agent_", GONE), OF_CRM),
    Case("SynclineAgentDenied", 3, {agent("needs_credentials"): "1x{n}"}, OF_CRM),
    Case("SynclineAgentBreakerOpen", 11, {agent("breaker_open"): "1x{n}"}, OF_CRM),
    Case("SynclineAgentTrouble", 16, {finding("agent_trouble", "warning"): "2x{n}"}, OF_CTL),
    Case("SynclineSpoolFilling", 6, {agent("reading_paused"): "1x{n}"}, OF_CRM),
    Case("SynclineSpoolFilling", 6, {agent("waiting_entries"): "200000x{n}"}, OF_CRM),
    Case("SynclineSpoolFilling", 6, {agent("waiting_bytes"): "200000000x{n}"}, OF_CRM),
    Case("SynclineQuotaUsedUp", 11, {lane("command"): "1x{n}"}, {"platform": "crm"}),
    Case("SynclineQuotaShort", 31, {quota("used_up_timestamp_seconds"): "90000x{n}"},
         {"platform": "crm"}),
    Case("SynclineQuotaShort", 31, {lane("change"): "2x{n}"}, {"platform": "crm"}),
    Case("SynclineLaneHeld", 2, {agent("lanes_held"): "1x{n}"}, OF_CRM),
    Case("SynclineWritesInDoubt", 16, {agent("in_doubt"): "1x{n}"}, OF_CRM),
    Case("SynclineRecordsRejected", 31, {agent("rejects"): "4x{n}"}, OF_CRM),
    Case("SynclineNotProven", 31, {verified("hub2"): "-200000x{n}"},
         {"platform": "crm", "object": "customer"}),
    Case("SynclineExceptionsCritical", 2,
         {status("exceptions_open", 'kind="command.in_doubt",severity="critical"'): "1x{n}"},
         {"kind": "command.in_doubt"}),
    Case("SynclineExceptionsGrowing", 40,
         {exceptions("command.rejected", "opened"): f"{BEGIN}+3x{{n}}"},
         {"kind": "command.rejected"}),
    Case("SynclineExceptionsGrowing", 40, {exceptions("command.gave_up", "opened"): "0+2x{n}"},
         {"kind": "command.gave_up"}),
    Case("SynclineExceptionsUnassigned", 6,
         {status("exceptions_oldest_unassigned_timestamp_seconds"): "-30000x{n}"}, OF_CTL),
    Case("SynclineExceptionsOverdue", 11, {status("exceptions_overdue"): "2x{n}"}, OF_CTL),
    Case("SynclineWorkflowsNeedPerson", 11,
         {status("workflow_instances", 'workflow="part",state="needs_person"'): "1x{n}"},
         OF_WORKFLOW),
    Case("SynclineWorkflowsPaused", 260,
         {status("workflow_instances", 'workflow="part",state="paused"'): "1x{n}"}, OF_WORKFLOW),
    Case("SynclineTimersLate", 4, {status("workflow_timers_late"): "3x{n}"}, OF_CTL),
    Case("SynclineAsksFailing", 16,
         {'syncline_hub_asks_total{what="failed",instance="hub1"}': f"{BEGIN}+60x{{n}}"}),
    Case("SynclineWebhookDisabled", 2,
         {status("webhook_disabled", 'webhook="warehouse"'): "1x{n}"},
         {"webhook": "warehouse", **OF_CTL}),
    Case("SynclineWebhookFailing", 32,
         {webhook("taken", hub): f"{9 * (BEGIN - 1)}x{{n}}" for hub in ("hub1", "hub2")},
         {"webhook": "warehouse"}),
    Case("SynclineBusinessAlert", 1,
         {'syncline_hub_alert_raised{alert="slow_cash",instance="hub2"}': "1x{n}"},
         {"business_alert": "slow_cash"}),
    Case("SynclineStatusWarning", 31, {finding("policies_differ", "warning"): "1x{n}"},
         {"code": "status.policies_differ"}),
    Case("SynclineStatusError", 6, {finding("mark_damaged", "error"): "1x{n}"},
         {"code": "status.mark_damaged"}),
]


def _firing(minute, *alerts):
    """What promtool has to find at that minute: these alerts, and no other."""
    samples = []
    for name, labels in alerts:
        labels = {"alertname": name, "alertstate": "firing", **labels}
        text = ",".join(f'{key}="{value}"' for key, value in labels.items())
        samples.append({"labels": f"ALERTS{{{text}}}", "value": 1})
    return {"expr": 'ALERTS{alertstate="firing"}', "eval_time": f"{minute}m",
            "exp_samples": samples}


def _group(name, series, tests):
    listed = [{"series": one, "values": samples} for one, samples in series.items()]
    return {"name": name, "interval": "1m", "input_series": listed, "promql_expr_test": tests}


def _tried(case, severity):
    series = {}
    for one in [*HEALTHY, *(case.faults.keys() - HEALTHY.keys())]:
        healthy = HEALTHY.get(one, GONE)
        if one in case.faults:
            series[one] = (healthy.format(n=BEGIN - 1) + " "
                           + case.faults[one].format(n=case.minutes + 5))
        else:
            series[one] = healthy.format(n=BEGIN + case.minutes + 5)
    fires = (case.alert, {"severity": severity, **case.labels})
    return _group(f"{case.alert} {sorted(case.faults)[0]}", series,
                  [_firing(BEGIN - 1), _firing(BEGIN + case.minutes, fires)])


def promtool_files(rules, severities):
    """Two files of `promtool test rules`, as JSON says it: what is soon over, and what takes long.

    `severities` has that of each alert by its name.
    """
    whole = {series: samples.format(n=180) for series, samples in HEALTHY.items()}
    short = [_group("healthy", whole, [_firing(minute) for minute in (30, 100, 179)])]
    short += [_tried(case, severities[case.alert]) for case in CASES if case.minutes < LONG]
    long = [_tried(case, severities[case.alert]) for case in CASES if case.minutes >= LONG]
    return [{"rule_files": [str(rules)], "evaluation_interval": every, "tests": tests}
            for every, tests in (("1m", short), ("10m", long))]
