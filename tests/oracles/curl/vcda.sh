#!/usr/bin/env bash
# A VM replication of Cloud Director Availability, failed over at its destination and followed alone and in bulk.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
needs VCDA VCDA_USER VCDA_PASSWORD CA_FILE
accept=(--header 'Accept: application/vnd.vmware.h4-v4.6+json;charset=UTF-8')

log_in() {
    call POST "$VCDA/sessions" "{\"type\": \"vcdCredentials\", \"vcdUser\": $(quoted "$VCDA_USER"), \"vcdPassword\": $(quoted "$1")}" "${accept[@]}"
}
# api_error WHAT STATUS CODE...
api_error() {
    local what=$1 code=$2
    shift 2
    status "$what" "$code"
    json_answer "$what"
    check "$what: code $*" 'd["code"] in a and is_api_error(d)' "$@"
}

log_in 'not the password'
api_error 'a session with a wrong password' 401 NotAuthenticated
[[ -z $(header x-vcav-auth) ]] || die 'a refused login: expected no session in the headers'
call POST "$VCDA/sessions" '{"type": "nonsense"}' "${accept[@]}"
[[ $STATUS == 400 ]] || die "a login of a kind that nobody knows: expected 400, got $STATUS"
call GET "$VCDA/vm-replications" '' "${accept[@]}"
api_error 'replications without a session' 401 NotAuthenticated
log_in "$VCDA_PASSWORD"
status 'a session' 200
json_answer 'a session'
check 'C4SessionDetails: user, roles, the site it is good for' \
    'has(d, user=str, roles=list, authenticatedSites=list) and len(d["authenticatedSites"]) == 1 and has(d["authenticatedSites"][0], site=str)'
token=$(header x-vcav-auth)
[[ -n $token ]] || die 'a session: expected the header X-VCAV-Auth'
here_site=$(pick 'd["authenticatedSites"][0]["site"]')
SESSION=(--header "X-VCAV-Auth: $token" --header 'operationID: oracle-1' "${accept[@]}")

call GET "$VCDA/sessions"
status 'the session, read' 200
check 'it is the same' 'd["authenticatedSites"][0]["site"] == a[0]' "$here_site"
call GET "$VCDA/sites"
status 'the sites' 200
check 'a bare array; one is local and is ours' 'isinstance(d, list) and [s["site"] for s in d if s.get("isLocal")] == [a[0]]' "$here_site"
check 'a thumbprint says what it is made with' 'all(s["apiThumbprint"].startswith("SHA-256:") for s in d if s.get("apiThumbprint"))'
call GET "$VCDA/diagnostics/about"
status 'about' 200
check 'a build version' 'has(d, buildVersion=str)'

call GET "$VCDA/vm-replications?limit=5&offset=0"
status 'replications' 200
json_answer 'replications'
check 'a page of at most five, with the total' 'has(d, items=list, total=int) and len(d["items"]) == min(5, d["total"])'
total=$(pick 'd["total"]')
ids='' offset=0
while ((offset < total)); do
    call GET "$VCDA/vm-replications?limit=1000&offset=$offset"
    status "replications from $offset on" 200 >/dev/null
    count=$(pick 'len(d["items"])')
    ((count > 0 && count <= 100)) || die "a page is at most 100 entries whatever is asked for, and not empty before the end; got $count"
    ids+=" $(pick '" ".join(r["id"] for r in d["items"])')"
    [[ -n ${replication:-} ]] || replication=$(pick 'next((r["id"] for r in d["items"] if r["destination"]["site"] == a[0]
        and r["destinationState"]["recoveryInfo"]["recoveryState"] == "NOT_STARTED" and r["destinationState"].get("latestInstance")), "")' "$here_site")
    offset=$((offset + count))
done
check 'the pages hold each replication once' 'len(a[0].split()) == len(set(a[0].split())) == int(a[1])' "$ids" "$total"
[[ -n ${replication:-} ]] || die 'no replication to here that was not started'
[[ $replication =~ ^C4-[0-9a-f-]{36}$ ]] || die "an id is C4- and a UUID; got $replication"

one=$VCDA/vm-replications/$replication
recovery='d["destinationState"]["recoveryInfo"]["recoveryState"]'
call GET "$one"
status 'one replication' 200
check 'it has its sides and its state' \
    'd["id"] == a[0] and has(d, vmName=str, isMigration=bool, isPaused=bool, source=dict, destination=dict, destinationState=dict, sourceState=dict)' "$replication"
check 'the age of a view and of an instance are numbers' \
    'is_int(d["destinationState"]["stateAge"]) and is_int(d["destinationState"]["latestInstance"]["timestamp"])'
call GET "$one/instances"
status 'its instances' 200
check 'a bare array of keys and times' 'len(d) > 0 and all(has(i, key=str, timestamp=int) for i in d)'
instance=$(pick 'max(d, key=lambda i: i["timestamp"])["key"]')
call GET "$VCDA/vm-replications/C4-00000000-0000-4000-8000-000000000000"
api_error 'a replication that does not exist' 404 VmReplicationNotFound
call GET "$one?site=nowhere"
api_error 'a site that does not exist' 404 SiteNotFound

call POST "$one/failover" '{"powerOn": false}'
api_error 'a failover that does not say to what' 400 BadRequest BadUserInput
call POST "$one/failover" '{"type": "vcloud", "powerOn": "no"}'
api_error 'a failover with a word for a truth value' 400 BadRequest BadUserInput
call GET "$one"
check 'what was refused has changed nothing' "$recovery == 'NOT_STARTED'"

call POST "$one/failover" "{\"type\": \"vcloud\", \"powerOn\": false, \"consolidate\": false, \"instanceId\": \"$instance\", \"vmNetworkSettings\": null, \"vAppNetworkSettings\": null}"
status 'the failover' 202
json_answer 'the failover'
task_shape='has(d, id=str, state=str, startTime=int, lastUpdated=int, endTime=int, progress=int, workflowInfo=dict) and d["state"] in ["RUNNING", "SUCCEEDED", "FAILED"]
    and (d["endTime"] == -1) == (d["state"] == "RUNNING") and (d.get("result") is None or d["state"] == "SUCCEEDED")
    and (d.get("error") is None) == (d["state"] != "FAILED") and 0 <= d["progress"] <= 100'
check 'the answer is its task' "$task_shape"
check 'the task says what it is about' \
    'd["workflowInfo"]["type"] == "failover" and d["workflowInfo"]["resourceId"] == a[0] and d["site"] == a[1]' "$replication" "$here_site"
task=$(pick 'd["id"]')
started=$(pick 'd["startTime"]')
gone=00000000-0000-4000-8000-000000000000
deadline
while :; do
    call POST "$VCDA/tasks/poll" "[\"$gone\", \"$task\"]"
    status 'many tasks in one poll' 200 >/dev/null
    check 'columns by name; what does not exist is left out' \
        'set(d) == {"propertyNames", "values"} and "id" in d["propertyNames"] and "state" in d["propertyNames"]
         and [row[d["propertyNames"].index("id")] for row in d["values"]] == [a[0]]
         and all(len(row) == len(d["propertyNames"]) for row in d["values"])' "$task"
    polled=$(pick 'd["values"][0][d["propertyNames"].index("state")]')
    call GET "$VCDA/tasks/$task"
    status 'the task alone' 200 >/dev/null
    check 'the task alone has its shape' "$task_shape"
    [[ $(pick 'd["state"]') == RUNNING ]] || break
    [[ $polled == RUNNING ]] || die "the poll says $polled, and after it the task itself says RUNNING"
    still_waiting 'the failover'
done
check 'it has succeeded' 'd["state"] == "SUCCEEDED" and d["result"]["id"] == a[0]' "$replication"
check 'its result is the replication as of the end' 'd["result"]["destinationState"]["recoveryInfo"]["recoveryState"] == "COMPLETE"'
call GET "$one"
check 'the replication is COMPLETE' "$recovery == 'COMPLETE'"
check 'where the VM is has a tag, if any, of the two' 'd["destinationState"]["recoveryInfo"].get("type") in [None, "vcd", "vc"]'
call GET "$VCDA/tasks?resourceId=$replication&type=failover&startTimeAfter=$((started - 1))"
status 'the task, looked for as after a lost answer' 200
check 'it is found' '[t["id"] for t in d["items"]] == [a[0]]' "$task"

call POST "$one/failover" '{"type": "vcloud", "powerOn": false}'
if [[ $STATUS == 202 ]]; then
    task=$(pick 'd["id"]')
    deadline
    while :; do
        call GET "$VCDA/tasks/$task"
        [[ $(pick 'd["state"]') == RUNNING ]] || break
        still_waiting 'a second failover'
    done
    check 'a second failover fails with a reason' 'd["state"] == "FAILED" and is_api_error(d["error"])'
else
    [[ $STATUS == 4* || $STATUS == 500 ]] || die "a second failover: expected a refusal, got $STATUS"
    check 'a second failover is refused with a reason' 'is_api_error(d)'
fi
call GET "$VCDA/tasks/$gone"
[[ $STATUS == 404 ]] || die "a task that never was: expected 404, got $STATUS"

call DELETE "$VCDA/sessions"
no_content 'the session ends'
call GET "$one"
api_error 'the replication after the session' 401 NotAuthenticated
