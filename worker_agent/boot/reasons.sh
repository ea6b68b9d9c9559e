# shellcheck shell=bash
# Sourced: names what went wrong, from what a program said of it.

# named_reason OTHERWISE WHAT FILE: "<name>: <what>: <the last line said>"; OTHERWISE names what nothing else does.
named_reason() {
    local name=$1 what=$2 said=$3
    if grep -qiE 'no space left|more space needed|not enough free space|disk quota exceeded' "$said"; then
        name="no space"
    elif grep -qiE 'do not match the hashes|has the SHA-256|bad crc-32|badzipfile|not a zip file' "$said"; then
        name="bad checksum"
    elif grep -qiE 'no match for argument|unable to find a match|no matching distribution|not found \(404\)|nosuchkey' "$said"; then
        name="package missing"
    elif grep -qiE 'resolve host|name resolution|name or service not known|could not connect|connection refused|timed out|connect timeout|network is unreachable|failed to connect|curl error' "$said"; then
        name="no network"
    fi
    echo "$name: $what: $(last_line "$said")"
}

# The last line that a program wrote, short enough for a record.
last_line() {
    local line
    line=$({ grep -v '^[[:space:]]*$' "$1" || true; } | tail -n 1 | cut -c 1-300)
    echo "${line:-it said nothing}"
}

# What could not be done: kept for whoever gives up, and said.
fail() {
    echo "render-worker: $1" >&2
    [ -z "${REASON_FILE:-}" ] || echo "$1" >"$REASON_FILE"
    trap - ERR
    exit 1
}

# attempt OTHERWISE WHAT COMMAND…: run one program, its words kept until they are needed.
attempt() {
    local otherwise=$1 what=$2 said
    shift 2
    said=$(mktemp)
    if "$@" >"$said" 2>&1; then
        cat "$said"
        rm -f "$said"
    else
        cat "$said" >&2
        fail "$(named_reason "$otherwise" "$what" "$said")"
    fi
}
