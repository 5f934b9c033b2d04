"""What status_metrics makes of answers of synclinectl that a small real fleet does not give."""

import contextlib
import io
import subprocess

NOW = 1767607200.0  # 2026-01-05T10:00:00Z
LATE, SOON, JUST = "2026-01-05T09:58:30.5Z", "2026-01-05T11:00:00Z", "2026-01-05T09:59:30Z"


def instance(status="running", due=None, phase="waiting", **more):
    step = {"step": "pause", "phase": phase, **({"due": due} if due else {})}
    return {"workflow": "part", "status": status, "steps": [step], **more}


def exception(kind, opened, assignee=""):
    return {"kind": kind, "opened_at": opened, "updated_at": opened,
            "care": {"severity": "error", "assignee": assignee}}


AGENT = {
    "platform": 'odd"name', "heard_at": "2026-01-05T09:59:59.123456789Z", "breaker": "half_open",
    "last_read_at": None, "waiting_entries": 3, "waiting_bytes": 300, "spool_bytes": 4096,
    "rejects": 2, "reading_paused": True, "needs_credentials": True, "commands_in_doubt": 1,
    "operations_in_doubt": 2, "held_lanes": [{"object": "customer"}],
    "push": {"state": "up", "trouble": "/data/X is not heard"},
}
STATUS = {
    "hubs": [], "agents": [AGENT, {"platform": "newer", "heard_at": SOON}],
    "partitions": [{"partition": 0, "held": True, "lag": 0, "sources": {"newer": "7"}},
                   {"partition": 1, "held": False, "lag": 12, "sources": {"gone": "9"}}],
    "streams": [{"stream": "SYNC_IN", "exists": False}],
    "exceptions": {"overdue": 1, "unassigned": 2},
}
FINDINGS = [{"code": "status.no_hub", "severity": "error"}] * 2
ANSWERS = {
    ("status",): (STATUS, FINDINGS),
    ("exceptions", "list"): ({"exceptions": [
        exception("a.b", SOON), exception("a.b", LATE), exception("c.d", "2020-01-01T00:00:00Z",
                                                                  assignee="anna")]}, []),
    ("workflows", "running"): ({"instances": [
        instance(due=LATE), instance(due=JUST), instance(due=SOON), instance(),
        instance(due=LATE, held="by a person"),
        instance(due=LATE, exceptions=[{"code": "workflow.step_failed"}])]}, []),
    ("workflows", "compensating"): ({"instances": [
        instance("compensating", LATE), instance("compensating", LATE, "back_off")]}, []),
    ("webhooks", "list"): ({"webhooks": [{"webhook": "one", "state": "disabled"},
                                         {"webhook": "two", "state": "failing"},
                                         {"webhook": "three", "state": "well"}]}, []),
}
EXPECTED = """
syncline_status_up 1
syncline_status_findings{code="status.no_hub",severity="error"} 2
syncline_status_partitions 2
syncline_status_partitions_held 1
syncline_status_inputs_waiting{partition="1"} 12
syncline_status_stream_exists{stream="SYNC_IN"} 0
syncline_status_agent_heard_timestamp_seconds{platform="odd\\"name"} 1767607199.1234567
syncline_status_agent_present{platform="newer"} 1
syncline_status_agent_present{platform="gone"} 0
syncline_status_agent_heard_timestamp_seconds{platform="newer"} 1767610800.0
syncline_status_agent_read_timestamp_seconds{platform="odd\\"name"} 0
syncline_status_agent_reading_paused{platform="odd\\"name"} 1
syncline_status_agent_needs_credentials{platform="odd\\"name"} 1
syncline_status_agent_push_up{platform="odd\\"name"} 0
syncline_status_agent_breaker_open{platform="odd\\"name"} 1
syncline_status_agent_lanes_held{platform="odd\\"name"} 1
syncline_status_agent_in_doubt{platform="odd\\"name"} 3
syncline_status_exceptions_open{kind="a.b",severity="error"} 2
syncline_status_exceptions_overdue 1
syncline_status_exceptions_unassigned 2
syncline_status_exceptions_oldest_unassigned_timestamp_seconds 1767607110.5
syncline_status_workflow_instances{workflow="part",state="running"} 4
syncline_status_workflow_instances{workflow="part",state="paused"} 1
syncline_status_workflow_instances{workflow="part",state="needs_person"} 1
syncline_status_workflow_instances{workflow="part",state="compensating"} 2
syncline_status_workflow_timers_late 2
syncline_status_webhook_disabled{webhook="one"} 1
syncline_status_webhook_disabled{webhook="two"} 0
syncline_status_webhook_failing{webhook="one"} 0
syncline_status_webhook_failing{webhook="two"} 1
"""


class Ctl:
    def __init__(self, answers):
        self.answers = answers

    def ask(self, *command):
        key = (command[0], command[3]) if command[0] == "workflows" else command
        return self.answers[key]


def check(script):
    """Yields what is wrong with the script's work."""
    lines = script.look(Ctl(ANSWERS), NOW).text().split("\n")
    for line in filter(None, EXPECTED.split("\n")):
        if line not in lines:
            yield f"status_metrics: not told: {line}"
    for words, said in ((["--to", "a.txt"], "that end in .prom"),
                        (["--interval", "500"], "from 1 to 120 seconds")):
        ran = subprocess.run([script.__file__, *words], capture_output=True, text=True, check=False)
        if ran.returncode != 2 or said not in ran.stderr:
            yield f"status_metrics {words}: {ran.returncode} {ran.stderr}"
    nothing = {key: (None, []) for key in ANSWERS} | {("status",): ANSWERS[("status",)]}
    if "syncline_status_workflow_timers_late 0" not in script.look(Ctl(nothing), NOW).text():
        yield "status_metrics: without a policy it tells nothing"
    with contextlib.redirect_stderr(io.StringIO()) as said:
        text = script.look_or_say(Ctl({**ANSWERS, ("status",): ({"hubs": []}, [])})).text()
    if "syncline_status_up 0" not in text or "of the same version" not in said.getvalue():
        yield f"status_metrics: an answer that is not as expected: {text} {said.getvalue()}"
