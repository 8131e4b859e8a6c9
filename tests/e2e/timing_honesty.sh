# Release build.  Latencies and pacing tell the truth: a server that takes a known time shows it, the
# generator's own lag is small at a rate that is no strain, and a drain does not spin.
. "$(dirname "$0")/lib.sh"

scenario() { # LOAD-EDIT SINK-EDIT
	jq -n '{name: "timing", target: "server:9000", idle: "100ms",
		world: {hosts: {client: {}, server: {run: [{sink: "tcp", listen: "0.0.0.0:9000", greeting: "x"} + $sink]}},
			links: [{between: ["client", "server"]}]},
		load: [{name: "a", driver: "tcp", duration: "2s", timeout: "4s", until: "greeting"} + $load]}' \
		--argjson load "$1" --argjson sink "$2"
}

# One connection at a time, 20 ms an accept: the median latency is that of the accept timer.
scenario '{"arrivals": {"closed": 1}}' '{"accept_delay": "20ms"}' > "$SCRATCH/delay.json"
# 2000/s: the rate is met exactly and the generator is in time.
scenario '{"arrivals": {"rate": 2000}, "until": "acked"}' '{}' > "$SCRATCH/rate.json"
for i in 1 2 3 4 5; do
	"$SQUALL" run "$SCRATCH/delay.json" --out "$SCRATCH/delay$i" --quiet
	jqr "$SCRATCH/delay$i/run.json" '.loads[0].latency.from_due.p50_s * 1000' >> "$SCRATCH/p50"
	"$SQUALL" run "$SCRATCH/rate.json" --out "$SCRATCH/rate$i" --quiet
	expect_eq "$(jqr "$SCRATCH/rate$i/run.json" '.loads[0] | "\(.scheduled) \(.outcomes[] | select(.class == "ok") | .count)"')" "4000 4000" "2000/s for 2 s"
	jqr "$SCRATCH/rate$i/run.json" '.loads[0].lag.p99_s * 1000' >> "$SCRATCH/lag"
	! three_within 19 21.5 < "$SCRATCH/p50" || ! three_within 0 5 < "$SCRATCH/lag" || break
done
p50=$(median < "$SCRATCH/p50"); lag=$(median < "$SCRATCH/lag")
echo "p50 behind a 20 ms accept: $p50 ms; lag p99 at 2000/s: $lag ms"
awk "BEGIN { exit !($p50 >= 19 && $p50 <= 21.5) }" || fail "p50 is $p50 ms behind an accept of 20 ms"
awk "BEGIN { exit !($lag < 5) }" || fail "the generator's lag at 2000/s has p99 $lag ms"

scenario '{"arrivals": {"rate": 500}, "duration": "100ms"}' '{"never_accept": true}' > "$SCRATCH/drain.json"
"$SQUALL" run "$SCRATCH/drain.json" --out "$SCRATCH/drain" --quiet || true
cpu=$(jqr "$SCRATCH/drain/run.json" '.loads[0].generator.cpu_s')
awk "BEGIN { exit !($cpu < 0.08) }" || fail "a drain of 4 s cost $cpu s of CPU, over 2 %"
