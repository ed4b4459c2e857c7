# Calls and assertions for the scripts beside this file; sourced, never run.
#
# A script names what it expects in the words of the wire rules and stops at the first answer that is otherwise.
# Needed: bash, curl, python3. Read from the environment:
#   VCENTER VCENTER_USER VCENTER_PASSWORD   base address and credentials of a vCenter, such as https://host:8443
#   VCDA VCDA_USER VCDA_PASSWORD            the same of a Cloud Director Availability service
#   CA_FILE                                 PEM file of the authority that both are checked against
#   PATIENCE                                seconds that a piece of remote work may take (60)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
script=$(basename "$0")
PATIENCE=${PATIENCE:-60}
answers=$(mktemp -d)
trap 'rm -rf "$answers"' EXIT
body=$answers/body
headers=$answers/headers
STATUS=''
SESSION=()

die() {
    printf '%s: FAILED: %s\n' "$script" "$1" >&2
    if [[ -n $STATUS ]]; then
        printf '  last answer: status %s, headers:\n' "$STATUS" >&2
        sed -e 's/\r$//' -e '/^$/d' -e 's/^\([^:]*\(session-id\|vcav-auth\)\):.*/\1: (hidden)/I' -e 's/^/    /' "$headers" >&2
        printf '  body: %s\n' "$(head -c 2000 "$body")" >&2
    fi
    exit 1
}

for tool in curl python3; do
    command -v "$tool" >/dev/null || die "$tool is missing; install it with: apt-get install $tool"
done

# What `python3` is may be a script that looks for it, each time.
python=("$(python3 -c 'import sys; print(sys.executable)')" -S -E -B)

needs() {
    local name
    for name in "$@"; do
        [[ -n ${!name:-} ]] || die "the environment variable $name is not set; see the top of lib.sh"
    done
}

# send METHOD ADDRESS [BODY] [MORE OPTIONS OF CURL...]: leaves STATUS, $body and $headers behind; false if nobody answered.
# An empty BODY sends none.
send() {
    local method=$1 address=$2 content=${3:-}
    shift $(($# < 3 ? $# : 3))
    local options=(--silent --show-error --globoff --cacert "$CA_FILE" --max-time 60 --request "$method" --dump-header "$headers"
        --output "$body" --write-out '%{http_code}' --header 'Accept: application/json' "${SESSION[@]}" "$@")
    : >"$body"
    : >"$headers"
    STATUS=''
    if [[ -n $content ]]; then
        STATUS=$(printf '%s' "$content" | curl "${options[@]}" --header 'Content-Type: application/json' \
            --data-binary @- "$address" 2>"$answers/trouble") || { STATUS=''; return 1; }
    else
        STATUS=$(curl "${options[@]}" "$address" 2>"$answers/trouble") || { STATUS=''; return 1; }
    fi
}

# call METHOD ADDRESS [BODY] [MORE...]: the same, and somebody must answer.
call() {
    send "$@" || die "$1 $2: no answer: $(cat "$answers/trouble")"
}

# status WHAT CODE...: the answer must have one of the codes.
status() {
    local what=$1 code
    shift
    for code in "$@"; do
        [[ $STATUS != "$code" ]] || { printf '%s: %s: %s\n' "$script" "$what" "$STATUS"; return 0; }
    done
    die "$what: expected status $*, got $STATUS"
}

# header NAME: value of a header of the last answer, found without regard to case; empty if there is none.
header() {
    sed -n "s/^$1: *\([^\r]*\)\r*\$/\1/Ip" "$headers" | tail -n 1
}

# pick EXPRESSION [ARGUMENT...]: prints what a Python expression makes of the answer; see answer.py.
pick() {
    "${python[@]}" "$here/answer.py" pick "$body" "$@" || die "the answer has no: $1"
}

# check WHAT EXPRESSION [ARGUMENT...]: the expression must hold for the answer.
check() {
    local what=$1 trouble
    shift
    trouble=$("${python[@]}" "$here/answer.py" check "$body" "$@" 2>&1) ||
        die "$what: expected $1${trouble:+ ($trouble)}"
    printf '%s: %s\n' "$script" "$what"
}

# json_answer WHAT: there is a body, and it is labelled as JSON.
json_answer() {
    local media
    media=$(header content-type)
    [[ $media =~ ^application/([a-z0-9.+-]+\+)?json(\;.*)?$ ]] || die "$1: expected a media type of JSON, got '$media'"
    check "$1: the body is JSON" 'True'
}

# no_content WHAT: status 204, no body and no content type.
no_content() {
    status "$1" 204
    [[ ! -s $body ]] || die "$1: expected no body with 204"
    [[ -z $(header content-type) ]] || die "$1: expected no content type with 204"
}

# fault WHAT NAME...: 500 with a fault of one of the names as the body itself.
fault() {
    local what=$1
    shift
    status "$what" 500
    json_answer "$what"
    check "$what: fault $*" 'd["_typeName"] in a and is_fault(d)' "$@"
}

# not_logged_in WHAT: a NotAuthenticated fault in a 500, or one of the statuses that stand for it.
not_logged_in() {
    status "$1" 500 401 403
    [[ $STATUS != 500 ]] || check "$1: fault NotAuthenticated" 'd["_typeName"] == "NotAuthenticated"'
}

# no_value WHAT: null, an empty 200 and 204 all say the same.
no_value() {
    status "$1" 200 204
    [[ ! -s $body ]] || check "$1: null" 'd is None'
}

# std_error WHAT CODE ERROR_TYPE...: an error of the vCenter REST API.
std_error() {
    local what=$1 code=$2
    shift 2
    status "$what" "$code"
    json_answer "$what"
    check "$what: error_type $*" 'd["error_type"] in a and is_std_error(d)' "$@"
}

# deadline: starts the clock of one wait; `still_waiting WHAT` ends the script once PATIENCE is over.
deadline() {
    until=$((SECONDS + PATIENCE))
}
still_waiting() {
    ((SECONDS < until)) || die "$1: not within $PATIENCE s"
    sleep 0.2
}

# segment TEXT: as one segment of a path; ids may hold characters that stand for something else there.
segment() {
    "${python[@]}" -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1], safe=""))' "$1"
}

# quoted TEXT: as a JSON string.
quoted() {
    "${python[@]}" -c 'import json, sys; print(json.dumps(sys.argv[1]))' "$1"
}

# find_release: asks the hello operation which release to speak; sets RELEASE and BASE.
find_release() {
    needs VCENTER VCENTER_USER VCENTER_PASSWORD CA_FILE
    call POST "$VCENTER/api/vcenter/system?action=hello" '{"api_releases": ["9.1.0.0", "9.0.0.0", "8.0.3.0"]}'
    status 'hello' 200
    RELEASE=$(pick 'd["api_release"]')
    [[ -n $RELEASE ]] || die 'hello: no common release'
    BASE=$VCENTER/sdk/vim25/$RELEASE
}

# vim_login: finds the release, reads the service content and logs in; sets BASE, CONTENT (a file) and SESSION.
vim_login() {
    find_release
    call GET "$BASE/ServiceInstance/ServiceInstance/content"
    status 'service content' 200
    CONTENT=$answers/content
    cp "$body" "$CONTENT"
    local manager
    manager=$(content sessionManager)
    call POST "$BASE/SessionManager/$manager/Login" \
        "{\"userName\": $(quoted "$VCENTER_USER"), \"password\": $(quoted "$VCENTER_PASSWORD")}"
    status 'login' 200
    local token
    token=$(header vmware-api-session-id)
    [[ -n $token ]] || die 'login: no header vmware-api-session-id'
    SESSION=(--header "vmware-api-session-id: $token")
}

vim_logout() {
    call POST "$BASE/SessionManager/$(content sessionManager)/Logout"
    no_content 'logout'
    SESSION=()
}

# content NAME: the id in a reference of the service content.
content() {
    "${python[@]}" "$here/answer.py" pick "$CONTENT" 'd[a[0]]["value"]' "$1" || die "the service content has no $1"
}
