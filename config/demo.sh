#!/usr/bin/env bash
# A plant to try, with no hardware: simulated machines, the gateway, and a broker on loopback.
#   config/demo.sh             runs until Ctrl-C
#   config/demo.sh --for 20s   ends by itself, with exit status 0 if readings arrived
#   config/demo.sh --outage    stops the broker for 10 s on the way, and shows that nothing is lost
set -euo pipefail
cd "$(dirname "$0")/.."

outage_s=10
seconds=0 # 0: until Ctrl-C
outage=no

usage() { sed -n '2,5s/^# \{0,1\}//p' config/demo.sh; }

wrong() {
    echo "$1" >&2
    usage >&2
    exit 2
}

while [[ $# -gt 0 ]]; do
    case $1 in
    --for)
        [[ ${2:-} =~ ^([1-9][0-9]*)(s|m)$ ]] || wrong "--for: '${2:-}' is no time such as 20s or 2m"
        seconds=${BASH_REMATCH[1]}
        [[ ${BASH_REMATCH[2]} == s ]] || seconds=$((seconds * 60))
        shift
        ;;
    --outage) outage=yes ;;
    -h | --help) usage && exit 0 ;;
    *) wrong "'$1' is unknown" ;;
    esac
    shift
done
# Time to see readings before the outage, and the backlog after it.
if [[ $outage == yes && $seconds -lt $((outage_s + 20)) ]]; then
    seconds=$((outage_s + 20))
fi

say() { printf '%s\n' "$*"; }

# --- what is started is ended, and nothing else ---

directory=
children=()

end_all() {
    trap - EXIT INT TERM HUP
    local at
    for ((at = ${#children[@]} - 1; at >= 0; at--)); do
        kill "${children[at]}" 2>/dev/null && wait "${children[at]}" 2>/dev/null || true
    done
    [[ -z $directory ]] || rm -rf "$directory"
}
trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

start() { # name, command…: its output goes to name.log, its pid to $child
    local name=$1
    shift
    # A group of its own: Ctrl-C is for this script, which then ends them in order.
    setsid "$@" >"$directory/$name.log" 2>&1 </dev/null &
    child=$!
    children+=("$child")
}

wait_until() { # what, the child it depends on and its name, a command that is true in the end
    local what=$1 pid=$2 name=$3 tries
    shift 3
    for ((tries = 0; tries < 200; tries++)); do
        if "$@"; then return; fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "$what did not come about; $name says:" >&2
    tail -n 20 "$directory/$name.log" >&2
    exit 1
}

port_is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
    local port
    while port=$((RANDOM % 12000 + 20000)); do
        [[ " ${ports[*]-} " != *" $port "* ]] && ! port_is_open "$port" && break
    done
    ports+=("$port")
}

# --- build ---

say "Installing what is missing, and building (the first time this takes some minutes)"
tests/install-packages build demo
mkdir -p build
build() {
    cmake --preset release -DBUILD_TESTING=OFF &&
        cmake --build --preset release --target binderyd bindery
}
build >build/demo.log 2>&1 || {
    cat build/demo.log >&2
    exit 1
}
PATH=$PATH:/usr/sbin
binderyd=$(find build/release -name binderyd -type f -perm -u+x)
bindery=$(find build/release -name bindery -type f -perm -u+x)

# --- the plant ---

directory=$(mktemp -d "${TMPDIR:-/tmp}/bindery-demo.XXXXXX")
ports=()
for _ in 1 2 3 4; do free_port; done
broker_port=${ports[3]}
plant=$directory/plant.yaml
sed -e "s|@DIRECTORY@|$directory|" -e "s|@BROKER@|$broker_port|" -e "s|@PORT1@|${ports[0]}|" \
    -e "s|@PORT2@|${ports[1]}|" -e "s|@PORT3@|${ports[2]}|" config/demo/plant.yaml.in >"$plant"
# Beside the plant, so that it is complete for whoever looks at it from another terminal.
ln -s "$PWD/config/profiles" "$directory/profiles"
checked=$("$bindery" check -c "$plant")
say "$checked"
machines=$(grep -oE '[0-9]+ machines' <<<"$checked")

mkdir "$directory/broker"
cat >"$directory/mosquitto.conf" <<BROKER
listener $broker_port 127.0.0.1
allow_anonymous true
persistence true
persistence_location $directory/broker/
max_queued_messages 0
$([[ $EUID -ne 0 ]] || echo user root)
BROKER
start_broker() {
    start broker mosquitto -c "$directory/mosquitto.conf"
    broker=$child
    wait_until "The broker" "$broker" broker port_is_open "$broker_port"
}
start_broker

start simulate "$bindery" simulate -c "$plant"
for port in "${ports[@]:0:3}"; do
    wait_until "The simulated plant" "$child" simulate port_is_open "$port"
done
wait_until "The simulated serial line" "$child" simulate test -e "$directory/hall-bus"

# --- a receiver, which counts what arrives ---

echo 0 >"$directory/arrived"
# Reads messages; keeps how many readings came, and for the outage which numbers they and the
# events had.
count_readings() {
    local line rest arrived=0
    while IFS= read -r line; do
        if [[ $line == *'"readings":['* ]]; then
            rest=${line//\"seq\":/}
            arrived=$((arrived + (${#line} - ${#rest}) / 6))
            echo "$arrived" >"$directory/arrived"
        fi
        [[ $outage == no ]] || grep -o '"seq":[0-9]*' <<<"$line" | cut -d: -f2 >>"$directory/seqs"
    done
}
start_receiver() {
    # Its session stays on the broker: what comes while it is away waits for it there.
    setsid mosquitto_sub -h 127.0.0.1 -p "$broker_port" -i demo-receiver -c -q 1 \
        -t 'bindery/bindery-hall/demo/+/readings' -t 'bindery/bindery-hall/demo/+/events' \
        > >(count_readings) 2>"$directory/receiver.log" </dev/null &
    children+=("$!")
}
arrived() { # the number, also in the instant in which it is being written
    local number=
    while [[ -z $number ]]; do number=$(<"$directory/arrived"); done
    echo "$number"
}
start_receiver
say "The plant: $machines, simulated, on 3 Modbus TCP links and a serial line"
start gateway "$binderyd" -c "$plant"
gateway=$child
any_arrived() { [[ $(arrived) -gt 0 ]]; }
wait_until "A first reading" "$gateway" gateway any_arrived

cat <<LOOK
The gateway is running. In another terminal, from this directory:
  $bindery watch -c $plant
  $bindery status -c $plant
  mosquitto_sub -h 127.0.0.1 -p $broker_port -t 'bindery/#' -v
LOOK
[[ $seconds -gt 0 ]] || say "Ctrl-C ends it."

# --- watch it ---

progress() {
    [[ -t 1 ]] && printf '\r\033[K%s' "$*" || true
}
new_line() {
    [[ -t 1 ]] && printf '\n' || true
}

SECONDS=0
broker_is_to=run
while [[ $seconds -eq 0 || $SECONDS -lt $seconds ]]; do
    if [[ $outage == yes && $broker_is_to == run && $SECONDS -ge 8 ]]; then
        new_line
        say "The broker is stopped for $outage_s s; $(arrived) readings have arrived so far"
        kill "$broker" && wait "$broker" || true
        broker_is_to=rest
    fi
    if [[ $broker_is_to == rest && $SECONDS -ge $((8 + outage_s)) ]]; then
        new_line
        say "The broker is started again"
        start_broker
        broker_is_to=be-back
    fi
    kill -0 "$gateway" 2>/dev/null || wait_until "The gateway's end" "$gateway" gateway false
    progress "$SECONDS s: $(arrived) readings have arrived"
    sleep 0.5
done
new_line

if [[ $outage == yes ]]; then
    # The numbers have no holes: what is missing was lost.
    sort -nu "$directory/seqs" | awk '{ last = $1 } END { print last - NR, last }' \
        >"$directory/lost"
    read -r lost last <"$directory/lost"
    say "Of the readings and events numbered 1 to $last, $lost are missing."
    [[ $lost -eq 0 ]] || exit 1
fi
total=$(arrived)
say "$total readings of $machines arrived at the broker in $SECONDS s."
[[ $total -gt 0 ]]
