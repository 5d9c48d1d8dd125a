#!/bin/sh
# Prints a C header with the given YANG modules as text: struct yang_module yang_modules[], in the
# order in which they can be parsed (a module after those that it imports).
set -eu
# embed FILE: its text as an array of octets, with a closing zero.
embed() {
    name=$(basename "$1" .yang)
    printf 'static const char yang_text_%s[] = {\n' "$(printf '%s' "$name" | tr '-' '_')"
    od -An -v -tu1 "$1" | sed 's/[0-9][0-9]*/&,/g'
    printf '0};\n'
}
# is_ready FILE: everything of ours that it imports is printed already.
is_ready() {
    for import in $(sed -n 's/^  import \(sealane-[a-z-]*\) {.*/\1/p' "$1"); do
        case " $done_names " in
        *" $import "*) ;;
        *) return 1 ;;
        esac
    done
    return 0
}
done_names=
waiting="$*"
printf '/* Generated from bgpd/config/yang by embed_yang.sh. */\n'
printf 'struct yang_module {\n    const char *name;\n    const char *text;\n};\n'
while [ -n "$waiting" ]; do
    rest=
    for file in $waiting; do
        if is_ready "$file"; then
            embed "$file"
            done_names="$done_names $(basename "$file" .yang)"
        else
            rest="$rest $file"
        fi
    done
    if [ "$rest" = "$waiting" ]; then
        echo "embed_yang.sh: imports that are not there or go in circles:$rest" >&2
        exit 1
    fi
    waiting=$rest
done
printf 'static const struct yang_module yang_modules[] = {\n'
for name in $done_names; do
    printf '    {"%s", yang_text_%s},\n' "$name" "$(printf '%s' "$name" | tr '-' '_')"
done
printf '};\n'
