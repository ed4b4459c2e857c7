#!/usr/bin/env bash
# startDpuFailover: what it refuses, that it answers nothing, and that the uplinks of the host change over.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
vim_login
root=$(content rootFolder)

call POST "$BASE/ViewManager/$(content viewManager)/CreateContainerView" \
    "{\"container\": {\"_typeName\": \"ManagedObjectReference\", \"type\": \"Folder\", \"value\": \"$root\"}, \"type\": [\"HostSystem\"], \"recursive\": true}"
status 'a view of all hosts' 200
view=$(pick 'd')
call POST "$BASE/PropertyCollector/$(content propertyCollector)/RetrievePropertiesEx" \
    "{\"specSet\": [{\"_typeName\": \"PropertyFilterSpec\",
        \"propSet\": [{\"_typeName\": \"PropertySpec\", \"type\": \"HostSystem\",
            \"pathSet\": [\"name\", \"configManager.networkSystem\", \"config.network.proxySwitch\", \"config.network.pnic\"]}],
        \"objectSet\": [{\"_typeName\": \"ObjectSpec\", \"obj\": $view, \"skip\": true,
            \"selectSet\": [{\"_typeName\": \"TraversalSpec\", \"type\": \"ContainerView\", \"path\": \"view\"}]}]}],
      \"options\": {\"_typeName\": \"RetrieveOptions\"}}"
status 'switches and NICs of all hosts' 200
check 'switches are boxed as ArrayOfHostProxySwitch' \
    'any("config.network.proxySwitch" in p for p in properties(d).values()) and all(
     x["_typeName"] == "HostProxySwitch" and has(x, dvsUuid=str, dvsName=str, key=str, numPorts=int, numPortsAvailable=int, spec=dict)
     for p in properties(d).values() if "config.network.proxySwitch" in p
     for x in boxed(p["config.network.proxySwitch"], "ArrayOfHostProxySwitch"))'

# The uplinks of a switch lead to its DPUs: uplink name, port, NIC, DPU.
dpus='(lambda s, nics: (lambda port, nic: {u["uplinkName"]: (u["state"], nic.get(port.get(u["uplinkName"])))
    for u in s["hostUplinkState"]})({p["value"]: p["key"] for p in s["uplinkPort"]},
    {b.get("uplinkPortKey"): {n["device"]: n.get("dpuId") for n in nics}[b["pnicDevice"]] for b in s["spec"]["backing"]["pnicSpec"]}))'
of_hosts="[(i, p, s, ($dpus)(s, boxed(p['config.network.pnic'], 'ArrayOfPhysicalNic'))) for i, p in properties(d).items()
    for s in boxed(p['config.network.proxySwitch'], 'ArrayOfHostProxySwitch') if s.get('networkOffloadingEnabled') and s.get('hostUplinkState')]"
check 'an offloaded switch says which uplinks are active and which standby' \
    "any({state for state, dpu in up.values()} == {'active', 'standby'} for i, p, s, up in $of_hosts)"
check 'its uplinks lead over ports and NICs to two DPUs, one of them active' \
    "any(len({dpu for state, dpu in up.values()}) == 2 and len({dpu for state, dpu in up.values() if state == 'active'}) == 1
     for i, p, s, up in $of_hosts)"
chosen=$(pick "next([i, p['configManager.networkSystem']['value'], s['dvsName'], s['dvsUuid'],
    next(dpu for state, dpu in up.values() if state == 'active')] for i, p, s, up in $of_hosts
    if len({dpu for state, dpu in up.values()}) == 2 and None not in {dpu for state, dpu in up.values()})")
mapfile -t parts < <("${python[@]}" -c 'import json, sys; print(*json.loads(sys.argv[1]), sep="\n")' "$chosen")
system=$BASE/HostNetworkSystem/${parts[1]} dvs=${parts[2]} uuid=${parts[3]} before=${parts[4]}

call GET "$system/networkInfo"
status 'networkInfo of its host' 200
check 'it is a bare HostNetworkInfo, all in it is named' 'd["_typeName"] == "HostNetworkInfo" and not unnamed(d)'
active="(lambda s: next(dpu for state, dpu in ($dpus)(s, d['pnic']).values() if state == 'active'))(
    next(s for s in d['proxySwitch'] if s['dvsUuid'] == a[0]))"
check 'it agrees with the host' "$active == a[1]" "$uuid" "$before"

call POST "$system/startDpuFailover" '{"dvsName": "no such switch"}'
fault 'a switch that the host does not have' InvalidArgument
call POST "$system/startDpuFailover" "{\"dvsName\": $(quoted "$dvs"), \"targetDpuAlias\": \"no such dpu\"}"
fault 'an alias that the host does not have' InvalidArgument
call POST "$system/startDpuFailover" '{}'
[[ $STATUS != 2* ]] || die 'no switch at all: expected a refusal'
call POST "$BASE/HostNetworkSystem/nonsense/startDpuFailover" "{\"dvsName\": $(quoted "$dvs")}"
fault 'a host that does not exist' ManagedObjectNotFound
call GET "$system/networkInfo"
check 'what was refused has changed nothing' "$active == a[1]" "$uuid" "$before"

call POST "$system/startDpuFailover" "{\"dvsName\": $(quoted "$dvs")}"
no_content 'the failover is taken, without task and without answer'
deadline
while :; do
    call GET "$system/networkInfo"
    status 'networkInfo after it' 200 >/dev/null
    now=$(pick "$active" "$uuid")
    [[ $now == "$before" ]] || break
    still_waiting 'another DPU becomes active'
done
check 'the other DPU is active, and each uplink is active or standby' \
    "$active != a[1] and all(u['state'] in ['active', 'standby'] for s in d['proxySwitch'] if s['dvsUuid'] == a[0]
     for u in s['hostUplinkState'])" "$uuid" "$before"

# A session of a release before 8.0.3 does not have the operation.
call POST "$VCENTER/api/vcenter/system?action=hello" '{"api_releases": ["8.0.2.0"]}'
if [[ $(pick 'd["api_release"]') == 8.0.2.0 ]]; then
    call POST "${system/vim25\/$RELEASE/vim25/8.0.2.0}/startDpuFailover" "{\"dvsName\": $(quoted "$dvs")}"
    [[ $STATUS == 404 ]] || fault 'a release that does not have the operation' MethodNotFound InvalidRequest
fi
vim_logout
