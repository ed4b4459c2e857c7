#!/usr/bin/env bash
# Properties: one by one, by the collector from a view and from the root folder, in pages, and as they change.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
vim_login
collector=$BASE/PropertyCollector/$(content propertyCollector)
views=$BASE/ViewManager/$(content viewManager)
root=$(content rootFolder)

ref() {
    printf '{"_typeName": "ManagedObjectReference", "type": "%s", "value": "%s"}' "$1" "$2"
}
paths() {
    printf '{"_typeName": "PropertySpec", "type": "%s", "pathSet": %s}' "$1" "$2"
}
filter_spec() {
    printf '{"_typeName": "PropertyFilterSpec", "propSet": [%s], "objectSet": [%s]}' "$1" "$2"
}
retrieve() {
    call POST "$collector/RetrievePropertiesEx" \
        "{\"specSet\": [$1], \"options\": ${2:-{\"_typeName\": \"RetrieveOptions\"\}}}"
}

call GET "$BASE/Folder/$root/childEntity"
status 'an array of references as a property' 200
check 'it is a bare array' 'isinstance(d, list) and len(d) > 0 and all(is_ref(x) for x in d)'
call GET "$BASE/Folder/$root/nonsense"
[[ $STATUS == 500 || $STATUS == 404 ]] || die "a property that does not exist: expected a refusal, got $STATUS"
call GET "$BASE/Folder/group-nonsense/name"
fault 'an object that does not exist' ManagedObjectNotFound

call POST "$views/CreateContainerView" "{\"container\": $(ref Folder "$root"), \"type\": [\"HostSystem\"], \"recursive\": true}"
status 'a view of all hosts' 200
check 'the answer is a reference to a ContainerView' 'is_ref(d, "ContainerView")'
view=$(pick 'd["value"]')
call GET "$BASE/ContainerView/$(segment "$view")/view"
status 'what the view holds' 200
check 'references to hosts' 'len(d) > 0 and all(is_ref(x, "HostSystem") for x in d)'
hosts=$(pick '" ".join(sorted(x["value"] for x in d))')
through_view="{\"_typeName\": \"ObjectSpec\", \"obj\": $(ref ContainerView "$view"), \"skip\": true, \"selectSet\":
    [{\"_typeName\": \"TraversalSpec\", \"name\": \"members\", \"type\": \"ContainerView\", \"path\": \"view\", \"skip\": false}]}"

wanted='["name", "runtime.connectionState", "runtime.inMaintenanceMode", "configManager.networkSystem", "summary", "parent"]'
retrieve "$(filter_spec "$(paths HostSystem "$wanted")" "$through_view")"
status 'properties of all hosts' 200
check 'a RetrieveResult, all in it is named' 'd["_typeName"] == "RetrieveResult" and not unnamed(d)'
check 'each host of the view is there once' \
    'sorted(o["obj"]["value"] for o in d["objects"]) == a[0].split() and all(o["_typeName"] == "ObjectContent" for o in d["objects"])' "$hosts"
check 'each entry has a name and a value' \
    'all(set(p) == {"_typeName", "name", "val"} and p["_typeName"] == "DynamicProperty" for o in d["objects"] for p in o["propSet"])'
check 'a text is boxed as string' 'all(isinstance(boxed(p["name"], "string"), str) for p in properties(d).values())'
check 'an enum value is boxed under the name of its enum' \
    'all(boxed(p["runtime.connectionState"], "HostSystemConnectionState") in ["connected", "disconnected", "notResponding"]
     for p in properties(d).values())'
check 'a truth value is boxed as boolean' \
    'all(isinstance(boxed(p["runtime.inMaintenanceMode"], "boolean"), bool) for p in properties(d).values())'
check 'a reference is in no box' \
    'all(is_ref(p["configManager.networkSystem"], "HostNetworkSystem") and is_ref(p["parent"]) for p in properties(d).values())'
check 'a data object is in no box' \
    'all(p["summary"]["_typeName"] == "HostListSummary" and "_value" not in p["summary"] for p in properties(d).values())'
host=${hosts%% *}
name=$(pick 'properties(d)[a[0]]["name"]["_value"]' "$host")
call GET "$BASE/HostSystem/$host/name"
check 'the property alone says the same' 'd == a[0]' "$name"

retrieve "$(filter_spec "$(paths HostSystem '["name", "vm", "config.network.pnic"]')" "$through_view")"
status 'arrays of all hosts' 200
check 'an array of references is boxed as ArrayOfManagedObjectReference' \
    'all(is_ref(x, "VirtualMachine") for p in properties(d).values() for x in boxed(p["vm"], "ArrayOfManagedObjectReference"))'
check 'an array of data objects is boxed after their type, and they keep theirs' \
    'all(x["_typeName"] == "PhysicalNic" for p in properties(d).values() if "config.network.pnic" in p
     for x in boxed(p["config.network.pnic"], "ArrayOfPhysicalNic"))'

retrieve "$(filter_spec "$(paths HostSystem '["name", "nonsense"]')" "$through_view")"
fault 'a path that the type does not have' InvalidProperty
check 'the fault names the path' 'd["name"] == "nonsense"'

pages=0 seen=''
retrieve "$(filter_spec "$(paths HostSystem '["name"]')" "$through_view")" '{"_typeName": "RetrieveOptions", "maxObjects": 1}'
status 'one object at a time' 200
while :; do
    check "page $((pages += 1)) has one object" 'len(d["objects"]) == 1'
    seen+=" $(pick 'd["objects"][0]["obj"]["value"]')"
    token=$(pick 'd.get("token") or ""')
    [[ -n $token ]] || break
    call POST "$collector/ContinueRetrievePropertiesEx" "{\"token\": $(quoted "$token")}"
    status 'the next page' 200
done
check 'the pages hold all hosts' 'sorted(a[0].split()) == a[1].split()' "$seen" "$hosts"
call POST "$collector/ContinueRetrievePropertiesEx" '{"token": "nonsense"}'
[[ $STATUS == 500 ]] || die 'a token that never was: expected a fault'

call POST "$views/CreateContainerView" "{\"container\": $(ref Folder "$root"), \"type\": [\"Datastore\"], \"recursive\": false}"
empty=$(pick 'd["value"]')
retrieve "$(filter_spec "$(paths Datastore '["name"]')" "${through_view/$view/$empty}")"
no_value 'nothing matches'

again='{"_typeName": "SelectionSpec", "name": "folders"}'
from_root="{\"_typeName\": \"ObjectSpec\", \"obj\": $(ref Folder "$root"), \"skip\": false, \"selectSet\": [
    {\"_typeName\": \"TraversalSpec\", \"name\": \"folders\", \"type\": \"Folder\", \"path\": \"childEntity\", \"selectSet\":
        [$again, {\"_typeName\": \"SelectionSpec\", \"name\": \"datacenters\"}, {\"_typeName\": \"SelectionSpec\", \"name\": \"computes\"}]},
    {\"_typeName\": \"TraversalSpec\", \"name\": \"datacenters\", \"type\": \"Datacenter\", \"path\": \"hostFolder\", \"selectSet\": [$again]},
    {\"_typeName\": \"TraversalSpec\", \"name\": \"computes\", \"type\": \"ComputeResource\", \"path\": \"host\"}]}"
retrieve "$(filter_spec "$(paths HostSystem '["name"]'), $(paths ManagedEntity '["name", "parent"]')" "$from_root")"
status 'the inventory from the root folder, by traversals that name each other' 200
check 'the same hosts are found' \
    'sorted(o["obj"]["value"] for o in d["objects"] if o["obj"]["type"] == "HostSystem") == a[0].split()' "$hosts"
check 'each object has a parent but the root' \
    'all(("parent" in p) == (i != a[0]) for i, p in properties(d).items())' "$root"

call POST "$collector/CreateFilter" "{\"spec\": $(filter_spec "$(paths HostSystem '["name", "runtime.connectionState"]')" "$through_view"), \"partialUpdates\": false}"
status 'a filter' 200
check 'the answer is a reference to a PropertyFilter' 'is_ref(d, "PropertyFilter")'
filter=$(pick 'd["value"]')
call POST "$collector/WaitForUpdatesEx" '{"version": "", "options": {"_typeName": "WaitOptions", "maxWaitSeconds": 10}}'
status 'the first look' 200
check 'an UpdateSet with all hosts as new' \
    'd["_typeName"] == "UpdateSet" and not unnamed(d) and [f["filter"]["value"] for f in d["filterSet"]] == [a[0]]
     and sorted(o["obj"]["value"] for o in d["filterSet"][0]["objectSet"]) == a[1].split()
     and all(o["kind"] == "enter" for o in d["filterSet"][0]["objectSet"])' "$filter" "$hosts"
check 'their properties are assigned' \
    'all(c["op"] == "assign" and c["val"]["_typeName"] in ["string", "HostSystemConnectionState"]
     for o in d["filterSet"][0]["objectSet"] for c in o["changeSet"])'
version=$(pick 'd["version"]')
call POST "$collector/WaitForUpdatesEx" "{\"version\": $(quoted "$version"), \"options\": {\"_typeName\": \"WaitOptions\", \"maxWaitSeconds\": 0}}"
no_value 'nothing has changed since'
call POST "$collector/WaitForUpdatesEx" '{"version": "nonsense", "options": {"_typeName": "WaitOptions", "maxWaitSeconds": 0}}'
fault 'a version that never was' InvalidCollectorVersion
call POST "$BASE/PropertyFilter/$filter/DestroyPropertyFilter"
no_content 'the filter is destroyed'
for gone in "$view" "$empty"; do
    call POST "$BASE/ContainerView/$gone/DestroyView"
    no_content 'the view is destroyed'
done
call GET "$BASE/ContainerView/$view/view"
fault 'a destroyed view' ManagedObjectNotFound
vim_logout
