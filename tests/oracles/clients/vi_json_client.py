"""A client of VI JSON in the manner of other people's, against a served simulator, over HTTP/1.1 and over HTTP/2.

    vi_json_client.py ENDPOINTS CA_FILE

ENDPOINTS is a file with the ready line of `farside sim`. What such clients are known to do, and our own does not: `_typeName`
in the root of request bodies, after the schema or after the method; named traversals of the whole inventory from the root
folder; the view itself in a filter whose properties it does not have; paths that end deep in nested objects, and at an
element of an array; a wait in flight while the view under it is changed; connections that are kept throughout.
"""

import json
import pathlib
import sys
import threading
import time
import urllib.parse

import httpx

PATIENCE = 60  # seconds that a piece of remote work may take

# The traversals that cover the inventory, as one finds them in samples for any language: name, type, path, what follows.
TRAVERSALS = (
    ("visitFolders", "Folder", "childEntity", ("visitFolders", "dcToHf", "dcToVmf", "dcToDs", "dcToNet", "crToH", "crToRp", "hToVm", "rpToVm")),
    ("dcToHf", "Datacenter", "hostFolder", ("visitFolders",)),
    ("dcToVmf", "Datacenter", "vmFolder", ("visitFolders",)),
    ("dcToDs", "Datacenter", "datastoreFolder", ("visitFolders",)),
    ("dcToNet", "Datacenter", "networkFolder", ("visitFolders",)),
    ("crToH", "ComputeResource", "host", ("hToVm",)),
    ("crToRp", "ComputeResource", "resourcePool", ("rpToRp", "rpToVm")),
    ("rpToRp", "ResourcePool", "resourcePool", ("rpToRp", "rpToVm")),
    ("rpToVm", "ResourcePool", "vm", ()),
    ("hToVm", "HostSystem", "vm", ()),
)


class Fault(Exception):
    """A fault in a 500."""

    def __init__(self, body):
        super().__init__(body["_typeName"])
        self.body = body


def ref(kind, identifier):
    return {"_typeName": "ManagedObjectReference", "type": kind, "value": identifier}


def unboxed(value):
    """What is in a box, or the value itself where it is in none."""
    return value["_value"] if isinstance(value, dict) and "_value" in value else value


def named(name, /, **members):
    """An object with its type last, as one of a map that is not sorted may have it."""
    return {**members, "_typeName": name}


class Client:
    """A session with a vCenter. `body_name` makes the `_typeName` of a body's root from the name of a method."""

    def __init__(self, vcenter, ca_file, http2, body_name):
        import ssl

        self.version = "HTTP/2" if http2 else "HTTP/1.1"
        self.body_name = body_name
        self.http = httpx.Client(
            base_url=vcenter["url"],
            verify=ssl.create_default_context(cafile=ca_file),
            http1=not http2,
            http2=http2,
            timeout=PATIENCE,
            headers={"User-Agent": "inventory-report/2.1 (python)"},
        )
        hello = self.exchange("POST", "/api/vcenter/system?action=hello", {"api_releases": ["9.1.0.0", "9.0.0.0", "8.0.3.0"]})
        self.base = f"/sdk/vim25/{hello['api_release']}"
        self.content = self.get(ref("ServiceInstance", "ServiceInstance"), "content")
        self.call(self.content["sessionManager"], "Login", userName=vcenter["username"], password=vcenter["password"], locale="en_US")

    def exchange(self, method, path, body=None):
        answer = self.http.request(method, path, json=body)
        assert answer.http_version == self.version, answer.http_version
        token = answer.headers.get("vmware-api-session-id")
        if token and answer.is_success:
            self.http.headers["vmware-api-session-id"] = token
        if answer.status_code == 500:
            raise Fault(answer.json())
        answer.raise_for_status()
        return answer.json() if answer.content else None

    @staticmethod
    def path_of(obj):
        prefix = next((p for start, p in (("Sms", "sms/"), ("Vasa", "sms/"), ("Pbm", "pbm/")) if obj["type"].startswith(start)), "")
        # Ids go into the path as they are, brackets included.
        return f"{prefix}{obj['type']}/{urllib.parse.quote(obj['value'], safe='[]:')}"

    def get(self, obj, name):
        return self.exchange("GET", f"{self.base}/{self.path_of(obj)}/{name}")

    def call(self, obj, method, /, **parameters):
        body = {"_typeName": self.body_name(method), **parameters} if parameters else None
        return self.exchange("POST", f"{self.base}/{self.path_of(obj)}/{method}", body)

    def retrieve(self, object_set, prop_set, page=100):
        """All pages of a RetrievePropertiesEx: for each reference its properties, out of their boxes."""
        collector = self.content["propertyCollector"]
        spec = named("PropertyFilterSpec", propSet=prop_set, objectSet=object_set, reportMissingObjectsInResults=True)
        options = named("RetrieveOptions", maxObjects=page)
        result = self.call(collector, "RetrievePropertiesEx", specSet=[spec], options=options)
        found = {}
        while result:
            for entry in result["objects"]:
                key = (entry["obj"]["type"], entry["obj"]["value"])
                assert key not in found, f"{key} comes twice"
                found[key] = {p["name"]: unboxed(p["val"]) for p in entry.get("propSet", [])}
            if not result.get("token"):
                break
            result = self.call(collector, "ContinueRetrievePropertiesEx", token=result["token"])
        return found

    def from_view(self, view):
        traversal = named("TraversalSpec", name="traverseEntities", type=view["type"], path="view", skip=False)
        return [named("ObjectSpec", obj=view, skip=False, selectSet=[traversal])]

    def in_view(self, kind, paths, container=None):
        """Properties of all objects of a type below a container, by a view that is destroyed again."""
        manager = self.content["viewManager"]
        view = self.call(manager, "CreateContainerView", container=container or self.content["rootFolder"], type=[kind], recursive=True)
        try:
            return self.retrieve(self.from_view(view), [named("PropertySpec", type=kind, pathSet=paths)])
        finally:
            self.call(view, "DestroyView")


def until(what, question):
    """Asks until the answer is true."""
    end = time.monotonic() + PATIENCE
    while not (answer := question()):
        assert time.monotonic() < end, f"{what}: not within {PATIENCE} s"
        time.sleep(0.1)
    return answer


def inventory(client):
    """The whole inventory from the root folder is what the views hold."""
    selection = [
        named(
            "TraversalSpec",
            name=name,
            type=kind,
            path=path,
            skip=False,
            selectSet=[named("SelectionSpec", name=follows) for follows in then],
        )
        for name, kind, path, then in TRAVERSALS
    ]
    start = named("ObjectSpec", obj=client.content["rootFolder"], skip=False, selectSet=selection)
    everything = client.retrieve([start], [named("PropertySpec", type="ManagedEntity", pathSet=["name", "parent"])], page=7)
    for kind in ("HostSystem", "VirtualMachine", "Datastore", "Datacenter", "ClusterComputeResource", "Network"):
        viewed = client.in_view(kind, ["name"])
        walked = {key for key in everything if key[0] in {k for k, _ in viewed} or key[0] == kind}
        assert viewed and walked == set(viewed), f"{kind}: {sorted(walked ^ set(viewed))}"
        assert all(everything[key]["name"] == viewed[key]["name"] for key in viewed)
    assert all(entry["name"] for entry in everything.values())
    return len(everything)


def nested_paths(client):
    """Paths that end deep in nested objects give what stands there in the whole object."""
    paths = ["summary.runtime.connectionState", "runtime.connectionState", "summary.config.name", "config.network.pnic", "summary"]
    hosts = client.in_view("HostSystem", paths)
    assert hosts
    for entry in hosts.values():
        assert set(entry) == set(paths), set(entry)
        assert entry["summary.runtime.connectionState"] == entry["runtime.connectionState"]
        assert entry["summary"]["runtime"]["connectionState"] == entry["runtime.connectionState"]
        assert entry["summary.config.name"] == entry["summary"]["config"]["name"]
        assert all(nic["_typeName"] == "PhysicalNic" for nic in entry["config.network.pnic"])
    machines = client.in_view("VirtualMachine", ["config.hardware.device", "config.hardware.numCPU", "summary.config.vmPathName", "guest.guestState"])
    assert machines
    for (kind, identifier), entry in machines.items():
        assert isinstance(entry["config.hardware.numCPU"], int)
        # An element of an array by its key; a member that only a subtype of it has might be refused.
        key = entry["config.hardware.device"][0]["key"]
        path = f"config.hardware.device[{key}].key"
        start = [named("ObjectSpec", obj=ref(kind, identifier))]
        one = client.retrieve(start, [named("PropertySpec", type=kind, pathSet=[path])])
        assert one == {(kind, identifier): {path: key}}, one
    try:
        client.in_view("HostSystem", ["summary.runtime.nonsense"])
    except Fault as fault:
        assert fault.body["_typeName"] == "InvalidProperty" and fault.body["name"] == "summary.runtime.nonsense", fault.body
    else:
        raise AssertionError("a path that does not exist was taken")


def tasks(client):
    """A machine is switched over and back; its tasks are waited for on a list view that changes while the wait is in flight."""
    machines = client.in_view("VirtualMachine", ["runtime.powerState", "name"])
    key, entry = next(iter(machines.items()))
    machine, switch = ref(*key), [("PowerOffVM_Task", "poweredOff"), ("PowerOnVM_Task", "poweredOn")]
    if entry["runtime.powerState"] == "poweredOff":
        switch.reverse()
    collector = client.call(client.content["propertyCollector"], "CreatePropertyCollector")
    view = client.call(client.content["viewManager"], "CreateListView", obj=[])
    spec = named(
        "PropertyFilterSpec",
        propSet=[named("PropertySpec", type="Task", pathSet=["info.state", "info.error", "info.result", "info.progress"])],
        objectSet=client.from_view(view),
        reportMissingObjectsInResults=False,
    )
    client.call(collector, "CreateFilter", spec=spec, partialUpdates=True)
    states, version, stopped = {}, "", threading.Event()

    def watch():
        nonlocal version
        while not stopped.is_set():
            options = named("WaitOptions", maxWaitSeconds=2, maxObjectUpdates=256)
            updates = client.call(collector, "WaitForUpdatesEx", version=version, options=options)
            if updates is None:
                continue
            version = updates["version"]
            for found in updates.get("filterSet", []):
                for entry in found.get("objectSet", []):
                    for change in entry.get("changeSet", []):
                        states.setdefault(entry["obj"]["value"], {})[change["name"]] = unboxed(change.get("val"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for method, expected in switch:
            task = client.call(machine, method)
            assert task["type"] == "Task", task
            client.call(view, "ModifyListView", add=[task], remove=[])
            until(f"{method} is told of", lambda: states.get(task["value"], {}).get("info.state") in ("success", "error"))
            info = client.get(task, "info")
            assert info["_typeName"] == "TaskInfo" and info["state"] == "success", info
            assert states[task["value"]]["info.state"] == "success", states
            assert client.get(machine, "runtime")["powerState"] == expected
            client.call(view, "ModifyListView", add=[], remove=[task])
    finally:
        stopped.set()
        watcher.join()
    client.call(view, "DestroyView")
    client.call(collector, "DestroyPropertyCollector")


def dpu(client, nth):
    """The nth offloaded switch of the inventory goes over to its standby uplinks."""

    def uplinks(system):
        for switch in client.get(system, "networkInfo")["proxySwitch"]:
            if switch.get("networkOffloadingEnabled") and switch.get("hostUplinkState"):
                return switch["dvsName"], sorted(u["uplinkName"] for u in switch["hostUplinkState"] if u["state"] == "active")
        return None

    hosts = client.in_view("HostSystem", ["configManager.networkSystem"])
    systems = [entry["configManager.networkSystem"] for _, entry in sorted(hosts.items())]
    offloaded = [system for system in systems if uplinks(system)]
    assert len(offloaded) > nth, f"{len(offloaded)} offloaded switches"
    system = offloaded[nth]
    name, before = uplinks(system)
    assert client.call(system, "startDpuFailover", dvsName=name) is None
    until("other uplinks are active", lambda: uplinks(system)[1] not in ([], before))
    try:
        client.call(system, "startDpuFailover", dvsName="nonsense", targetDpuAlias="vmdpu7")
    except Fault as fault:
        assert fault.body["_typeName"] == "InvalidArgument", fault.body
    else:
        raise AssertionError("a switch that does not exist went over")


def sms(client):
    """A group is synchronised at its target, and the point in time is found."""
    root = ref("SmsServiceInstance", "ServiceInstance")
    manager = client.call(root, "QueryStorageManager")
    for provider in client.call(manager, "QueryProvider"):
        groups = client.call(provider, "QueryReplicationGroup") or []
        target = next((g["groupId"] for g in groups if g.get("rgInfo", {}).get("state") == "TARGET"), None)
        if target:
            break
    else:
        raise AssertionError("no group in state TARGET")
    task = client.call(provider, "SyncReplicationGroup_Task", groupId=[target], pitName=f"foreign {client.version}")
    assert task["type"] == "SmsTask", task
    info = until("the sync ends", lambda: (i := client.call(task, "QuerySmsTaskInfo"))["state"] in ("success", "error") and i)
    assert info["state"] == "success", info
    entry = info["result"]["_value"][0]
    assert entry["_typeName"] == "SyncReplicationGroupSuccessResult" and entry["groupId"] == target, entry
    points = client.call(provider, "QueryPointInTimeReplica", groupId=[target])
    assert f"foreign {client.version}" in [p["pitName"] for p in points[0]["replicaInfo"]], points


def whole(vcenter, ca_file, http2, body_name, nth):
    client = Client(vcenter, ca_file, http2, body_name)
    objects = inventory(client)
    nested_paths(client)
    tasks(client)
    dpu(client, nth)
    sms(client)
    client.call(client.content["sessionManager"], "Logout")
    try:
        client.get(client.content["rootFolder"], "name")
    except Fault as fault:
        assert fault.body["_typeName"] == "NotAuthenticated", fault.body
    else:
        raise AssertionError("the session outlives its end")
    print(f"{client.version}: {objects} objects in the inventory; properties, views, tasks, DPU and SMS are as they should be")


def main():
    endpoints = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    vcenter = endpoints["vcenters"][1]
    without_task = "{}RequestType".format
    whole(vcenter, sys.argv[2], False, lambda method: without_task(method.removesuffix("_Task")), 0)
    whole(vcenter, sys.argv[2], True, lambda method: method, 1)


if __name__ == "__main__":
    main()
