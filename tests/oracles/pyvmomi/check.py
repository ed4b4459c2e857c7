"""Holds VI JSON answers against the type tables of pyvmomi.

    check.py [--recordings FOLDER]... [--fixtures FOLDER]... [--walk ENDPOINTS CA_FILE]

Recordings are what tests write where FARSIDE_RECORDINGS names a folder; fixtures are those of the model crates; a walk asks
the served simulator of which ENDPOINTS is the ready line. It fails on an unknown member, a wrong type, a missing member and
an unknown enum value, unless oddities.txt lists it with a reason, and on an oddity that nothing needs. Recordings say which
switches of a world change its answers; an oddity may be one of such worlds alone. What pyvmomi does not know is listed, and
so are the numbers of what was checked: none at all is a failure, too.
"""

import argparse
import collections
import fnmatch
import json
import pathlib
import sys
import typing

import tables
import walk

# Switches with which all answers have another form on purpose: `cargo xtask validate` knows which.
OTHER_FORM = {"omits_type_names", "nulls", "wraps_faults"}
FAILING = (tables.UNKNOWN_MEMBER, tables.WRONG_TYPE, tables.MISSING_MEMBER, tables.UNKNOWN_VALUE)


class Report:
    """What was found, each thing once."""

    def __init__(self):
        self.checked = collections.Counter()
        self.unknown = collections.Counter()
        self.findings = {}
        self.operations = set()
        self.tasks = {}
        self.odd = 0
        self.pages = 0

    def exchange(self, source, method, path, status, body, is_empty, place=None, switches=frozenset()):
        """Checks one exchange, if it is one of VI JSON. Ids of tasks mean the same within one place, if one is given; switches
        are those of its world that are on."""
        operation = tables.operation(method, path.partition("?")[0])
        if operation is None:
            return
        if isinstance(operation, str):
            if status in (200, 204):
                self.unknown[operation] += 1
            return
        self.checked[source] += 1
        self.operations.add(operation.name)
        types = tables.Tables(operation.prefix, operation.release)
        findings = types.answer(operation, status, body, is_empty)
        if status == 200 and isinstance(body, dict):
            if place is None:
                pass
            elif operation.is_task and not findings:
                self.tasks[(place, body["value"])] = operation
            elif operation.name in ("Task.info", "SmsTask.QuerySmsTaskInfo") and "result" in body:
                started = self.tasks.get((place, body["task"]["value"]))
                findings += types.task_result(started, body["result"]) if started else []
        for finding in findings:
            if finding.kind == tables.UNKNOWN_TYPE:
                self.unknown[f"type {finding.what}, {finding.detail}"] += 1
            else:
                self.findings.setdefault((finding.kind, finding.what, switches), (finding.detail, source))


def switches_of(target):
    """The switches of its world that are on, as a recording says behind what a call was about."""
    _, mark, names = target.rpartition(", odd: ")
    return frozenset(names.split("+")) if mark else frozenset()


def read_recordings(folder, report):
    for path in sorted(folder.rglob("*.jsonl")):
        # The simulator's own recordings are of many worlds, in which the same id stands for different tasks.
        place = None if path.parent.name == "simulator" else path
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                exchange = json.loads(line)
                outcome = exchange.get("outcome")
                answer = outcome.get("answer") if isinstance(outcome, dict) else None
                if answer is None:
                    continue  # the first line, or a call that got no answer
                switches = switches_of(exchange["target"])
                if switches & OTHER_FORM:
                    report.odd += 1
                    continue
                body = answer.get("body", "empty")
                if isinstance(body, dict) and "json" not in body:
                    continue  # too long, not JSON, or all of it a secret
                content = body["json"] if isinstance(body, dict) else None
                if isinstance(content, str) and content.startswith("<"):
                    report.pages += 1  # a test lets something in front of the vCenter answer with a page
                    continue
                request = exchange["request"]
                report.exchange(
                    "recordings", request["method"], request["path"], answer["status"], content, body == "empty", place, switches
                )


def read_fixtures(folder, report):
    for path in sorted(folder.rglob("*.json")):
        fixture = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(fixture, dict) or "response" not in fixture:
            continue
        request, answer = fixture["request"], fixture["response"]
        content = answer.get("body")
        is_empty = answer["status"] == 204 or "body" not in answer
        report.exchange("fixtures", request["method"], request["path"], answer["status"], content, is_empty)


class Oddity(typing.NamedTuple):
    """What is odd on purpose: everywhere, or in worlds with a switch."""

    kind: str
    what: str
    switch: str | None
    reason: str

    def covers(self, kind, what, switches):
        return kind == self.kind and fnmatch.fnmatchcase(what, self.what) and (self.switch is None or self.switch in switches)

    def __str__(self):
        where = f" (with {self.switch})" if self.switch else ""
        return f"{self.kind}{where}: {self.what}: {self.reason}"


def read_oddities(text, path):
    """Lines `kind: what: reason` or `kind (with SWITCH): what: reason`; `what` may have a `*`."""
    oddities = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            kind, _, rest = line.partition(": ")
            what, _, reason = rest.partition(": ")
            kind, _, switch = kind.removesuffix(")").partition(" (with ")
            if kind not in FAILING or not reason.strip():
                sys.exit(f"{path}:{number}: expected `kind: what: reason`, the kind one of {', '.join(FAILING)}")
            oddities.append(Oddity(kind, what, switch or None, reason))
    return oddities


def judge(findings, oddities):
    """Prints the findings, and tells how many no oddity covers, and which oddities cover one."""
    failures = 0
    met = set()
    for (kind, what, switches), (detail, source) in sorted(findings.items(), key=str):
        odd = next((oddity for oddity in oddities if oddity.covers(kind, what, switches)), None)
        if odd is not None:
            met.add(odd)
            continue
        failures += 1
        where = f" in a world with {', '.join(sorted(switches))}" if switches else ""
        print(f"FAILED: {kind}: {what}{where} ({detail}; {source})")
    for odd in sorted(met, key=str):
        print(f"odd on purpose: {odd}")
    return failures, met


def main():
    parser = argparse.ArgumentParser(description="Holds VI JSON answers against the type tables of pyvmomi.")
    parser.add_argument("--recordings", type=pathlib.Path, action="append", default=[])
    parser.add_argument("--fixtures", type=pathlib.Path, action="append", default=[])
    parser.add_argument("--walk", nargs=2, metavar=("ENDPOINTS", "CA_FILE"))
    arguments = parser.parse_args()
    report = Report()
    for folder in arguments.recordings:
        read_recordings(folder, report)
    for folder in arguments.fixtures:
        read_fixtures(folder, report)
    if arguments.walk:
        walk.walk(json.loads(pathlib.Path(arguments.walk[0]).read_text(encoding="utf-8")), arguments.walk[1], report)

    path = pathlib.Path(__file__).with_name("oddities.txt")
    oddities = read_oddities(path.read_text(encoding="utf-8"), path)
    failures, met = judge(report.findings, oddities)
    # Which oddities there are depends on what was looked at; only a look at everything can miss one.
    if arguments.recordings and arguments.fixtures and arguments.walk:
        for odd in sorted(set(oddities) - met, key=str):
            failures += 1
            print(f"FAILED: oddities.txt lists {odd}, and nothing has it")
    for what, count in sorted(report.unknown.items()):
        print(f"not known to pyvmomi, not checked: {what} ({count} times)")
    if report.odd:
        print(f"{report.odd} recorded answers have another form on purpose and were not checked")
    if report.pages:
        print(f"{report.pages} recorded answers are pages of whatever stood in front and were not checked")
    sources = ", ".join(f"{count} from {source}" for source, count in sorted(report.checked.items()))
    print(f"{sum(report.checked.values())} answers ({sources}) of {len(report.operations)} operations, {failures} failures")
    for source, given in (("recordings", arguments.recordings), ("fixtures", arguments.fixtures), ("walk", arguments.walk)):
        if given and not report.checked[source]:
            sys.exit(f"no answer of VI JSON in the {source}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
