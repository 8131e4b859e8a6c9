# A sink that answers 1000 queries a second is found to hold that, and what limits it is its receive buffer; a load
# that the generator cannot make is said to be its own limit, with status 3.
. "$(dirname "$0")/lib.sh"

jq -n '{name: "capacity", idle: "50ms", target: "server:53", world: {hosts: {client: {}, server: {run: [
		{sink: "dns", listen: "0.0.0.0:53", capacity: 1000, receive_buffer: 16384}]}}, links: [{between: ["client", "server"]}]},
	load: [{name: "q", driver: "dns", names: ["example.test"], duration: "1s", timeout: "200ms", arrivals: {rate: 100}}]}' > "$SCRATCH/s.json"
short=(--initial 300ms --final 600ms --sum 600ms --width 6 --quiet)

"$SQUALL" search "$SCRATCH/s.json" --min 250/s --max 4000/s --goal "q.failures <= 0.02 * q.scheduled" "${short[@]}" --out "$SCRATCH/a"
s=$SCRATCH/a/search.json
jqr "$s" '.goals[0] | "\(.lower_per_s) \(.upper_per_s) \(.limited_by)"'
expect_eq "$(jqr "$s" '.goals[0] | .lower_per_s >= 900 and .upper_per_s <= 1250 and .upper_per_s <= 1.0601 * .lower_per_s')" true "around 1000/s"
expect_eq "$(jqr "$s" '.goals[0].limited_by[0] | startswith("receive-buffer-full on server")')" true "limited by"
# The lower bound was tried once more at the end.
expect_eq "$(jqr "$s" '(.trials[-1].load_per_s == .goals[0].lower_per_s) and .trials[-1].good[0]')" true "tried again"
"$SQUALL" schema search > "$SCRATCH/schema.json"
python3 -c 'import json, jsonschema, sys; jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' "$s" "$SCRATCH/schema.json"

# A server that is never saturated, and a generator that may have 16 queries under way.
jq '.world.hosts.server.run[0] |= (del(.capacity, .receive_buffer) | .delay = "20ms") | .load[0].max_in_flight = 16' "$SCRATCH/s.json" > "$SCRATCH/t.json"
status=0
"$SQUALL" search "$SCRATCH/t.json" --min 100/s --max 4000/s --goal "q.failures == 0" "${short[@]}" --width 30 --out "$SCRATCH/b" || status=$?
expect_eq "$status $(jqr "$SCRATCH/b/search.json" '[.generator_limited, (.goals[0].limited_by[0] | startswith("the generator"))] | tostring')" "3 [true,true]" "the generator's limit"

status=0
"$SQUALL" search "$SCRATCH/t.json" --min 100/s --max 200/s --goal "q.failures == 0" "${short[@]}" --out "$SCRATCH/c" || status=$?
expect_eq "$status $(jqr "$SCRATCH/c/search.json" '.goals[0] | [.lower_per_s, .upper_per_s] | tostring')" "3 [200,null]" "nothing within the range"
