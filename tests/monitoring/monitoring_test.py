#!/usr/bin/env python3
"""Does configs/monitoring fit the programs, and do its alerts fire?

    monitoring_test.py files SOURCE_FOLDER BIN_FOLDER    what is written there, against the code
    monitoring_test.py alerts SOURCE_FOLDER              each alert on series (alert_cases.py)
    monitoring_test.py real SOURCE_FOLDER BIN_FOLDER     real hub and Prometheus (real_system.py)

Prometheus's programs are those in SYNCLINE_DEPS_DIR, or on the PATH; without them the last two say
so and exit with 77. Each check of the files is shown to find what it is for, by planting that.
"""

import importlib.machinery
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "packages"))
sys.dont_write_bytecode = True

import alert_cases  # noqa: E402
import status_cases  # noqa: E402
from manuals_test import all_commands  # noqa: E402

SKIPPED = 77
# What the text of a query has besides metrics and labels.
METRIC = re.compile(r"\b(syncline_[a-z_]+|exposer_[a-z_]+)(?:\{([^}]*)\})?")
# Labels that Prometheus gives, and the one that an alert makes.
GIVEN_LABELS = {"instance", "job", "business_alert"}
SEVERITIES = {"critical", "warning"}
STATUS_PREFIX = "syncline_status_"


def program(name):
    found = Path(os.environ.get("SYNCLINE_DEPS_DIR", "")) / "prometheus" / name
    return str(found) if found.is_file() else shutil.which(name)


class Files:
    """What there is, as texts, so that a test of the tests can change one."""

    def __init__(self, source):
        monitoring = source / "configs/monitoring"
        self.alerts = (monitoring / "alerts.yml").read_text()
        self.dashboard = (monitoring / "dashboard.json").read_text()
        self.readme = (monitoring / "README.md").read_text()
        self.runbooks = (monitoring / "runbooks.md").read_text()
        self.names = (source / "shared/base/metric_names.h").read_text()
        self.kinds = (source / "shared/policy/exception_kinds.h").read_text()
        self.code = "\n".join(path.read_text() for folder in ("agent", "hub", "shared")
                              for path in sorted((source / folder).rglob("*.cc")))
        self.status = load_script(monitoring / "status_metrics").METRICS


def load_script(path):
    loader = importlib.machinery.SourceFileLoader("status_metrics", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


# ---- What the files say. -----------------------------------------------------------------------


def catalogue(files):
    """{name: (type, labels)} by the tables of the README."""
    rows = re.findall(r"^\| `([a-z_]+)` \| (\w+) \| ([^|]*) \|", files.readme, re.M)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def shown_by_code(files):
    """Names whose constants something uses; others are names of what does not exist yet."""
    declared = re.findall(r'Name (k\w+)\{\s*"(\w+)"', files.names)
    return {name for constant, name in declared if re.search(rf"metric::{constant}\b", files.code)}


def alerts(files):
    """{name: its text} by alerts.yml; real_system.py has Prometheus itself read it."""
    parts = re.split(r"^      - alert: (\w+)$", files.alerts, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def expression(alert):
    return re.search(r"expr: (.*?)\n        (?:for|labels):", alert, re.S).group(1)


def panels(files):
    return [target["expr"] for panel in json.loads(files.dashboard)["panels"]
            for target in panel.get("targets", [])]


def kinds(files):
    """{code: its actions} by the catalogue of exceptions."""
    table = files.kinds.partition("kExceptionKinds[] = {")[2].partition("\n};")[0]
    parts = re.split(r'\.code = "([a-z_.]+)"', table)
    actions = ("accept", "reject", "retry", "discard", "edit")
    return {code: {one for one in actions if re.search(rf"\.{one}\s*=", text)}
            for code, text in zip(parts[1::2], parts[2::2])}


def sections(files):
    """{heading: its text}, of the runbooks' third level."""
    parts = re.split(r"^### (.*)$", files.runbooks, flags=re.M)
    return dict(zip(parts[1::2], (text.partition("\n## ")[0] for text in parts[2::2])))


def anchor(heading):
    """As GitHub and most others make one."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


# ---- The checks; each yields what is wrong. ----------------------------------------------------


def check_catalogue(files):
    known = set(catalogue(files))
    exist = shown_by_code(files) | {STATUS_PREFIX + name for name in files.status}
    for name in sorted(exist - known):
        yield f"README.md: {name} exists and is not in the tables"
    for name in sorted(known - exist):
        if not name.startswith("exposer_"):  # The library's; real_system.py sees them.
            yield f"README.md: {name} does not exist"
    labels = set(re.findall(r'\{"(\w+)", ', files.code))
    for name, (_, said) in catalogue(files).items():
        if not name.startswith((STATUS_PREFIX, "exposer_")) and not said <= labels:
            yield f"README.md: {name}: nothing sets the labels {sorted(said - labels)}"


def check_queries(files):
    known = catalogue(files)
    asked = [(name, expression(text)) for name, text in alerts(files).items()]
    asked += [("a panel", query) for query in panels(files)]
    if len(asked) < 60:
        yield f"only {len(asked)} queries were found"
    for where, query in asked:
        found = METRIC.findall(query)
        if not found and "up{job=" not in query:
            yield f"{where}: no metric in {query}"
        of_all = set(GIVEN_LABELS)
        for name, matchers in found:
            if name not in known:
                yield f"{where}: {name} does not exist"
                continue
            labels = known[name][1]
            of_all |= labels
            for label in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', matchers):
                if label not in labels | GIVEN_LABELS:
                    yield f"{where}: {name} has no label {label}"
        for by in re.findall(r"\bby \(([^)]*)\)", query):
            for label in re.split(r",\s*", by):
                if label not in of_all:
                    yield f"{where}: nothing in it has the label {label}"


def check_alerts(files):
    for name, text in alerts(files).items():
        severity = re.search(r"labels: \{severity: (\w+)\}", text)
        if not severity or severity.group(1) not in SEVERITIES:
            yield f"{name}: no severity"
        for annotation in ("summary", "description"):
            if not re.search(rf"^          {annotation}: \S", text, re.M):
                yield f"{name}: no {annotation}"
        if f"runbook_url: runbooks.md#{anchor(name)}\n" not in text + "\n":
            yield f"{name}: its runbook_url is not runbooks.md#{anchor(name)}"
        labels = {one for labels in
                  (catalogue(files).get(metric, ("", set()))[1]
                   for metric, _ in METRIC.findall(expression(text))) for one in labels}
        for label in re.findall(r"\$labels\.(\w+)", text):
            if label not in labels | GIVEN_LABELS:
                yield f"{name}: its text names a label that it has not: {label}"


def check_runbooks(files):
    have = sections(files)
    want = set(alerts(files)) | set(kinds(files))
    for heading in sorted(want - set(have)):
        yield f"runbooks.md: no section {heading}"
    for heading in sorted(set(have) - want):
        yield f"runbooks.md: {heading} is neither an alert nor a kind of exception"
    for heading, text in have.items():
        for part in ("**Means**", "**Look**", "**Do**"):
            if part not in text:
                yield f"runbooks.md: {heading}: no {part}"
    anchors = {anchor(heading) for heading in have}
    for link in re.findall(r"\]\(#([^)]*)\)", files.runbooks):
        if link not in anchors:
            yield f"runbooks.md: a link to #{link}, which is not there"
    for code, actions in kinds(files).items():
        for action in re.findall(r"synclinectl exceptions (accept|reject|retry|discard|edit)\b",
                                 have.get(code, "")):
            if action not in actions:
                yield f"runbooks.md: {code}: {action} does not apply to it"


def written_commands(text):
    """Each `synclinectl ...` of a text, in blocks, spans and alerts."""
    for line in re.findall(r"^synclinectl (.*)$", text, re.M):
        yield line.split(" # ")[0].strip()
    yield from re.findall(r"`synclinectl ([^`]*)`", text.replace("\n", " "))


def check_commands(files, known):
    """`known`: {path of a command: (options, positionals)}, from every --help."""
    found = list(written_commands(files.runbooks)) + list(written_commands(files.readme))
    if len(found) < 120:
        yield f"only {len(found)} commands were found"
    for line in found:
        yield from wrong_in_command(line, known)


def wrong_in_command(line, known):
    words, path = shlex.split(line), ()
    while words and (*path, words[0]) in known:
        path = (*path, words.pop(0))
    options, with_value, positionals, commands = known[path]
    if not path or (commands and words):
        yield f"synclinectl {line}: no such command"
        return
    given = 0
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            given += 1
        elif word not in options | known[()][0]:
            yield f"synclinectl {line}: no option {word}"
        elif word in with_value and (not words or words.pop(0).startswith("-")):
            yield f"synclinectl {line}: {word} wants a value"
    many = {"FIELDS", "PLATFORM", "fields"} & positionals
    if given > len(positionals) and not many:
        yield f"synclinectl {line}: {given} words, and it takes {len(positionals)}"


# ---- Running them. -----------------------------------------------------------------------------

# What is planted: which file, what in it, what instead, and what must be said then.
PLANTS = [
    ("readme", "| `syncline_hub_timers_total` |", "| `syncline_hub_timers` |",
     "syncline_hub_timers_total exists and is not in the tables"),
    ("readme", "| `syncline_status_hubs` |", "| `syncline_status_hub` |",
     "syncline_status_hub does not exist"),
    ("names", '"syncline_hub_events_total"', '"syncline_hub_told_total"',
     "syncline_hub_told_total exists and is not in the tables"),
    ("alerts", "syncline_status_partitions_held <", "syncline_status_partitions_taken <",
     "syncline_status_partitions_taken does not exist"),
    ("alerts", 'absent(up{job="syncline-hub"} == 1)', "vector(1)", "no metric in"),
    ("alerts", '{state="paused"}', '{status="paused"}', "has no label status"),
    ("alerts", "sum by (workflow)", "sum by (process)", "has the label process"),
    ("alerts", "The stream {{ $labels.stream }}", "The stream {{ $labels.name }}",
     "a label that it has not: name"),
    ("alerts", "runbooks.md#synclinenohub", "runbooks.md#nohub", "its runbook_url is not"),
    ("dashboard", "syncline_hub_conflicts_total", "syncline_hub_quarrels_total",
     "a panel: syncline_hub_quarrels_total does not exist"),
    ("runbooks", "### SynclineNoHub", "### SynclineHubless", "no section SynclineNoHub"),
    ("runbooks", "### delete.review", "### delete.reviewed", "delete.reviewed is neither"),
    ("runbooks", "exceptions retry --kind input.undecodable",
     "exceptions accept --kind input.undecodable", "input.undecodable: accept does not apply"),
    ("runbooks", "(#commandgave_up)", "(#gave_up)", "a link to #gave_up"),
    ("runbooks", "synclinectl webhooks show WEBHOOK", "synclinectl webhook show WEBHOOK",
     "no such command"),
    ("runbooks", "--older-than 8h", "--older 8h", "no option --older"),
    ("runbooks", "synclinectl alerts list", "synclinectl alerts list NOW", "it takes 0"),
]


def problems(files, known):
    checks = (check_catalogue, check_queries, check_alerts, check_runbooks)
    return [one for check in checks for one in check(files)] + list(check_commands(files, known))


def test_files(source, binaries):
    known = dict(all_commands(str(binaries / "synclinectl")))
    failures = problems(Files(source), known)
    for name, what, instead, said in PLANTS:
        files = Files(source)
        text = getattr(files, name)
        if what not in text:
            failures.append(f"cannot plant in {name}: {what} is not there")
        setattr(files, name, text.replace(what, instead, 1))
        if not any(said in one for one in problems(files, known)):
            failures.append(f"planted in {name} and not found: {instead}")
    failures += status_cases.check(load_script(source / "configs/monitoring/status_metrics"))
    untried = set(alerts(Files(source))) - {case.alert for case in alert_cases.CASES}
    failures += [f"alert_cases.py: no case for {name}" for name in sorted(untried)]
    print(f"{len(catalogue(Files(source)))} metrics, {len(sections(Files(source)))} runbooks")
    return failures


def test_alerts(source):
    rules = source / "configs/monitoring/alerts.yml"
    severities = {name: re.search(r"severity: (\w+)", text).group(1)
                  for name, text in alerts(Files(source)).items()}
    promtool = program("promtool")
    with tempfile.TemporaryDirectory(prefix="syncline-alerts-") as folder:
        names = []
        for number, content in enumerate(alert_cases.promtool_files(rules, severities)):
            names.append(Path(folder) / f"{number}.json")
            names[-1].write_text(json.dumps(content))
        # Together, since each takes seconds.
        running = [subprocess.Popen([promtool, *words], stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True)
                   for words in (["check", "rules", str(rules)],
                                 *(["test", "rules", str(name)] for name in names))]
        said = [one.communicate()[0] for one in running]
    print(f"{len(alert_cases.CASES)} cases of {len(severities)} alerts")
    return [re.sub(r"\n\s*\n+", "\n", text) for one, text in zip(running, said) if one.returncode]


def main():
    what, source = sys.argv[1], Path(sys.argv[2]).resolve()
    if what != "files" and not (program("promtool") and program("prometheus")):
        print("Prometheus is not here; tests/support/install brings it")
        return SKIPPED
    if what == "files":
        failures = test_files(source, Path(sys.argv[3]).resolve())
    elif what == "alerts":
        failures = test_alerts(source)
    else:
        from real_system import test_real
        failures = test_real(source, Path(sys.argv[3]).resolve(), program)
    for failure in failures:
        print(f"FAIL {failure}")
    print("monitoring: " + ("as they should be" if not failures else f"{len(failures)} wrong"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
