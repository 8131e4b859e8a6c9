# A sink that answers 1000 queries a second is found to hold that, and what limits it is its receive buffer; a load
# that the generator cannot make is said to be its own limit, with status 3; what a trial leaves behind is waited for.
. "$(dirname "$0")/lib.sh"
need unshare util-linux
need ip iproute2

jq -n '{name: "capacity", idle: "50ms", target: "server:53", world: {hosts: {client: {}, server: {run: [
		{sink: "dns", listen: "0.0.0.0:53", capacity: 1000, receive_buffer: 16384}]}}, links: [{between: ["client", "server"]}]},
	load: [{name: "q", driver: "dns", names: ["example.test"], duration: "1s", count: 40, timeout: "200ms", arrivals: {rate: 100}}]}' > "$SCRATCH/s.json"
short=(--initial 400ms --final 400ms --sum 400ms --quiet)
"$SQUALL" schema search > "$SCRATCH/schema.json"

# Runs a search that ends with that status: its search.json is $s.
searched() { # STATUS NAME FILE OPTION...
	local want=$1 status=0
	s=$SCRATCH/$2/search.json
	"$SQUALL" search "$SCRATCH/$3" "${short[@]}" "${@:4}" --out "$SCRATCH/$2" || status=$?
	jqr "$s" '.goals[] | "\(.lower_per_s) to \(.upper_per_s), \(.bounded_by): \([.limited_by[].text])"'
	expect_eq "$status" "$want" "status of $2"
	python3 -c 'import json, jsonschema, sys; jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' \
		"$s" "$SCRATCH/schema.json"
}

# ---- two goals, of which one allows more ----

searched 0 a s.json --width 8 --min 400/s --max 3000/s --goal "q.failures <= 0.02 * q.scheduled" --goal "q.failures <= 0.2 * q.scheduled"
expect_eq "$(jqr "$s" '.goals[0] | .capacity_per_s >= 900 and .upper_per_s <= 1250 and .upper_per_s <= 1.0801 * .lower_per_s')" true "around 1000/s"
expect_eq "$(jqr "$s" '.goals[1] | .capacity_per_s >= 1100 and .upper_per_s <= 1500 and .throughput_per_s >= 0.8 * .lower_per_s')" true "a fifth lost"
expect_eq "$(jqr "$s" '.goals | map(.bounded_by == "target" and .confirmed and .regular) | tostring')" "[true,true]" "both are the target's"
expect_eq "$(jqr "$s" '[.goals[].limited_by[].text | select(startswith("receive-buffer-full on server"))] | length')" 2 "limited by"
# Lower bounds are tried once more, behind all else; the curve has each load once.
expect_eq "$(jqr "$s" '.trials[-1].load_per_s as $last | [.goals[].lower_per_s] | any(. == $last)')" true "tried again"
expect_eq "$(jqr "$s" '.curve | map(.load_per_s) == (map(.load_per_s) | unique)')" true "the curve"

# ---- a server that is never saturated, and a generator that may have 16 queries under way ----

jq '.world.hosts.server.run[0] |= (del(.capacity, .receive_buffer) | .delay = "20ms") | .load[0].max_in_flight = 16' "$SCRATCH/s.json" > "$SCRATCH/t.json"
searched 3 b t.json --min 200/s --max 3000/s --goal "q.failures == 0" --width 40
expect_eq "$(jqr "$s" '[.generator_limited, .goals[0].bounded_by, .goals[0].capacity_per_s, .goals[0].limited_by[0].what] | tostring')" \
	'[true,"generator",null,"generator"]' "the generator's limit"
searched 3 c t.json --min 100/s --max 200/s --goal "q.failures == 0"
expect_eq "$(jqr "$s" '.goals[0] | [.lower_per_s, .upper_per_s, .bounded_by, .capacity_per_s] | tostring')" '[200,null,"range",null]' "nothing within the range"

# Not even the least holds.  Bins that are longer than a trial tell of no processor.
jq '.world.hosts.server.run[0].drop_percent = 10 | .bin = "1s"' "$SCRATCH/s.json" > "$SCRATCH/d.json"
searched 1 d d.json --min 100/s --max 200/s --goal "q.failures == 0"
expect_eq "$(jqr "$s" '[.goals[].limited_by[] | select(.what == "processor" or .what == "process")] | length')" 0 "what long bins tell"

# Stopped before anything was decided: nothing is claimed.
status=0; "$SQUALL" search "$SCRATCH/s.json" --initial 2s --final 2s --sum 60s --min 100/s --max 3000/s --goal "q.failures == 0" \
	--out "$SCRATCH/g" > "$SCRATCH/stopped" 2>&1 & pid=$!
for _ in $(seq 200); do [ ! -e "$SCRATCH/g/001" ] || break; sleep 0.05; done
sleep 0.5; kill "$pid"; wait "$pid" || status=$?
expect_eq "$status" 4 "status of a search that was stopped"
expect_eq "$(jqr "$SCRATCH/g/search.json" '.goals[0] | [.capacity_per_s, .lower_per_s, .upper_per_s, .bounded_by] | tostring')" '[null,null,null,"unknown"]' "stopped"
grep -q 'not known: the search ended before' "$SCRATCH/stopped" || fail "stopped: $(cat "$SCRATCH/stopped")"

# Broken in the middle: the trial is none, and no more is said than was found.  On loopback trials share this machine.
jq '.target = "server:5302" | .world.hosts.server.run[0].listen = "0.0.0.0:5302"' "$SCRATCH/s.json" > "$SCRATCH/l.json"
status=0; "$SQUALL" search "$SCRATCH/l.json" --loopback --initial 400ms --final 400ms --sum 4s --exceed 90 --settle 0s --min 100/s --max 3000/s \
	--goal "q.failures == 0" --out "$SCRATCH/k" > "$SCRATCH/broken" 2>&1 & pid=$!
for _ in $(seq 400); do [ ! -e "$SCRATCH/k/002/spool/load-client.jsonl" ] || break; sleep 0.02; done
for p in $(ps -eo pid=,comm=,args= | awk -v f="$SCRATCH/l.json" '$2 == "squall" && index($0, f) { print $1 }'); do
	[ -z "$(find "/proc/$p/fd" -lname '*/load-client.jsonl')" ] || worker=$p
done
kill -9 "${worker:?no worker found to kill}"
wait "$pid" || status=$?
expect_eq "$status" 3 "status of a search whose worker was killed"
expect_eq "$(jqr "$SCRATCH/k/search.json" '[.trials[] | .run, .rest.at_rest] | tostring')" '["000",true,"001",true]' "trials, and rests on loopback"
grep -q 'holds at 100/s; the search ended before it had an upper bound' "$SCRATCH/broken" || fail "broken: $(cat "$SCRATCH/broken")"
grep -q 'the trial could not be measured; see .*/k/002' "$SCRATCH/broken" || fail "broken: $(cat "$SCRATCH/broken")"

# ---- without a world: what a trial leaves is waited for ----

# A queue of which 200 a second are read still holds the last trial's queries; sockets in TIME_WAIT stay longer than --rest.
jq 'del(.world) | .target = "127.0.0.1:5300"' "$SCRATCH/s.json" > "$SCRATCH/q.json"
jq -n '{name: "ports", idle: "50ms", target: "127.0.0.1:5301", load: [{name: "q", driver: "tcp", close: "fin", duration: "1s", arrivals: {rate: 100}}]}' \
	> "$SCRATCH/w.json"
cat > "$SCRATCH/alone" <<'END'
ip link set lo up
echo 40000 40999 > /proc/sys/net/ipv4/ip_local_port_range
"$SQUALL" sink dns --listen 127.0.0.1:5300 --capacity 200 > "$SCRATCH/sinks" & dns=$!
"$SQUALL" sink tcp --listen 127.0.0.1:5301 > "$SCRATCH/sinks" & tcp=$!
sleep 0.5
"$SQUALL" search "$SCRATCH/q.json" "$@" --min 100/s --max 1000/s --goal "q.failures == 0" --settle 100ms --width 50 --out "$SCRATCH/e"
"$SQUALL" search "$SCRATCH/w.json" "$@" --min 500/s --max 501/s --goal "q.failures == 0" --settle 100ms --rest 200ms --out "$SCRATCH/f"
kill $dns $tcp
wait
END
unshare -n bash "$SCRATCH/alone" "${short[@]}" || fail "the sinks did not end well"
jqr "$SCRATCH/e/search.json" '[.trials[].rest.took_s] | tostring'
expect_eq "$(jqr "$SCRATCH/e/search.json" '.trials[1:] | map(.rest.took_s) as $t | all(.rest.at_rest) and ($t | max) > 0.4 and ($t | min) < 0.4')" \
	true "the queue was waited for"
jqr "$SCRATCH/f/search.json" '[.trials[].rest.because] | tostring'
expect_eq "$(jqr "$SCRATCH/f/search.json" '.trials[-1].rest | [.at_rest, (.because | endswith("sockets in TIME_WAIT"))] | tostring')" \
	"[false,true]" "TIME_WAIT is said"

# ---- what cannot be searched ----

refused() { # WORDS OPTION...
	local status=0
	"$SQUALL" search "$SCRATCH/s.json" "${@:2}" --out "$SCRATCH/no" 2> "$SCRATCH/refused" || status=$?
	expect_eq "$status" 2 "status of ${*:2}"
	grep -q -- "$1" "$SCRATCH/refused" || fail "${*:2}: said $(cat "$SCRATCH/refused")"
}
goal=(--goal "q.failures == 0")
refused "expects nothing" --min 100/s --max 200/s
refused "is not below --max" --min 200/s --max 100/s "${goal[@]}"
refused "width" --min 100/s --max 200/s --width 0 "${goal[@]}"
refused "at most --final" --min 100/s --max 200/s --initial 4s "${goal[@]}"
refused "at least --final" --min 100/s --max 200/s --final 10s "${goal[@]}"
refused "no operation is due" --min 1/s --max 200/s "${goal[@]}"
refused "no load is called" --min 100/s --max 200/s --load x "${goal[@]}"
refused "initial" --min 100/s --max 200/s --initial 2h "${goal[@]}"
