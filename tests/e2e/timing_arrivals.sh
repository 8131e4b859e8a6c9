# Release build.  The load that is made is the load that was asked for: what was sent in each 10 ms is what was
# planned for them, evenly and in staggered bursts, and a burst of 512 connects of one thread is out in 20 ms.
. "$(dirname "$0")/lib.sh"

scenario() { # ARRIVALS
	jq -n '{name: "arrivals", target: "server:9000", idle: "100ms", bin: "10ms",
		world: {hosts: {client: {}, server: {sysctl: {"net.core.somaxconn": 4096}, run: [{sink: "tcp", listen: "0.0.0.0:9000"}]}},
			links: [{between: ["client", "server"]}]},
		load: [{name: "a", driver: "tcp", duration: "3s", timeout: "2s", arrivals: $arrivals}]}' --argjson arrivals "$1"
}
# Of up to five rounds the best: what else the machine has to do is not squall's.
most() { sort -g | tail -1; }
least() { sort -g | head -1; }
# Of the 300 bins those in which 38 to 42 were sent, of the 40 that were planned; in percent.
met() {
	jqr "$1" '.loads[0].series | . as $s | [range(.sent | length) | ($s.start_s + . * $s.bin_s) as $t
		| select($t > -1e-6 and $t < 3 - 1e-6) | $s.sent[.]] | (map(select(. >= 38 and . <= 42)) | length) / length * 100'
}

scenario '{"rate": 4000}' > "$SCRATCH/rate.json"
scenario '{"burst": 40, "every": "1s", "streams": 100, "phase": "stagger"}' > "$SCRATCH/stagger.json"
scenario '{"burst": 512, "every": "500ms", "phase": "0s"}' > "$SCRATCH/burst.json"
for i in 1 2 3 4 5; do
	for s in rate stagger burst; do
		"$SQUALL" run "$SCRATCH/$s.json" --out "$SCRATCH/$s$i" --quiet || fail "$s: status $?"
	done
	for s in rate stagger; do
		r="$SCRATCH/$s$i/run.json"
		expect_eq "$(jqr "$r" '.loads[0] | "\(.scheduled) \(.series.sent | add)"')" "12000 12000" "$s: scheduled, sent"
		met "$r" >> "$SCRATCH/$s"
	done
	expect_eq "$(jqr "$SCRATCH/stagger$i/run.json" .loads[0].emission.bursts) $(jqr "$SCRATCH/rate$i/run.json" .loads[0].emission)" "300 null" "bursts"
	expect_eq "$(jqr "$SCRATCH/burst$i/run.json" .loads[0].emission.bursts)" 6 "bursts of 512"
	jqr "$SCRATCH/burst$i/run.json" '.loads[0].emission.p50_s * 1000' >> "$SCRATCH/burst"
	rate=$(most < "$SCRATCH/rate"); stagger=$(most < "$SCRATCH/stagger"); burst=$(least < "$SCRATCH/burst")
	! awk "BEGIN { exit !($rate >= 95 && $stagger >= 95 && $burst < 20) }" || break
done
echo "of 10 ms at 4000/s as planned: $rate % evenly, $stagger % in staggered bursts; a burst of 512 takes $burst ms"
awk "BEGIN { exit !($rate >= 95) }" || fail "only $rate % of the 10 ms at 4000/s have what was planned"
awk "BEGIN { exit !($stagger >= 95) }" || fail "only $stagger % of the 10 ms in staggered bursts have what was planned"
awk "BEGIN { exit !($burst < 20) }" || fail "a burst of 512 connects takes $burst ms"
