#!/bin/sh
# Products in a file of lines "number<TAB>name<TAB>price", spoken for to Syncline's `exec` connector
# (products.toml). Read only. A cursor is the file's checksum and a line of it: once the file is
# another, it is read from its beginning.
set -u
file=$1
part() { printf '%s\n' "$line" | jq -r "$1"; }
result() { printf '%s\n' "$line" | jq -c --argjson result "$1" '{id, result: $result}'; }
refuse() { printf '%s\n' "$line" | jq -c --arg c "$1" --arg t "$2" '{id, error: {class: $c, text: $t}}'; }

read_from() {
    sum=$(cksum <"$file" | cut -d ' ' -f 1)
    [ -n "$sum" ] || { refuse unavailable "$file cannot be read"; return; }
    cursor=$(part '.cursor // "0:0"')
    case $cursor in
        *[!0-9:]* | *:*:* | :* | *:) refuse invalid "no cursor: $cursor"; return ;;
        *:*) ;;
        *) refuse invalid "no cursor: $cursor"; return ;;
    esac
    from=${cursor#*:}
    [ "${cursor%:*}" = "$sum" ] || from=0
    max=$(part .max)
    result "$(tail -n "+$((from + 1))" "$file" | head -n "$max" |
        jq -Rnc --arg sum "$sum" --argjson from "$from" --argjson max "$max" '
            [inputs / "\t" | {number: .[0], name: .[1], price: .[2]}]
            | {records: ., next: "\($sum):\($from + length)", more: (length == $max)}')"
}

while IFS= read -r line; do
    case $(part '.call + " " + (.object // "")') in
        'hello ') result '{"protocol": 1, "capabilities": []}' ;;
        'read products') read_from ;;
        *) refuse invalid 'of products.sh, products can be read, and that is all' ;;
    esac
done
