#!/usr/bin/env bash
# A replication group through tasks of the storage monitoring service: a named point in time, a failover that only checks, a failover.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
vim_login
sms=$BASE/sms

call POST "$sms/SmsServiceInstance/ServiceInstance/QueryAboutInfo"
status 'the service says what it is' 200
check 'an SmsAboutInfo' 'd["_typeName"] == "SmsAboutInfo" and has(d, name=str, fullName=str, vendor=str, apiVersion=str, instanceUuid=str)'
call POST "$sms/SmsServiceInstance/ServiceInstance/QueryStorageManager"
status 'its storage manager' 200
check 'a reference to an SmsStorageManager' 'is_ref(d, "SmsStorageManager")'
manager=$sms/SmsStorageManager/$(pick 'd["value"]')
call POST "$manager/QueryProvider"
status 'its providers' 200
check 'references in a bare array' 'isinstance(d, list) and len(d) > 0 and all(is_ref(x) for x in d)'
providers=$(pick '" ".join(x["value"] for x in d if x["type"] == "VasaProvider")')

# Some providers are busy, slow or hold no copies; one must hold a group that replicates to here.
target=''
for provider in $providers; do
    vasa=$sms/VasaProvider/$provider
    call POST "$vasa/QueryProviderInfo"
    status "what $provider is" 200
    check 'a VasaProviderInfo with the members it must have' 'd["_typeName"] == "VasaProviderInfo" and has(d, uid=str, name=str, url=str) and not unnamed(d)'
    check 'a batch limit, if there is one, is a number' 'is_int(d.get("maxBatchSize", 0))'
    call POST "$vasa/QueryReplicationGroup" '{}'
    if [[ $STATUS == 500 ]]; then
        fault "groups of $provider" ProviderUnavailable InactiveProvider ProviderBusy QueryExecutionFault
        continue
    fi
    [[ $STATUS != 204 && -s $body && $(head -c 4 "$body") != null ]] || continue
    status "groups of $provider" 200
    check 'entries of one form, all named' \
        'len({g["_typeName"] for g in d if g["_typeName"] != "GroupErrorResult"}) <= 1 and not unnamed(d)
         and all(g["groupId"]["_typeName"] == "ReplicationGroupId" for g in d)'
    target=$(pick 'next((g["groupId"] for g in d if g.get("rgInfo", {}).get("_typeName") == "TargetGroupInfo"
        and g["rgInfo"]["state"] == "TARGET"), "")')
    [[ -z $target ]] || break
done
[[ -n $target ]] || die 'no provider has a group in state TARGET'
check 'a target group says where it comes from' \
    'all(g["rgInfo"]["sourceInfo"]["_typeName"] == "TargetToSourceInfo" and g["rgInfo"]["groupId"] == g["groupId"]
     for g in d if g.get("rgInfo", {}).get("_typeName") == "TargetGroupInfo")'

# run WHAT METHOD BODY: starts a task, waits for its end, leaves QuerySmsTaskInfo behind as the answer.
run() {
    call POST "$vasa/$2" "$3"
    status "$1" 200
    check "$1: the answer is a reference to an SmsTask" 'is_ref(d, "SmsTask")'
    task=$sms/SmsTask/$(pick 'd["value"]')
    deadline
    while :; do
        call POST "$task/QuerySmsTaskInfo"
        status "$1: its task" 200 >/dev/null
        case $(pick 'd["state"]') in
        queued | running)
            check "$1: progress, while it runs, is a percentage" 'd["_typeName"] == "SmsTaskInfo" and 0 <= d.get("progress", 0) <= 100 and "result" not in d'
            still_waiting "$1"
            ;;
        *) break ;;
        esac
    done
    check "$1: the task has ended well" \
        'd["_typeName"] == "SmsTaskInfo" and d["state"] == "success" and "error" not in d and has(d, key=str) and is_ref(d["task"], "SmsTask") and not unnamed(d)'
    check "$1: its times are times" 'is_time(d["startTime"]) and is_time(d["completionTime"])'
    check "$1: its result is an array in a box, one entry for the group" \
        'd["result"]["_typeName"].startswith("ArrayOf") and [e["groupId"] for e in d["result"]["_value"]] == [json.loads(a[0])]' "$target"
}
# state_is WHAT STATE...
state_is() {
    local what=$1
    shift
    call POST "$vasa/QueryReplicationGroup" "{\"groupId\": [$target]}"
    status "$what: the group" 200
    check "$what: its state is $*" 'd[0]["rgInfo"]["state"] in a' "$@"
}

call POST "$vasa/SyncReplicationGroup_Task" '{"groupId": [], "pitName": "none"}'
fault 'no group at all' InvalidArgument
call POST "$vasa/SyncReplicationGroup_Task" "{\"groupId\": [$target]}"
[[ $STATUS != 2* ]] || die 'a sync without a name: expected a refusal'

pit=oracle-$$-$RANDOM
run 'sync' SyncReplicationGroup_Task "{\"groupId\": [$target], \"pitName\": \"$pit\"}"
check 'sync: a SyncReplicationGroupSuccessResult with a time' \
    'd["result"]["_value"][0]["_typeName"] == "SyncReplicationGroupSuccessResult" and is_time(d["result"]["_value"][0]["timeStamp"])'
result=$(pick 'd["result"]')
call POST "$task/QuerySmsTaskResult"
status 'the result alone' 200
check 'it is the same' 'd == json.loads(a[0])' "$result"
call POST "$vasa/QueryPointInTimeReplica" "{\"groupId\": [$target]}"
status 'points in time' 200
check 'the named one is among them' \
    'd[0]["_typeName"] == "QueryPointInTimeReplicaSuccessResult" and any(r["pitName"] == a[0] and is_time(r["timeStamp"])
     and r["id"]["_typeName"] == "PointInTimeReplicaId" and isinstance(r["id"]["id"], str) for r in d[0]["replicaInfo"])' "$pit"
call POST "$vasa/QueryPointInTimeReplica" '{}'
fault 'points in time of no group' InvalidArgument

call POST "$vasa/ReverseReplicateGroup_Task" "{\"groupId\": [$target]}"
if [[ $STATUS == 500 ]]; then
    fault 'a reverse of what was not failed over' InvalidReplicationState
else
    task=$sms/SmsTask/$(pick 'd["value"]')
    deadline
    while :; do
        call POST "$task/QuerySmsTaskInfo"
        [[ $(pick 'd["state"]') == queued || $(pick 'd["state"]') == running ]] || break
        still_waiting 'the task of a reverse that is refused'
    done
    check 'a reverse of what was not failed over: InvalidReplicationState in the task or in its entry, with the state' \
        'any(f["_typeName"] == "InvalidReplicationState" and f["currentState"] == "TARGET" and is_fault(f) for f in
         ([d["error"]] if d["state"] == "error" else [f for e in d["result"]["_value"] for f in e["error"]]))'
fi

failover() {
    printf '{"failoverParam": {"_typeName": "FailoverParam", "isPlanned": false, "checkOnly": %s,
        "replicationGroupsToFailover": [{"_typeName": "ReplicationGroupData", "groupId": %s}]}}' "$1" "$target"
}
run 'a failover that only checks' FailoverReplicationGroup_Task "$(failover true)"
check 'it finds nothing wrong' 'd["result"]["_value"][0]["_typeName"] in ["GroupOperationResult", "FailoverSuccessResult"]'
state_is 'after the check' TARGET
run 'failover' FailoverReplicationGroup_Task "$(failover false)"
check 'failover: a FailoverSuccessResult with the new state' \
    'd["result"]["_value"][0]["_typeName"] == "FailoverSuccessResult" and d["result"]["_value"][0]["newState"] in ["FAILEDOVER", "SOURCE"]'
check 'failover: each recovered device says where it came from and where it is' \
    'all(v["_typeName"] == "RecoveredDevice" and "_typeName" in v["sourceDeviceId"] and is_ref(v["datastore"], "Datastore")
     for v in d["result"]["_value"][0].get("recoveredDeviceInfo", []))'
state_is 'after the failover' "$(pick 'd["result"]["_value"][0]["newState"]')"

call GET "$task/info"
[[ $STATUS != 2* ]] || die 'an SmsTask has no properties: expected a refusal'
call POST "$sms/SmsTask/nonsense/QuerySmsTaskInfo"
fault 'a task that never was' ManagedObjectNotFound
vim_logout
