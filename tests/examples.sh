#!/bin/sh
# Every example must load, and the mission's fifteen lines must stay as they are.
set -u
cd "$(dirname "$0")/.." || exit 1
daemon=${SEALANE_BUILD:-build}/sealaned
passed=0
failed=0
for file in examples/*.conf examples/*.json examples/*.xml; do
    [ -f "$file" ] || continue
    if output=$("$daemon" -C -f "$file" 2>&1); then
        passed=$((passed + 1))
        printf 'ok    %s\n' "$file"
    else
        failed=$((failed + 1))
        printf 'FAIL  %s\n%s\n' "$file" "$output"
    fi
done
printf 'examples: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
