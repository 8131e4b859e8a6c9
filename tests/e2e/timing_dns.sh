# Release build.  Latency of DNS tells the truth, median of 5: a server that answers after 50 ms shows
# 50 ms; one that is stopped for 300 ms shows the wait of every query that was due meanwhile.
. "$(dirname "$0")/lib.sh"

scenario() { # LOAD-EDIT SINK-EDIT
	jq -n '{name: "timing-dns", target: "server:53", idle: "200ms",
		world: {hosts: {client: {}, server: {run: [{sink: "dns", listen: "0.0.0.0:53"} + $sink]}}, links: [{between: ["client", "server"]}]},
		load: [{name: "a", driver: "dns", names: ["n{0-999}.example.test"], timeout: "1s", receive_buffer: "4MiB"} + $load]}' \
		--argjson load "$1" --argjson sink "$2"
}
lost() { jqr "$1" '[.loads[0].outcomes[] | select(.class != "ok") | .count] | add // 0'; }

# At 20,000 q/s for 3 s a pause of 300 ms makes the query due x seconds before its end wait x.  600 of the
# 60,000 are above the 99th percentile: those due in the pause's first 30 ms, so it is 270 ms, and nearer
# to 300 the slower the queue that is left then is worked off.  Its 6000 answers come at once, so the
# client has a large buffer as well: the server's is what is looked at.
stopped='"pause_at": "1s", "pause_for": "300ms"'
scenario '{"arrivals": {"rate": 1000}, "duration": "1s"}' '{"delay": "50ms"}' > "$SCRATCH/delay.json"
scenario '{"arrivals": {"rate": 20000}, "duration": "3s"}' "{$stopped, \"receive_buffer\": \"16MiB\"}" > "$SCRATCH/large.json"
scenario '{"arrivals": {"rate": 20000}, "duration": "1500ms"}' "{$stopped}" > "$SCRATCH/default.json"
for i in 1 2 3 4 5; do
	for s in delay large default; do
		"$SQUALL" run "$SCRATCH/$s.json" --out "$SCRATCH/$s$i" --quiet || fail "$s: status $?"
	done
	expect_eq "$(lost "$SCRATCH/delay$i/run.json") $(jqr "$SCRATCH/delay$i/run.json" '.loads[0].scheduled')" "0 1000" "an answer after 50 ms: lost, scheduled"
	jqr "$SCRATCH/delay$i/run.json" '.loads[0].latency.from_due.p50_s * 1000' >> "$SCRATCH/p50"
	expect_eq "$(lost "$SCRATCH/large$i/run.json") $(jqr "$SCRATCH/large$i/run.json" '.loads[0].scheduled')" "0 60000" "stopped, 16 MiB: lost, scheduled"
	jqr "$SCRATCH/large$i/run.json" '.loads[0].latency.from_due.p99_s * 1000' >> "$SCRATCH/p99"
	r="$SCRATCH/default$i/run.json"; n=$(lost "$r")
	[ "$n" -gt 3000 ] || fail "stopped, default buffer: only $n lost"
	expect_eq "$(jqr "$r" '.counters[] | select(.host == "server" and .metric == "Udp.RcvbufErrors") | .delta')" "$n" "stopped, default buffer: RcvbufErrors"
	expect_eq "$(jqr "$r" '[.findings[] | "\(.mechanism) \(.host) \(.failure) \(.explained) \(.unexplained)"] | join(", ")')" \
		"receive-buffer-full server timeout@query $n 0" "stopped, default buffer: findings"
	! three_within 50 51 < "$SCRATCH/p50" || ! three_within 243 297 < "$SCRATCH/p99" || break
done
p50=$(median < "$SCRATCH/p50"); p99=$(median < "$SCRATCH/p99")
echo "p50 behind an answer after 50 ms: $p50 ms; p99 over a stop of 300 ms: $p99 ms (270 by the schedule)"
awk "BEGIN { exit !($p50 >= 50 && $p50 <= 51) }" || fail "p50 is $p50 ms behind an answer after 50 ms"
awk "BEGIN { exit !($p99 >= 243 && $p99 <= 297) }" || fail "p99 is $p99 ms over a stop of 300 ms, by the schedule 270"
