#!/bin/sh
# Checks that need no run: format, banned calls, headers that compile alone, sizes, static analysis.
set -u
cd "$(dirname "$0")/../.." || exit 1
fail=0
sources=$(find proto rib policy bgpd tests -name '*.c' -o -name '*.h' | sort)

say_fail() {
    printf '%s\n' "$1"
    fail=1
}

if command -v clang-format >/dev/null 2>&1; then
    bad=$(for f in $sources; do clang-format --dry-run -Werror "$f" >/dev/null 2>&1 || echo "$f"; done)
    [ -z "$bad" ] || say_fail "not as clang-format has it:
$bad"
else
    echo "skip: clang-format is not installed"
fi

banned='\b(strcpy|sprintf|strcat|gets|atoi|strtok|rand|system|alloca|longjmp)\('
bad=$(grep -nE "$banned" $sources | grep -v '_r(')
[ -z "$bad" ] || say_fail "banned calls:
$bad"
bad=$(grep -nE '\b(malloc|calloc|realloc|free)\(' $(printf '%s\n' $sources | grep -v '^tests/') |
    grep -v '^proto/base/mem.c' | grep -v '^bgpd/cli/')
[ -z "$bad" ] || say_fail "allocation outside mem.c:
$bad"
remarks='TO''DO|FIX''ME|X''XX|HA''CK' # in pieces, so that this file does not name itself
bad=$(grep -nE "\\b($remarks)\\b" $sources)
[ -z "$bad" ] || say_fail "unfinished work left as a remark:
$bad"

for header in $(printf '%s\n' $sources | grep '\.h$' | grep -v '^tests/'); do
    printf '#include "%s"\n' "$header" |
        ${CC:-gcc} -std=c11 -D_GNU_SOURCE -I. -Ibuild/gen -fsyntax-only -x c - 2>/dev/null ||
        say_fail "header does not compile alone: $header"
done

long=$(wc -l $(printf '%s\n' $sources | grep -v '^tests/') | awk '$1 > 800 && $2 != "total" {print $2 ": " $1 " lines"}')
[ -z "$long" ] || say_fail "files past a sitting:
$long"

python3 tests/check/conformance.py || fail=1

if command -v cppcheck >/dev/null 2>&1; then
    cppcheck --quiet --std=c11 --enable=warning,portability --error-exitcode=1 -I. \
        --suppressions-list=tests/check/cppcheck-suppressions.txt --inline-suppr \
        proto rib policy bgpd/core bgpd/io bgpd/config bgpd/control bgpd/cli || fail=1
else
    echo "skip: cppcheck is not installed"
fi
[ "$fail" -eq 0 ] && echo "check: clean"
exit "$fail"
