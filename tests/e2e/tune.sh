# A larger somaxconn is better for a server whose backlog it limits, and does nothing for one that asks for
# less by itself; the finding says which.  Runs are interleaved, and a run that is ended leaves what it had.
. "$(dirname "$0")/lib.sh"

jq '.load[0] += {duration: "200ms", timeout: "400ms"} | .load[0].arrivals += {every: "200ms", burst: 64} | .idle = "50ms"' \
	"$SQ_SOURCE_DIR/scenarios/tuning/somaxconn.json" > "$SCRATCH/s.json"
t=$SCRATCH/t/tune.json
verdict() { jqr "$t" ".comparisons[$1].verdicts[] | select(.metric == \"$2\") | .verdict"; }

"$SQUALL" tune "$SCRATCH/s.json" --sysctl net.core.somaxconn=128,1024 --pairs 7 --warmup 0 --seed 7 --out "$SCRATCH/t" --quiet
expect_eq "$(verdict 0 storm.failures) $(verdict 0 storm.rate.ok)" "better better" "somaxconn 1024 against 128"
expect_eq "$(jqr "$t" '[.comparisons[0].findings[] | "\(.mechanism) \(.host) \(.b)"] | join(",")')" "accept-queue-overflow server null" "the finding went"
expect_eq "$(jqr "$t" '.comparisons[0].verdicts[] | select(.metric == "storm.failures") | .p <= 0.05')" true "p"
expect_eq "$(jqr "$t" '[(.orders | length), (.orders | map(sort) | unique | tostring), (.orders | unique | length)] | join(" ")')" "7 [[0,1]] 2" "orders"
"$SQUALL" schema tune > "$SCRATCH/schema.json"
python3 -c 'import json, jsonschema, sys; jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' "$t" "$SCRATCH/schema.json"

# The half-fix: the program asks for 128.
rm -r "$SCRATCH/t"
"$SQUALL" tune "$SCRATCH/s.json" --sysctl net.core.somaxconn=200,1024 --vary '/world/hosts/server/run/0/backlog=128,1024' \
	--factorial --pairs 2 --warmup 0 --out "$SCRATCH/t" --quiet
expect_eq "$(jqr "$t" '[.sides[].label] | join("; ")')" "$(for s in 200 1024; do for b in 128 1024; do
	echo -n "net.core.somaxconn=$s /world/hosts/server/run/0/backlog=$b; "; done; done | sed 's/; $//')" "sides"
# A backlog of 128 or 200 fails in part, whatever the other is; both at 1024 do not.
expect_eq "$(jqr "$t" '[.comparisons[] | .measures[] | select(.metric == "storm.failures") | .b == 0] | tostring')" "[false,false,true]" "only both help"
said=$(jqr "$SCRATCH/t/000-2/run.json" '[.findings[].evidence[]] | join(" ")')
[[ $said == *"the limit is the backlog that the program gave to listen(), 128, not net.core.somaxconn, 1024"* ]] || fail "the half-fix: $said"

"$SQUALL" tune "$SCRATCH/s.json" --sysctl net.core.somaxconn=128 --out "$SCRATCH/u" 2> "$SCRATCH/said" && fail "one value was tuned"
grep -q 'two values at least' "$SCRATCH/said" || fail "one value: $(cat "$SCRATCH/said")"

# Ended by its user, at any moment, also between two runs: what was whole is told.
for moment in 2 2.31 2.62 2.93 3.24 4; do
	rm -rf "$SCRATCH/v"
	"$SQUALL" tune "$SCRATCH/s.json" --sysctl net.core.somaxconn=128,1024 --pairs 50 --warmup 0 --out "$SCRATCH/v" --quiet & pid=$!
	sleep "$moment"
	kill -INT $pid
	status=0; wait $pid || status=$?
	expect_eq "$status $(jqr "$SCRATCH/v/tune.json" .whole)" "4 false" "ended after $moment s"
done
expect_eq "$(jqr "$SCRATCH/v/tune.json" '.rounds > 0')" true "what was whole"
