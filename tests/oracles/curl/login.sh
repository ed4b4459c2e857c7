#!/usr/bin/env bash
# A session of VI JSON: refused, opened, used, ended.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
find_release
call GET "$BASE/ServiceInstance/ServiceInstance/content"
CONTENT=$answers/content
cp "$body" "$CONTENT"
sessions=$BASE/SessionManager/$(content sessionManager)
root=$BASE/Folder/$(content rootFolder)
user=$(quoted "$VCENTER_USER")
password=$(quoted "$VCENTER_PASSWORD")

call POST "$sessions/Login" "{\"userName\": $user, \"password\": \"not the password\"}"
fault 'login with a wrong password' InvalidLogin
[[ -z $(header vmware-api-session-id) ]] || die 'a refused login: expected no session in the headers'
call POST "$sessions/Login" "{\"userName\": $user}"
[[ $STATUS != 2* ]] || die 'login without a password: expected a refusal'
call POST "$BASE/SessionManager/nonsense/Login" "{\"userName\": $user, \"password\": $password}"
fault 'login at an object that does not exist' ManagedObjectNotFound

call POST "$sessions/Login" "{\"userName\": $user, \"password\": $password, \"locale\": \"en\"}"
status 'login' 200
json_answer 'login'
check 'it answers a UserSession' \
    'd["_typeName"] == "UserSession" and has(d, key=str, userName=str, fullName=str, locale=str, messageLocale=str,
     extensionSession=bool, ipAddress=str, userAgent=str, callCount=int)'
check 'its times are times' 'is_time(d["loginTime"]) and is_time(d["lastActiveTime"])'
key=$(pick 'd["key"]')
first=$(header vmware-api-session-id)
[[ -n $first ]] || die 'login: expected the header vmware-api-session-id'
[[ -z $(header set-cookie) ]] || die 'login: expected no cookie'

call POST "$sessions/Login" "{\"userName\": $user, \"password\": $password}"
status 'a second login' 200
second=$(header vmware-api-session-id)
[[ -n $second && $second != "$first" ]] || die 'a second login: expected a session of its own'

SESSION=(--header "VMware-API-Session-Id: $first")
call GET "$root/name"
status 'a property with the session, whose header is found in any case' 200
json_answer 'a property'
check 'a text is a bare JSON string' 'isinstance(d, str)'
call GET "$sessions/currentSession"
status 'the current session' 200
check 'it is the one that was opened' 'd["_typeName"] == "UserSession" and d["key"] == a[0]' "$key"

call POST "$sessions/Logout"
no_content 'logout'
call GET "$root/name"
not_logged_in 'a property after logout'
SESSION=(--header "vmware-api-session-id: $second")
call GET "$root/name"
status 'the other session lives on' 200
SESSION=(--header 'vmware-api-session-id: nonsense')
call GET "$root/name"
not_logged_in 'a property with a session that never was'
SESSION=(--header "vmware-api-session-id: $second")
call POST "$sessions/Logout"
no_content 'logout of the other one'
