#!/bin/sh
# Everything `make test` runs after the build. SEALANE_BUILD and SAN come from the Makefile.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${SEALANE_BUILD:-build}
san=${SAN:-}
status=0
passed=0
failed=0
skipped=0
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

# part TITLE COMMAND...: runs one part, shows what it says, adds up its "N passed, N failed" line.
part() {
    title=$1
    shift
    printf '\n== %s\n' "$title"
    "$@" >"$log" 2>&1
    part_status=$?
    if [ "$part_status" -eq 77 ]; then # cannot run here; the part has said why
        part_status=0
        skipped=$((skipped + 1))
    elif [ "$part_status" -ne 0 ]; then
        status=1
    fi
    cat "$log"
    line=$(grep -E '[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
    p=$(printf '%s' "$line" | grep -oE '[0-9]+ passed' | cut -d' ' -f1)
    f=$(printf '%s' "$line" | grep -oE '[0-9]+ failed' | cut -d' ' -f1)
    s=$(printf '%s' "$line" | grep -oE '[0-9]+ skipped' | cut -d' ' -f1)
    passed=$((passed + ${p:-0}))
    failed=$((failed + ${f:-0}))
    skipped=$((skipped + ${s:-0}))
    if [ "$part_status" -ne 0 ] && [ "${f:-0}" -eq 0 ]; then
        failed=$((failed + 1))
    fi
}

if [ "$(id -u)" -ne 0 ]; then
    echo "Not root: tests that need network namespaces are skipped (kernel, interop, lab)."
fi
part "unit tests" make --no-print-directory -j2 SAN="$san" unit
if [ -f tests/sim/main.c ]; then
    make --no-print-directory -j2 SAN="$san" "$build/sim" || status=1
    part "simulator" "$build/sim" --seeds "${SEALANE_SIM_SEEDS:-64}"
fi
if [ -f tests/examples.sh ]; then
    part "examples" sh tests/examples.sh
fi
if [ -f tests/examples_run.py ]; then
    part "examples that run" python3 tests/examples_run.py
fi
if [ -f tests/daemon.py ]; then
    part "daemon and shell" python3 tests/daemon.py
fi
if [ -f tests/truth.py ]; then
    part "kernel truth" python3 tests/truth.py
fi
if [ -f tests/truth6.py ]; then
    part "kernel truth, IPv6" python3 tests/truth6.py
fi
if [ -f tests/hold_under_load.py ]; then
    make --no-print-directory SAN="$san" "$build/bench/bgp_load" || status=1
    part "keepalives and hold timers under load" python3 tests/hold_under_load.py
fi
if [ -f tests/bfd_load.py ]; then
    part "BFD under load" python3 tests/bfd_load.py
fi
if [ -f tests/interop/run.py ]; then
    part "interop" python3 tests/interop/run.py
fi
if [ -f tests/lab/demo.py ]; then
    part "demo" python3 tests/lab/demo.py
fi
if [ -f tests/lab/lab.py ]; then
    part "lab, quick rows" python3 tests/lab/lab.py --short
fi
printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ "$status" -eq 0 ]
