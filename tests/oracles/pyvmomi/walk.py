"""Asks a served simulator for everything it has: each property of each kind of object that the inventory leads to.

It starts at the service contents and follows every reference that an answer holds; of each type it asks some objects for
all properties that pyvmomi lists, one by one and together, and for what methods without parameters answer.
"""

import http.client
import json
import ssl
import urllib.parse

import tables

# Of each managed type so many objects are asked; more would be more of the same.
PER_TYPE = 4

# Methods without parameters that change nothing.
QUERIES = {
    "SmsServiceInstance": ("QueryAboutInfo", "QueryStorageManager", "QuerySessionManager"),
    "SmsStorageManager": ("QueryProvider", "QueryArray", "QueryFaultDomain", "QueryStorageContainer"),
    "VasaProvider": ("QueryProviderInfo", "QueryReplicationGroup", "QueryReplicationPeer"),
    "PbmServiceInstance": ("PbmRetrieveServiceContent",),
    "HostNetworkSystem": ("RefreshNetworkSystem",),
    "ServiceInstance": ("RetrieveServiceContent", "CurrentTime"),
}
PREFIXES = {"Sms": "sms/", "Vasa": "sms/", "Pbm": "pbm/"}


class Client:
    """One connection to a vCenter, kept."""

    def __init__(self, vcenter, ca_file, report):
        address = urllib.parse.urlsplit(vcenter["url"])
        context = ssl.create_default_context(cafile=ca_file)
        self.connection = http.client.HTTPSConnection(address.hostname, address.port, timeout=30, context=context)
        self.report = report
        self.token = None

    def call(self, method, path, body=None):
        """Status and JSON of an answer, which goes into the report."""
        headers = {"content-type": "application/json"} if body is not None else {}
        if self.token:
            headers["vmware-api-session-id"] = self.token
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        raw = answer.read()
        self.token = answer.headers.get("vmware-api-session-id") or self.token
        is_json = "json" in (answer.headers.get("content-type") or "")
        content = json.loads(raw) if raw and is_json else None
        if is_json or not raw:
            self.report.exchange("walk", method, path, answer.status, content, not raw)
        return answer.status, content


def references(value):
    """All references in an answer."""
    if isinstance(value, dict):
        if value.get("_typeName") == "ManagedObjectReference":
            yield value["type"], value["value"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for element in value:
            yield from references(element)


def prefix_of(kind):
    return next((path for start, path in PREFIXES.items() if kind.startswith(start)), "")


def visit(client, base, collector, kind, identifier):
    """Asks one object for everything; the answers."""
    prefix = prefix_of(kind)
    managed = tables.Tables(prefix.rstrip("/") or None).managed(kind)
    address = f"{base}/{prefix}{kind}/{urllib.parse.quote(identifier, safe='')}"
    listed = [] if managed is None else [info.name for info in tables.properties(managed)]
    for name in listed:
        yield client.call("GET", f"{address}/{name}")[1]
    for method in QUERIES.get(kind, ()):
        yield client.call("POST", f"{address}/{method}", {} if method.startswith("QueryReplication") else None)[1]
    if listed and not prefix:
        spec = {
            "_typeName": "PropertyFilterSpec",
            "propSet": [{"_typeName": "PropertySpec", "type": kind, "all": True}],
            "objectSet": [
                {
                    "_typeName": "ObjectSpec",
                    "obj": {"_typeName": "ManagedObjectReference", "type": kind, "value": identifier},
                }
            ],
        }
        body = {"specSet": [spec], "options": {"_typeName": "RetrieveOptions"}}
        yield client.call("POST", f"{collector}/RetrievePropertiesEx", body)[1]


def walk_vcenter(vcenter, ca_file, report):
    client = Client(vcenter, ca_file, report)
    _, hello = client.call("POST", "/api/vcenter/system?action=hello", {"api_releases": ["9.1.0.0", "9.0.0.0", "8.0.3.0"]})
    base = f"/sdk/vim25/{hello['api_release']}"
    _, content = client.call("GET", f"{base}/ServiceInstance/ServiceInstance/content")
    sessions = f"{base}/SessionManager/{content['sessionManager']['value']}"
    collector = f"{base}/PropertyCollector/{content['propertyCollector']['value']}"
    user = {"userName": vcenter["username"], "password": vcenter["password"]}
    status, _ = client.call("POST", f"{sessions}/Login", user)
    if status != 200:
        raise SystemExit(f"no session at {vcenter['url']}: {status}")
    waiting = [(f"{root}ServiceInstance", "ServiceInstance") for root in ("", "Sms", "Pbm")]
    seen, asked = set(waiting), {}
    while waiting:
        kind, identifier = waiting.pop(0)
        asked[kind] = asked.get(kind, 0) + 1
        if asked[kind] > PER_TYPE:
            continue
        for answer in visit(client, base, collector, kind, identifier):
            for found in references(answer):
                if found not in seen:
                    seen.add(found)
                    waiting.append(found)
    client.call("POST", f"{sessions}/Logout")


def walk(endpoints, ca_file, report):
    """Walks over all vCenters of a ready line."""
    for vcenter in endpoints["vcenters"]:
        walk_vcenter(vcenter, ca_file, report)
