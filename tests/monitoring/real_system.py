"""A real nats-server, hub and agent, watched by status_metrics and the real Prometheus.

One input is refused, a webhook fails and an object is proven equal, so that the metrics are there
that are not in the beginning. No alert may fire of that so soon. Then NATS goes away.
"""

import datetime
import http.server
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

STREAMS = 9
SECONDS_MAX = 40  # Of each wait; all of it takes about ten on an idle machine.

POLICY = """
[policy]
name = "watched"

[platforms.crm]
[platforms.erp]

[objects.customer.fields]
name = "string"

[[objects.customer.own]]
fields = ["*"]
owner  = "crm"

[[objects.customer.match]]
name = "name"
on   = ["name"]

[objects.customer.on.crm]
fields    = ["*"]
founds    = true
on_delete = "unlink"

[objects.customer.on.erp]
fields    = ["*"]
on_delete = "unlink"

[objects.customer.events.registered]
on = "created"

[webhooks.shop]
url    = "http://127.0.0.1:{closed}/events"
events = ["customer.*"]
secret = {{ file = "{folder}/webhook.key" }}

[indicators.registrations]
count = "customer.registered"

[indicators.registrations.alerts.many]
measure = "count"
above   = 1000000
"""

HUB = """
id = "watched"
policy = "policy"
metrics_port = {metrics}
[nats]
urls = ["{nats}"]
[streams]
partitions = 4
[webhooks]
allow = ["127.0.0.1"]
"""

# `ghost` is an object that the policy does not have: an exception, input.unknown_object.
AGENT = """
platform = "crm"
store = "{folder}/crm.db"
poll_ms = 200
[nats]
urls = ["{nats}"]
[connector]
kind = "sqlite"
file = "{folder}/platform.db"
[objects.customer]
native = "customers"
key = "id"
changed = "updated_at"
[objects.customer.fields]
name = "name"
[objects.ghost]
native = "ghosts"
key = "id"
changed = "updated_at"
[objects.ghost.fields]
name = "name"
"""

# What this fleet has none of: lists of reference data, workflows, a platform with a quota or one
# that pushes.
NOT_HERE = {
    "syncline_hub_list_read_timestamp_seconds", "syncline_hub_list_generation",
    "syncline_hub_list_rows", "syncline_status_workflow_instances",
    "syncline_quota_limit_calls", "syncline_quota_used_calls", "syncline_quota_reserve_calls",
    "syncline_quota_used_up_timestamp_seconds", "syncline_quota_lane_slowed",
    "syncline_status_agent_push_up",
}


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def wait_for(what, condition):
    """Until `condition` gives something; asking a program that is not there yet counts as not."""
    until = time.monotonic() + SECONDS_MAX
    while time.monotonic() < until:
        try:
            found = condition()
        except (OSError, urllib.error.URLError, ValueError):
            found = None
        if found:
            return found
        time.sleep(0.1)
    raise RuntimeError(f"waited {SECONDS_MAX} s in vain for: {what}")


class Fleet:
    """The programs, in a temporary folder; ended by their ids, the last first."""

    def __init__(self, source, binaries, program):
        self.source, self.binaries, self.program = source, binaries, program
        self.temporary = tempfile.TemporaryDirectory(prefix="syncline-watched-")
        self.folder = Path(self.temporary.name)
        self.running = []
        (self.nats_port, self.metrics, self.prometheus, self.node,
         self.closed) = free_ports(5)
        self.nats = f"nats://127.0.0.1:{self.nats_port}"
        self.status = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.running):
            self.end(process)
        self.temporary.cleanup()

    def start(self, name, *words):
        with open(self.folder / f"{name}.log", "w", encoding="utf-8") as log:
            process = subprocess.Popen([str(one) for one in words], stdout=log, stderr=log,
                                       cwd=self.folder)
        self.running.append(process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.format(folder=self.folder, nats=self.nats, metrics=self.metrics,
                                    closed=self.closed))
        return path

    def make_platform(self):
        with sqlite3.connect(self.folder / "platform.db") as platform:
            for table in ("customers", "ghosts"):
                platform.execute(f"create table {table} (id text primary key, name text, "
                                 "updated_at text default current_timestamp)")
                platform.execute(f"insert into {table} (id, name) values ('1', 'Ada')")
        platform.close()

    def start_nats(self):
        server = Path(os.environ.get("SYNCLINE_DEPS_DIR", "")) / "nats-server-newest"
        nats = self.start("nats", server, "-a", "127.0.0.1", "-p", self.nats_port, "-js",
                          "-sd", self.folder / "js")
        wait_for("nats-server",
                 lambda: socket.create_connection(("127.0.0.1", self.nats_port), 1).close() or True)
        return nats

    def look(self, *options):
        """One run of status_metrics, kept for Prometheus."""
        ran = subprocess.run([str(self.source / "configs/monitoring/status_metrics"), "--to",
                              str(self.folder / "syncline.prom"), "--program",
                              str(self.binaries / "synclinectl"), "--", "--server", self.nats,
                              *options],
                             capture_output=True, text=True, check=True)
        self.status = (self.folder / "syncline.prom").read_text()
        return self.status, ran.stderr

    def serve_status(self):
        """What the node exporter would show."""
        fleet = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(fleet.status.encode())

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", self.node), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def start_prometheus(self):
        """By the sample's own text, but for addresses and haste."""
        sample = (self.source / "configs/monitoring/prometheus.yml").read_text()
        for what, instead in (("127.0.0.1:9465", f"127.0.0.1:{self.metrics}"),
                              ("127.0.0.1:9100", f"127.0.0.1:{self.node}"),
                              ("- alerts.yml",
                               f"- {self.source / 'configs/monitoring/alerts.yml'}"),
                              ("_interval: 15s", "_interval: 1s")):
            assert what in sample, what
            sample = sample.replace(what, instead)
        settings = self.folder / "prometheus.yml"
        settings.write_text(sample)
        subprocess.run([self.program("promtool"), "check", "config", str(settings)], check=True,
                       capture_output=True)
        self.start("prometheus", self.program("prometheus"), f"--config.file={settings}",
                   f"--storage.tsdb.path={self.folder / 'tsdb'}",
                   f"--web.listen-address=127.0.0.1:{self.prometheus}")

    def ask(self, path, **values):
        url = f"http://127.0.0.1:{self.prometheus}/api/v1/{path}?{urllib.parse.urlencode(values)}"
        return json.loads(get(url))["data"]

    def query(self, expression):
        return self.ask("query", query=expression)["result"]


# ---- What is expected. -------------------------------------------------------------------------


def shown(text):
    """{name: (type, label names)} of a text in Prometheus's format."""
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
    found = {name: (kind, set()) for name, kind in kinds.items()}
    for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? \S+$", text, re.M):
        name = name if name in found else re.sub(r"_(sum|count|bucket)$", "", name)
        found[name][1].update(re.findall(r'(\w+)="', labels))
    return found


def check_shown(known, text, where):
    for name, (kind, labels) in shown(text).items():
        if name not in known:
            yield f"{where} has {name}, which is not in the README"
        elif known[name] != (kind, labels):
            yield f"{where}: {name} is a {kind} of {sorted(labels)}, not as in the README"


def check_prometheus(fleet, names, queries):
    groups = fleet.ask("rules")["groups"]
    loaded = {rule["name"]: rule for group in groups for rule in group["rules"]}
    if set(loaded) != names:
        yield f"Prometheus has other alerts: {sorted(set(loaded) ^ names)}"
    for name, rule in loaded.items():
        if rule["health"] != "ok":
            yield f"Prometheus cannot evaluate {name}: {rule.get('lastError')}"
        if rule["state"] == "firing":
            yield f"{name} fires and all is well"
    for query in queries:
        try:
            fleet.query(query.replace("$__rate_interval", "1m"))
        except urllib.error.HTTPError as error:
            yield f"a panel's query is refused: {query}: {error.read().decode()}"


def has(text, *parts):
    return all(part in text for part in parts)


def go_on(fleet):
    """Until all is there that this fleet has to show: proven equal, an exception, a webhook."""
    ctl = [str(fleet.binaries / "synclinectl"), "--server", fleet.nats]
    url = f"http://127.0.0.1:{fleet.metrics}/metrics"
    wait_for("the hub's partitions", lambda: has(get(url), "syncline_hub_partitions 4"))
    fleet.start("agent", fleet.binaries / "syncline-agent", "--config",
                fleet.write("crm.toml", AGENT))
    wait_for("an exception and a webhook that fails",
             lambda: has(get(url), 'syncline_hub_exceptions_total{kind="input.unknown_object"',
                         'syncline_hub_webhook_requests_total{webhook="shop",what="failed"'))
    subprocess.run([*ctl, "reconcile", "run", "crm"], check=False, capture_output=True)
    wait_for("an object that is proven equal",
             lambda: re.search(r'_verified_through_timestamp_seconds\{.*"customer".*\} [1-9]',
                               get(url)))
    return url


def test_real(source, binaries, program):
    from monitoring_test import Files, alerts, catalogue, panels
    files = Files(source)
    known, failures = catalogue(files), []
    with Fleet(source, binaries, program) as fleet:
        fleet.make_platform()
        fleet.write("webhook.key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
        fleet.write("policy/policy.toml", POLICY)
        nats = fleet.start_nats()
        text, complaint = fleet.look()
        if complaint or len(re.findall(r"_stream_exists\{.*\} 0", text)) != STREAMS:
            failures.append(f"status_metrics of a server without streams: {text} {complaint}")
        fleet.start("hub", binaries / "syncline-hub", "--config", fleet.write("hub.toml", HUB))
        fleet.serve_status()
        fleet.start_prometheus()  # Now, as it takes seconds until it begins.
        try:
            url = go_on(fleet)
            text, complaint = fleet.look()
            failures += [complaint] if complaint else []
            metrics = get(url)
            failures += check_shown(known, metrics, "/metrics")
            failures += check_shown(known, text, "status_metrics")
            missing = set(known) - set(shown(metrics)) - set(shown(text)) - NOT_HERE
            failures += [f"{name} is in the README and nothing shows it" for name in missing]
            wait_for("Prometheus's first look", lambda: fleet.query(
                'up{job="syncline-hub"} == 1 and on () syncline_status_up == 1'))
            seen_at = datetime.datetime.now(datetime.timezone.utc)
            wait_for("each rule evaluated since", lambda: all(
                datetime.datetime.fromisoformat(rule["lastEvaluation"]) > seen_at
                for group in fleet.ask("rules")["groups"] for rule in group["rules"]))
            failures += check_prometheus(fleet, set(alerts(files)), panels(files))
            fleet.end(nats)
            text, complaint = fleet.look("--timeout", "0.5")
            if not has(text, "syncline_status_up 0\n") or not complaint:
                failures.append(f"status_metrics without NATS says: {text} {complaint}")
        except RuntimeError as error:
            logs = "".join(f"\n--- {path.name}\n{path.read_text()[-1500:]}"
                           for path in sorted(fleet.folder.glob("*.log")))
            failures.append(f"{error}{logs}")
    return failures
