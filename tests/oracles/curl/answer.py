"""Reads one answer for the scripts beside this file.

    answer.py pick FILE EXPRESSION [ARGUMENT...]    prints the value: text as it is, all else as JSON
    answer.py check FILE EXPRESSION [ARGUMENT...]   exits with 1 unless the value is true

In an expression `d` is the JSON of the answer and `a` the list of arguments. The functions below are what the wire
rules say about shapes.
"""

import datetime
import json
import re
import sys


def objects(value):
    """All JSON objects in a value, itself included."""
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from objects(member)
    elif isinstance(value, list):
        for element in value:
            yield from objects(element)


def unnamed(value):
    """Objects of a VI JSON value that do not carry `_typeName`."""
    return [o for o in objects(value) if not isinstance(o.get("_typeName"), str)]


def is_ref(value, kind=None):
    """A managed object reference, of one type if `kind` is given."""
    return (
        isinstance(value, dict)
        and set(value) == {"_typeName", "type", "value"}
        and value["_typeName"] == "ManagedObjectReference"
        and isinstance(value["value"], str)
        and value["value"] != ""
        and (kind is None or value["type"] == kind)
    )


def is_fault(value):
    """A fault object: named throughout, its messages localizable ones, its cause another fault."""
    messages = value.get("faultMessage", [])
    cause = value.get("faultCause")
    return (
        not unnamed(value)
        and "fault" not in value
        and all(m["_typeName"] == "LocalizableMessage" and isinstance(m["key"], str) for m in messages)
        and (cause is None or is_fault(cause))
    )


def boxed(value, name):
    """What is in the box of that name: a primitive, an enum value or an array in an Any."""
    assert set(value) == {"_typeName", "_value"}, value
    assert value["_typeName"] == name, value
    return value["_value"]


def is_time(text):
    """A time as RFC 3339 writes it."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text):
        return False
    datetime.datetime.fromisoformat(re.sub(r"\.\d+", "", text).replace("Z", "+00:00"))
    return True


def is_int(value):
    """An integer; `true` is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def has(value, **kinds):
    """The members are there and have these Python types."""
    for name, kind in kinds.items():
        if name not in value or not isinstance(value[name], kind) or (kind is int and isinstance(value[name], bool)):
            raise AssertionError(f"{name}: {value.get(name, 'absent')!r}")
    return True


def is_std_error(value):
    """An error of the vCenter REST API: messages, each with its three members."""
    return (
        isinstance(value["messages"], list)
        and len(value["messages"]) > 0
        and all(has(m, id=str, default_message=str, args=list) for m in value["messages"])
    )


def is_api_error(value):
    """An error of VCDA: at most these four members, and a code."""
    return (
        isinstance(value["code"], str)
        and set(value) <= {"code", "msg", "args", "stacktrace"}
        and isinstance(value.get("msg", ""), str)
        and all(isinstance(x, str) for x in value.get("args") or [])
    )


def properties(result):
    """The answer of RetrievePropertiesEx: for each object's id its properties by name."""
    return {
        o["obj"]["value"]: {p["name"]: p["val"] for p in o.get("propSet", [])} for o in (result or {}).get("objects", [])
    }


def main():
    verb, path, text, *arguments = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        raw = file.read()
    scope = dict(globals(), d=json.loads(raw), a=arguments)
    value = eval(f"({text}\n)", scope)  # the scripts' own expressions, nothing that a server sent
    if verb == "pick":
        print(value if isinstance(value, str) else json.dumps(value))
    elif not value:
        sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, KeyError, IndexError, TypeError, ValueError, StopIteration) as trouble:
        sys.exit(f"{type(trouble).__name__}: {trouble}")
