"""The type tables of pyvmomi, as VI JSON writes their values.

`Tables.answer` holds the answer of one operation against the operation's declared result, `Tables.value` any value
against a type. Both give a list of findings; no finding means that all is as declared.
"""

import base64
import binascii
import dataclasses
import datetime
import re

from pyVmomi import VmomiSupport as support
from pyVmomi import pbm, sms, vim  # noqa: F401  (importing them fills the tables)

VIM, SMS, PBM = "urn:vim25", "urn:sms", "urn:pbm"
PATH = re.compile(r"^/sdk/vim25/(?P<release>[\d.]+)/(?:(?P<prefix>sms|pbm)/)?(?P<type>\w+)/(?P<id>[^/]+)/(?P<segment>\w+)$")
SPACES = {None: (VIM,), "sms": (SMS, VIM), "pbm": (PBM, VIM)}

# Kinds of findings. The first four fail a check unless the list of oddities has them.
UNKNOWN_MEMBER = "unknown member"
WRONG_TYPE = "wrong type"
MISSING_MEMBER = "missing member"
UNKNOWN_VALUE = "unknown enum value"
UNKNOWN_TYPE = "type that pyvmomi does not know"

# What SOAP writes into each object and JSON does not: `DynamicData` and the text of an exception.
SOAP_ONLY = {"dynamicType", "dynamicProperty", "msg"}

# Where a secret was struck out of a recording, there is a text for whatever was there.
STRUCK_OUT = re.compile(r"^(~struck-out\..*~|\*\*\*)$")

# The one method whose segment is not its name (VI JSON wire rules 1.4).
RENAMED = {"HostStorageSystem_MarkForRemoval": "MarkForRemoval"}

NUMBERS = {support.byte: 8, support.short: 16, int: 32, support.long: 64}
FLOATS = (float, support.double)
BOXES = {
    "boolean": bool,
    "byte": support.byte,
    "short": support.short,
    "int": int,
    "long": support.long,
    "float": float,
    "double": support.double,
    "string": str,
    "dateTime": datetime.datetime,
    "anyURI": support.URI,
    "base64Binary": support.binary,
    "TypeName": type,
    "PropertyPath": support.PropertyPath,
    "MethodName": support.ManagedMethod,
    "ManagedObjectReference": support.ManagedObject,
    "AnyType": object,
}
CAPITAL_BOXES = {name[0].upper() + name[1:]: kind for name, kind in BOXES.items()}


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is not as the tables say."""

    kind: str
    what: str  # Type.member, or the type: what an oddity is listed by
    detail: str


@dataclasses.dataclass(frozen=True)
class Operation:
    """What an operation answers with."""

    name: str
    result: object  # a type of pyvmomi; None for no answer
    optional: bool
    prefix: str | None
    release: str
    task_result: object = None  # what the task has as its result in the end; only if `is_task`
    is_task: bool = False


class Tables:
    """Looks types up for one of the three services; `release` is the one in the address, such as 8.0.3.0."""

    def __init__(self, prefix=None, release=None):
        self.spaces = SPACES[prefix]
        self.version = release and f"vim.version.v{release.replace('.', '_')}"
        if self.version not in support.parentMap:
            self.version = None

    def find(self, name):
        """The type of a name on the wire; None if there is none."""
        for space in self.spaces:
            try:
                return support.GetWsdlType(space, name)
            except KeyError:
                pass
        return None

    def is_newer(self, version):
        """Whether something came after the release that was asked for."""
        if self.version is None or not version.startswith("vim.version."):
            return False
        return version not in support.parentMap[self.version]

    def value(self, kind, value, where):
        """Findings for a value of a declared type."""
        if isinstance(value, str) and STRUCK_OUT.match(value):
            return []
        if kind is object:
            return self.any(value, where)
        if issubclass(kind, support.Array):
            if not isinstance(value, list):
                return [wrong(where, f"an array of {wire_name(kind.Item)}", value)]
            return [finding for item in value for finding in self.value(kind.Item, item, where)]
        if issubclass(kind, support.Enum):
            if not isinstance(value, str):
                return [wrong(where, wire_name(kind), value)]
            known = value in kind.values
            return [] if known else [Finding(UNKNOWN_VALUE, f"{wire_name(kind)}.{value}", where)]
        if issubclass(kind, support.ManagedObject):
            return self.reference(kind, value, where)
        if issubclass(kind, (support.DataObject, Exception)):
            return self.object(kind, value, where)
        return [] if is_scalar(kind, value) else [wrong(where, wire_name(kind), value)]

    def any(self, value, where):
        """An Any: a box, a reference or a data object, each with its name."""
        if not isinstance(value, dict) or not isinstance(value.get("_typeName"), str):
            return [wrong(where, "an Any, which has a _typeName", value)]
        name = value["_typeName"]
        if name == "ManagedObjectReference":
            return self.reference(support.ManagedObject, value, where)
        if "_value" in value:
            kind = self.box(name)
            if kind is None:
                return [Finding(UNKNOWN_TYPE, name, f"a box at {where}")]
            findings = [Finding(UNKNOWN_MEMBER, f"{name}.{m}", where) for m in value if m not in ("_typeName", "_value")]
            return findings + self.value(kind, value["_value"], f"{where}({name})")
        kind = self.find(name)
        if kind is None:
            return [Finding(UNKNOWN_TYPE, name, where)]
        if not issubclass(kind, (support.DataObject, Exception)):
            return [wrong(where, f"a box with a _value for {name}", value)]
        return self.object(kind, value, where)

    def box(self, name):
        """What is in a box of that name."""
        if name in BOXES and name not in ("ManagedObjectReference", "AnyType"):
            return BOXES[name]
        if name.startswith("ArrayOf"):
            item = name.removeprefix("ArrayOf")
            kind = CAPITAL_BOXES.get(item) or self.find(item) or self.find(item[0].lower() + item[1:])
            return kind and support.CreateArrayType(kind)
        kind = self.find(name)
        return kind if kind is not None and issubclass(kind, support.Enum) else None

    def reference(self, kind, value, where):
        if (
            not isinstance(value, dict)
            or value.get("_typeName") != "ManagedObjectReference"
            or not isinstance(value.get("type"), str)
            or not isinstance(value.get("value"), str)
        ):
            return [wrong(where, "a ManagedObjectReference with type and value", value)]
        findings = [
            Finding(UNKNOWN_MEMBER, f"ManagedObjectReference.{member}", where)
            for member in value
            if member not in ("_typeName", "type", "value")
        ]
        meant = self.find(value["type"]) or Tables("sms").find(value["type"]) or Tables("pbm").find(value["type"])
        if meant is None:
            findings.append(Finding(UNKNOWN_TYPE, value["type"], f"a reference at {where}"))
        elif not issubclass(meant, kind):
            findings.append(wrong(where, f"a reference to {wire_name(kind)}", value))
        return findings

    def object(self, declared, value, where):
        """A data object or a fault: its type fits, and its members are those of the type."""
        if not isinstance(value, dict) or not isinstance(value.get("_typeName"), str):
            return [wrong(where, f"a {wire_name(declared)} with its _typeName", value)]
        name = value["_typeName"]
        kind = self.find(name)
        if kind is None:
            return [Finding(UNKNOWN_TYPE, name, where)]
        if not isinstance(kind, type) or not issubclass(kind, declared):
            return [wrong(where, f"a {wire_name(declared)}", value)]
        members = {info.name: info for info in kind._GetPropertyList() if info.name not in SOAP_ONLY}
        findings = []
        for member, content in value.items():
            if member == "_typeName":
                continue
            at = f"{name}.{member}"
            info = members.get(member)
            if info is None:
                findings.append(Finding(UNKNOWN_MEMBER, at, where))
            elif self.is_newer(info.version):
                findings.append(Finding(UNKNOWN_MEMBER, at, f"{where}: it came with {info.version}"))
            else:
                findings += self.value(info.type, content, at)
        for member, info in members.items():
            if member not in value and not info.flags & support.F_OPTIONAL and not self.is_newer(info.version):
                findings.append(Finding(MISSING_MEMBER, f"{name}.{member}", where))
        return findings

    def task_result(self, operation, value):
        """Findings for the result of the task that an operation has started; that it is a right Any, `value` finds."""
        where = f"result of {operation.name}"
        expected = operation.task_result
        if expected is None or not isinstance(value, dict):
            return [wrong(where, "no result" if expected is None else wire_name(expected), value)]
        name = value.get("_typeName")
        if issubclass(expected, support.ManagedObject):
            return self.reference(expected, value, where)
        found = self.box(name) if "_value" in value else self.find(name)
        if found is None:
            return []
        if issubclass(expected, support.Array):
            # What is in the box may be of subtypes; the box itself is named after what is declared.
            fits = issubclass(found, support.Array) and found.Item is expected.Item
        else:
            fits = issubclass(found, expected)
        return [] if fits else [wrong(where, wire_name(expected), value)]

    def managed(self, name):
        """The managed type of a name; None if there is none."""
        kind = self.find(name)
        return kind if kind is not None and issubclass(kind, support.ManagedObject) else None

    def answer(self, operation, status, body, is_empty):
        """Findings for an answer; `body` is its JSON."""
        where = operation.name
        if status == 500:
            return self.object(self.find("MethodFault"), body, f"fault of {where}")
        if status not in (200, 204):
            return []
        if status == 204 or is_empty:
            fits = operation.result is None or operation.optional
            return [] if fits else [wrong(where, wire_name(operation.result), None)]
        if operation.result is None:
            return [wrong(where, "no value", body)]
        if body is None and operation.optional:
            return []
        return self.value(operation.result, body, where)


def operation(method, path):
    """What pyvmomi knows of a request; a text that says why, if it does not."""
    match = PATH.match(path)
    if match is None:
        return None
    tables = Tables(match["prefix"])
    kind = tables.managed(match["type"])
    if kind is None:
        return f"managed type {match['type']}"
    segment = match["segment"]
    name = f"{match['type']}.{segment}"
    if method == "GET":
        for info in properties(kind):
            if info.name == segment:
                return Operation(name, info.type, bool(info.flags & support.F_OPTIONAL), match["prefix"], match["release"])
        return f"property {name}"
    for base in kind.__mro__:
        for info in vars(base).get("_methodInfo", {}).values():
            if info.wsdlName == RENAMED.get(segment, segment):
                # That of a task method is the reference to its task; the flag is about what the task has as its result.
                result = None if info.result is support.NoneType else info.result
                optional = not info.isTask and bool(info.resultFlags & support.F_OPTIONAL)
                in_the_end = None if info.methodResult is support.NoneType else info.methodResult
                return Operation(
                    name, result, optional, match["prefix"], match["release"], in_the_end if info.isTask else None, info.isTask
                )
    return f"method {name}"


def properties(kind):
    """The properties of a managed type, inherited ones included."""
    found = {}
    for base in reversed(kind.__mro__):
        for info in vars(base).get("_propList", []):
            found[info.name] = info
    return list(found.values())


def wire_name(kind):
    if kind is support.ManagedMethod:
        return "MethodName"
    if isinstance(kind, type) and issubclass(kind, support.Array):
        return f"ArrayOf{wire_name(kind.Item)}"
    return getattr(kind, "_wsdlName", None) or kind.__name__


def wrong(where, expected, value):
    shown = value
    if isinstance(value, dict):
        shown = value.get("_typeName", "an object without a name")
    elif isinstance(value, list):
        shown = "an array"
    return Finding(WRONG_TYPE, where, f"expected {expected}, found {shown!r}")


def is_scalar(kind, value):
    """Whether a value that is no object is of a type."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is bool:
        return isinstance(value, bool)
    if kind in NUMBERS:
        bits = NUMBERS[kind]
        return is_number and isinstance(value, int) and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)
    if kind in FLOATS:
        return is_number
    if not isinstance(value, str):
        return False
    if kind is datetime.datetime:
        return is_time(value)
    if kind is support.binary:
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            return False
    return True


def is_time(text):
    """Whether a text is a time of RFC 3339."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text):
        return False
    try:
        datetime.datetime.fromisoformat(re.sub(r"\.\d+", "", text).replace("Z", "+00:00"))
    except ValueError:
        return False
    return True
