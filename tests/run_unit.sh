#!/bin/sh
# Runs the given unit test programs, two at a time, and sums up what they say.
set -u
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT INT TERM
# A shared machine may stand still for a while: only what never ends is to be cut off.
export CK_DEFAULT_TIMEOUT="${CK_DEFAULT_TIMEOUT:-60}"
passed=0
failed=0
wait_one() {
    # $1 pid, $2 name
    if wait "$1"; then
        status=0
    else
        status=1
    fi
    line=$(grep -E '^[0-9]+%: Checks' "$out/$2" | tail -n 1)
    checks=$(printf '%s' "$line" | sed -n 's/.*Checks: \([0-9]*\),.*/\1/p')
    bad=$(printf '%s' "$line" | sed -n 's/.*Failures: \([0-9]*\), Errors: \([0-9]*\).*/\1 \2/p' | awk '{print $1 + $2}')
    checks=${checks:-0}
    bad=${bad:-0}
    if [ "$status" -ne 0 ] || [ "$checks" -eq 0 ]; then
        [ "$bad" -gt 0 ] || bad=1
        printf 'FAIL  %s\n' "$2" | tr '%' '/'
        cat "$out/$2"
    fi
    [ "$checks" -ge "$bad" ] && passed=$((passed + checks - bad))
    failed=$((failed + bad))
}
for program in "$@"; do
    name=$(printf '%s' "$program" | sed 's,^.*/unit/,,' | tr '/' '%')
    "$program" >"$out/$name" 2>&1 &
    pid=$!
    if [ -n "${previous_pid:-}" ]; then
        wait_one "$previous_pid" "$previous_name"
    fi
    previous_pid=$pid
    previous_name=$name
done
if [ -n "${previous_pid:-}" ]; then
    wait_one "$previous_pid" "$previous_name"
fi
printf 'unit: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
