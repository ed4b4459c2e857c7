#!/usr/bin/env bash
# Which release both sides know, and what the service says about itself, all of it without a session.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
needs VCENTER CA_FILE
hello=$VCENTER/api/vcenter/system?action=hello

call POST "$hello" '{"api_releases": ["9.1.0.0", "9.0.0.0", "8.0.3.0"]}'
status 'hello without a session' 200
json_answer 'hello'
check 'the answer is one of the releases, under api_release alone' \
    'set(d) == {"api_release"} and d["api_release"] in ["9.1.0.0", "9.0.0.0", "8.0.3.0"]'

known=()
for release in 9.1.0.0 9.0.0.0 8.0.3.0 8.0.2.0; do
    call POST "$hello" "{\"api_releases\": [\"$release\"]}"
    status "hello with $release alone" 200
    [[ $(pick 'd["api_release"]') == '' ]] || known+=("$release")
done
((${#known[@]} > 0)) || die 'hello: no release of the list is known'
first=${known[0]}
last=${known[-1]}
call POST "$hello" "{\"api_releases\": [\"$first\", \"$last\"]}"
check 'the first of two known releases wins' 'd["api_release"] == a[0]' "$first"
call POST "$hello" "{\"api_releases\": [\"$last\", \"$first\"]}"
check 'and the other one if it comes first' 'd["api_release"] == a[0]' "$last"
call POST "$hello" "{\"api_releases\": [\"1.2.3.4\", \"$last\"]}"
check 'a release that nobody knows is passed over' 'd["api_release"] == a[0]' "$last"

call POST "$hello" '{"api_releases": ["1.2.3.4"]}'
status 'no common release is no error' 200
check 'no common release is the empty text' 'd == {"api_release": ""}'
for wrong in '{"api_releases": []}' \
    "{\"api_releases\": [$(printf '"8.0.3.0",%.0s' {1..128})\"8.0.3.0\"]}" \
    "{\"api_releases\": [\"$(printf '1%.0s' {1..65})\"]}"; do
    call POST "$hello" "$wrong"
    std_error "hello with ${wrong:0:40}" 400 INVALID_ARGUMENT INVALID_REQUEST
done

base=$VCENTER/sdk/vim25/$first
call GET "$base/ServiceInstance/ServiceInstance/content"
status 'service content without a session' 200
json_answer 'service content'
check 'it is a ServiceContent, and all in it is named' 'd["_typeName"] == "ServiceContent" and not unnamed(d)'
check 'rootFolder, propertyCollector, sessionManager, viewManager are references' \
    'is_ref(d["rootFolder"], "Folder") and is_ref(d["propertyCollector"], "PropertyCollector")
     and is_ref(d["sessionManager"], "SessionManager") and is_ref(d["viewManager"], "ViewManager")'
check 'about has what it must have' \
    'd["about"]["_typeName"] == "AboutInfo" and has(d["about"], name=str, fullName=str, vendor=str, version=str,
     build=str, osType=str, productLineId=str, apiType=str, apiVersion=str)'
about=$(pick 'd["about"]')
root=$(pick 'd["rootFolder"]["value"]')

call POST "$base/ServiceInstance/ServiceInstance/RetrieveServiceContent"
status 'RetrieveServiceContent without a session and without a body' 200
check 'it says the same' 'd["_typeName"] == "ServiceContent" and d["about"] == json.loads(a[0])' "$about"

call GET "$VCENTER/sdk/vim25/$first/pbm/PbmServiceInstance/ServiceInstance/content"
status 'the policy service says what it has without a session, too' 200
check 'a PbmServiceInstanceContent with its managers' \
    'd["_typeName"] == "PbmServiceInstanceContent" and is_ref(d["profileManager"], "PbmProfileProfileManager")
     and d["aboutInfo"]["_typeName"] == "PbmAboutInfo" and not unnamed(d)'

call GET "$base/Folder/$root/name"
not_logged_in 'a property without a session'
call POST "$base/sms/SmsServiceInstance/ServiceInstance/QueryStorageManager"
not_logged_in 'a call of the storage service without a session'
