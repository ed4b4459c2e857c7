#!/usr/bin/env bash
# A vCenter HA cluster through the REST API: a look, a planned failover over the loss of its own connection, maintenance mode.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
needs VCENTER VCENTER_USER VCENTER_PASSWORD CA_FILE
cluster=$VCENTER/api/vcenter/vcha/cluster

# log_in: false if nobody answers or the service is not ready.
log_in() {
    SESSION=()
    send POST "$VCENTER/api/session" '' --config <(printf 'user = "%s:%s"\n' "$VCENTER_USER" "$VCENTER_PASSWORD") || return 1
    [[ $STATUS == 201 ]] || return 1
    SESSION=(--header "vmware-api-session-id: $(pick 'd')")
}

call POST "$VCENTER/api/session" '' --config <(printf 'user = "%s:%s"\n' "$VCENTER_USER" 'not the password')
std_error 'a session with a wrong password' 401 UNAUTHENTICATED
call POST "$cluster?action=get" '{"partial": true}'
std_error 'the cluster without a session' 401 UNAUTHENTICATED
log_in || die "a session: expected 201, got '$STATUS'"
status 'a session' 201
check 'the session is a bare JSON string' 'isinstance(d, str) and d != ""'
call GET "$VCENTER/api/session"
status 'the session, read' 200
check 'its user and its times' 'has(d, user=str) and is_time(d["created_time"]) and is_time(d["last_accessed_time"])'

# role_of ROLE: the HA address of the node that has the role.
by_role='{n["runtime"]["role"]: n["ha_ip"][n["ha_ip"]["ip_family"].lower()]["address"] for n in (d["node1"], d["node2"], d["witness"])}'
call POST "$cluster?action=get" '{"partial": true}'
status 'the cluster' 200
json_answer 'the cluster'
check 'it is configured, enabled and healthy' \
    'd["config_state"] == "CONFIGURED" and d["mode"] == "ENABLED" and d["health_state"] == "HEALTHY"'
check 'one node is active, one passive, one witness, and all are up' \
    "sorted($by_role) == ['ACTIVE', 'PASSIVE', 'WITNESS'] and all(n['runtime']['state'] == 'UP' for n in (d['node1'], d['node2'], d['witness']))"
check 'nothing forbids a failover by hand' 'd.get("manual_failover_allowed") in [None, True]'
check 'an address has its tag and only the member of the tag' \
    'all(n["ha_ip"]["ip_family"] in ["IPV4", "IPV6"] and n["ha_ip"].get({"IPV4": "ipv6", "IPV6": "ipv4"}[n["ha_ip"]["ip_family"]]) is None
     for n in (d["node1"], d["node2"], d["witness"]))'
active=$(pick "$by_role['ACTIVE']") passive=$(pick "$by_role['PASSIVE']")
call POST "$cluster?action=get"
status 'the cluster, asked without a body' 200
call GET "$cluster?action=get"
[[ $STATUS != 2* ]] || die 'the cluster by GET: expected a refusal'
call GET "$cluster/mode"
status 'the mode' 200
check 'ENABLED, under mode alone' 'd == {"mode": "ENABLED"}'
call GET "$cluster/deployment-type"
status 'the deployment type' 200
check 'one of three' 'd["deployment_type"] in ["AUTO", "MANUAL", "NONE"]'
call GET "$VCENTER/api/vcenter/vcha/operations"
status 'the operations' 200
check 'two lists; failover is not disabled, nothing is under way' \
    '"com.vmware.vcenter.vcha.cluster.failover" not in d["disabled"] and d["active"] == []'

call POST "$cluster?action=failover&vmw-task=true" '{}'
std_error 'a failover that does not say whether it is planned' 400 INVALID_ARGUMENT INVALID_REQUEST UNEXPECTED_INPUT
call POST "$cluster?action=failover" '{"planned": true}'
std_error 'a failover not asked for as a task' 404 OPERATION_NOT_FOUND NOT_FOUND
call GET "$VCENTER/api/cis/tasks/nonsense"
std_error 'a task that never was' 404 NOT_FOUND
call PUT "$cluster/mode?vmw-task=true" '{"mode": "SIDEWAYS"}'
[[ $STATUS == 400 ]] || die "a mode that nobody knows: expected 400, got $STATUS"

# task_now WHAT: checks an answer of cis tasks.
task_now() {
    check "$1: the task has what it must have" \
        'has(d, description=dict, service=str, operation=str, status=str, cancelable=bool) and d["status"] in
         ["PENDING", "RUNNING", "BLOCKED", "SUCCEEDED", "FAILED"] and has(d["description"], id=str, default_message=str, args=list)'
    check "$1: start, progress, end and error go with the status" \
        '(d["status"] == "PENDING" or (is_time(d["start_time"]) and has(d["progress"], total=int, completed=int, message=dict)))
         and ("end_time" in d and d["end_time"] is not None) == (d["status"] in ["SUCCEEDED", "FAILED"])
         and (d.get("error") is None or d["status"] == "FAILED")'
}

call POST "$cluster?action=failover&vmw-task=true" '{"planned": true}'
status 'a planned failover' 202
check 'the answer is the task, a bare JSON string' 'isinstance(d, str) and d != ""'
task=$(pick 'd')
# From here on the connection, the session and the task may all be lost; only the roles tell what has happened. How soon,
# no rule says.
deadline
lost=no
while :; do
    if ! send GET "$VCENTER/api/cis/tasks/$task" || [[ $STATUS == 503 || $STATUS == 502 ]]; then
        lost=connection
    elif [[ $STATUS == 401 ]]; then
        lost=session
    elif [[ $STATUS == 404 ]]; then
        lost=task
    else
        status 'its task' 200 >/dev/null
        task_now 'planned failover' >/dev/null
        [[ $(pick 'd["status"]') != FAILED ]] || die 'the planned failover has failed'
        [[ $(pick 'd["status"]') != SUCCEEDED ]] || break
    fi
    [[ $lost == no ]] || break
    still_waiting 'the switch'
done
printf '%s: what the switch took: %s\n' "$script" "$lost"
deadline
until log_in && send POST "$cluster?action=get" '{"partial": true}' && [[ $STATUS == 200 ]] &&
    [[ $(pick "$by_role.get('ACTIVE', '')") == "$passive" ]]; do
    still_waiting 'the other node answers and is active'
done
check 'the node that was passive is active' "$by_role['ACTIVE'] == a[0]" "$passive"
deadline
while :; do
    call POST "$cluster?action=get" '{"partial": true}'
    status 'the cluster after the switch' 200 >/dev/null
    [[ $(pick 'd["health_state"]') != HEALTHY ]] || break
    check 'DEGRADED for a while' 'd["health_state"] == "DEGRADED"' >/dev/null
    still_waiting 'the cluster is healthy again'
done
check 'the node that was active is passive, and the cluster is healthy' \
    "d['health_state'] == 'HEALTHY' and $by_role['PASSIVE'] == a[0]" "$active"

for mode in MAINTENANCE ENABLED; do
    call PUT "$cluster/mode?vmw-task=true" "{\"mode\": \"$mode\"}"
    status "mode $mode" 202
    task=$(pick 'd')
    deadline
    while :; do
        call GET "$VCENTER/api/cis/tasks/$task"
        status "mode $mode: its task" 200 >/dev/null
        task_now "mode $mode" >/dev/null
        [[ $(pick 'd["status"]') != FAILED ]] || die "mode $mode: the task has failed"
        [[ $(pick 'd["status"]') != SUCCEEDED ]] || break
        still_waiting "mode $mode"
    done
    check "mode $mode: the task has no result" 'd.get("result") is None'
    call GET "$cluster/mode"
    check "the mode is $mode" 'd == {"mode": a[0]}' "$mode"
done

call POST "$VCENTER/api/cis/tasks?action=list" "{\"filter_spec\": {\"tasks\": [\"$task\"]}}"
status 'the list of tasks' 200
check 'a map from task to what it is' 'list(d) == [a[0]] and d[a[0]]["status"] == "SUCCEEDED"' "$task"
call POST "$VCENTER/api/cis/tasks?action=list" '{"filter_spec": {}}'
[[ $STATUS == 400 ]] || die "a list of all tasks of all services: expected 400, got $STATUS"
call POST "$VCENTER/api/cis/tasks/$task?action=cancel"
std_error 'cancelling what is over' 400 NOT_ALLOWED_IN_CURRENT_STATE UNSUPPORTED
call DELETE "$VCENTER/api/session"
no_content 'the session ends'
call GET "$cluster/mode"
std_error 'the mode after the session' 401 UNAUTHENTICATED
