# Two sets of runs, of which one has its sink answer 100 ms later: the latency is worse, the rate is not, and
# what was set differently is said.  A set against itself is the same.  One run against one proves nothing.
. "$(dirname "$0")/lib.sh"

jq -n '{name: "compare", idle: "50ms", target: "server:53", world: {hosts: {client: {}, server: {run: [
		{sink: "dns", listen: "0.0.0.0:53", delay: "0s"}]}}, links: [{between: ["client", "server"]}]},
	load: [{name: "ask", driver: "dns", names: ["example.test"], duration: "400ms", timeout: "1s", arrivals: {rate: 200}}]}' > "$SCRATCH/s.json"
mkdir "$SCRATCH/a" "$SCRATCH/b"
for i in 1 2 3 4 5 6 7; do
	"$SQUALL" run "$SCRATCH/s.json" --out "$SCRATCH/a/$i" --quiet
	"$SQUALL" run "$SCRATCH/s.json" --out "$SCRATCH/b/$i" --quiet --set '/world/hosts/server/run/0/delay="100ms"'
done

c=$SCRATCH/compare.json
"$SQUALL" compare "$SCRATCH/a" "$SCRATCH/b" --out "$c"
verdict() { jqr "$c" ".verdicts[] | select(.metric == \"$1\") | .verdict"; }
expect_eq "$(verdict ask.latency.p99)" worse "latency, 100 ms later"
expect_eq "$(verdict ask.rate.ok)" equivalent "rate"
expect_eq "$(verdict ask.failures)" equivalent "failures"
expect_eq "$(jqr "$c" '.settings[] | "\(.what) \(.a) \(.b)"')" "/scenario/world/hosts/server/run/0/delay 0s 100ms" "set differently"
"$SQUALL" schema compare > "$SCRATCH/schema.json"
python3 -c 'import json, jsonschema, sys; jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' "$c" "$SCRATCH/schema.json"

"$SQUALL" compare "$SCRATCH/a" "$SCRATCH/b" --format junit > "$SCRATCH/junit.xml"
expect_eq "$(python3 -c 'import sys, xml.etree.ElementTree as t; s = t.parse(sys.argv[1]).getroot()[0]; print(s.get("failures"), [c.get("name") for c in s.iter("testcase") if c.find("failure") is not None])' "$SCRATCH/junit.xml")" \
	"1 ['ask.latency.p99']" "JUnit"

"$SQUALL" compare "$SCRATCH/a" "$SCRATCH/a" --out "$c"
expect_eq "$(jqr "$c" '[.verdicts[].verdict] | unique | join(",")')" equivalent "a set against itself"
expect_eq "$(jqr "$c" '.settings | length')" 0 "a set against itself: settings"

# Runs of one second are paired by their names.
for i in 7 10 3 1 9 2 5 8 4 6; do
	mkdir -p "$SCRATCH/short/$i"
	jq --arg id "$i" '.run += {id: $id, started: "2026-01-01T00:00:00Z"}' "$SCRATCH/a/1/run.json" > "$SCRATCH/short/$i/run.json"
done
"$SQUALL" compare "$SCRATCH/short" "$SCRATCH/short" --out "$c"
expect_eq "$(jqr "$c" '.a.runs | join(" ")')" "1 2 3 4 5 6 7 8 9 10" "runs of one second"

"$SQUALL" compare "$SCRATCH/a/1" "$SCRATCH/b/1" --out "$c"
expect_eq "$(jqr "$c" '[(.verdicts | length), (.notes[0] | startswith("one run against one proves nothing"))] | @csv')" "0,true" "one against one"
! "$SQUALL" compare "$SCRATCH/a" "$SCRATCH/none" 2> "$SCRATCH/said" || fail "compared with nothing"

# A closed loop that its count ends has the rate of the time that it took, by the run as by its spool.
"$SQUALL" run "$SCRATCH/s.json" --out "$SCRATCH/count" --quiet --set '/load/0={"name": "ask", "driver": "dns", "names": ["example.test"], "duration": "5s", "count": 500, "arrivals": {"closed": 5}}' --set '/world/hosts/server/run/0/delay="1ms"'
r=$SCRATCH/count/run.json
expect_eq "$(jqr "$r" '.loads[0] | [(.rate.ok_per_s * .duration_s | round), (.duration_s > 0.1 and .duration_s < 1)] | @csv')" "500,true" "500 of 1 ms, five at a time"
before=$(jqr "$r" '.loads')
"$SQUALL" analyze "$SCRATCH/count" --quiet
expect_eq "$(jqr "$r" '.loads')" "$before" "the loads of a spool"
