#!/usr/bin/env bash
# A rolling restart under load: three servers behind HAProxy on loopback are restarted one after the other (SIGTERM, --drain) while
# clients ask. Every honest request must be answered. Needs haproxy, curl, and a `popcorn` with `serve --admin` and `--drain`:
#   examples/deploy/rolling.sh [PLAN [IMAGE]]      POPCORN=target/release/popcorn
set -euo pipefail
cd "$(dirname "$0")/../.."
popcorn=${POPCORN:-target/release/popcorn}
plan=${1:-testdata/mnist-mlp.plan}
image=${2:-testdata/digits/$(ls testdata/digits | head -1)}
skip() {
    echo "skipped: rolling restart: $1" | tee -a "${POPCORN_SKIPS:-/dev/null}"
    exit 0
}
command -v haproxy >/dev/null || skip "haproxy is not installed"
command -v curl >/dev/null || skip "curl is not installed"
[ -x "$popcorn" ] || skip "there is no $popcorn (cargo build --release -p runtime)"
"$popcorn" serve --help | grep -q -- --admin || skip "$popcorn has no serve --admin"

work=$(mktemp -d)
server=()
balancer=()
end() {
    touch "$work/done" # for those that ask
    kill "${balancer[@]}" "${server[@]}" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap end EXIT

# Ports that are free now; nothing else asks for them on a machine that tests.
base=${POPCORN_PORT:-$((20000 + RANDOM % 20000))}
export PORT=$base
for number in 1 2 3; do
    export "PORT$number=$((base + number))" "ADMIN$number=$((base + 10 + number))"
done

# Starts server $1 and waits until it takes clients.
start() {
    local port=$((base + $1)) admin=$((base + 10 + $1))
    "$popcorn" serve "$plan" --listen "127.0.0.1:$port" --admin "127.0.0.1:$admin" --drain 60 \
        >>"$work/server$1.log" 2>&1 &
    server[$1]=$!
    for _ in $(seq 100); do
        curl -fs "http://127.0.0.1:$admin/readyz" >/dev/null && return
        sleep 0.1
    done
    echo "server $1 does not begin:" >&2
    cat "$work/server$1.log" >&2
    exit 1
}

# Asks again and again until the work is done: a line in `asked` for each request, and one in `failed` for each that failed.
ask() {
    while [ ! -e "$work/done" ]; do
        "$popcorn" infer --connect "127.0.0.1:$PORT" --input "$image" --json --retry 10 \
            >"$work/answer$1" 2>"$work/error$1" || tail -1 "$work/error$1" >>"$work/failed"
        echo "$1" >>"$work/asked"
    done
}

# Waits until $1 more requests have ended, for a minute at most.
load() {
    local until=$(($(wc -l <"$work/asked") + $1))
    for _ in $(seq 600); do
        [ "$(wc -l <"$work/asked")" -ge "$until" ] && return
        sleep 0.1
    done
    echo "requests do not end" >>"$work/failed"
}

for number in 1 2 3; do start "$number"; done
haproxy -c -q -f examples/deploy/haproxy.cfg
haproxy -f examples/deploy/haproxy.cfg -db >"$work/haproxy.log" 2>&1 &
balancer=($!)
for _ in $(seq 100); do
    (: </dev/tcp/127.0.0.1/"$PORT") 2>/dev/null && break
    sleep 0.1
done
touch "$work/asked"
clients=()
for number in 1 2 3 4; do
    ask "$number" &
    clients+=($!)
done
load 4
for number in 1 2 3; do
    kill -TERM "${server[$number]}"
    status=0
    wait "${server[$number]}" || status=$?
    [ "$status" = 0 ] || echo "server $number ended with status $status" >>"$work/failed"
    start "$number"
    load 8
done
touch "$work/done"
wait "${clients[@]}"
asked=$(wc -l <"$work/asked")
if [ -s "$work/failed" ]; then
    echo "of $asked requests, during three restarts, these failed:" >&2
    sort "$work/failed" | uniq -c | head -20 >&2
    exit 1
fi
echo "$asked requests answered during three restarts, none failed"
