# A healthy run of 50,000 connects: no finding, and nstat before and after agrees with the report.
# It runs in a network namespace of its own, so that nothing else moves the counters.
. "$(dirname "$0")/lib.sh"

cat > "$SCRATCH/healthy.json" <<'J'
{ "name": "healthy", "target": "127.0.0.1:9000", "idle": "1s",
  "load": [ { "name": "steady", "driver": "tcp", "duration": "20s", "count": 50000, "until": "greeting",
              "arrivals": { "rate": 5000 } } ],
  "expect": [ "steady.ok == 50000", "steady.failures == 0" ] }
J
cat > "$SCRATCH/inside.sh" <<'S'
set -eu
ip link set lo up
"$SQUALL" sink tcp --listen 127.0.0.1:9000 --greeting hello --close peer > "$1/sink.json" 2> "$1/sink.log" & sink=$!
for i in $(seq 100); do ss -Hltn 2> /dev/null | grep -q :9000 && break; sleep 0.05; done
nstat -rasz --json > "$1/before.json"
status=0; "$SQUALL" run "$1/healthy.json" --out "$1/run" --quiet || status=$?
nstat -rasz --json > "$1/after.json"
kill "$sink"; wait "$sink" || true
exit "$status"
S
unshare -n bash "$SCRATCH/inside.sh" "$SCRATCH" || fail "run: status $?"
r="$SCRATCH/run/run.json"
expect_eq "$(jqr "$r" '.findings | length')" 0 "findings"
expect_eq "$(jqr "$r" '.loads[0] | "\(.scheduled) \(.duration_s) \(.rate.scheduled_per_s)"')" "50000 10 5000" "scheduled, by a count that ends 20 s after 10"
expect_eq "$(jqr "$SCRATCH/sink.json" .accepted | tail -1)" 50000 "the sink's accepted"
for pair in ActiveOpens:TcpActiveOpens PassiveOpens:TcpPassiveOpens InSegs:TcpInSegs OutSegs:TcpOutSegs \
	EstabResets:TcpEstabResets OutRsts:TcpOutRsts RetransSegs:TcpRetransSegs; do
	ours=$(jqr "$r" ".counters[] | select(.metric == \"Tcp.${pair%%:*}\") | .delta")
	theirs=$(jq -n --slurpfile b "$SCRATCH/before.json" --slurpfile a "$SCRATCH/after.json" \
		"(\$a[0].kernel.${pair##*:} // 0) - (\$b[0].kernel.${pair##*:} // 0)")
	expect_eq "$ours" "$theirs" "delta of ${pair##*:} (ours, nstat's)"
done
for metric in ListenOverflows ListenDrops TCPSynRetrans TCPAbortOnData TCPTimeouts TCPReqQFullDrop; do
	ours=$(jqr "$r" ".counters[] | select(.metric == \"TcpExt.$metric\") | .delta")
	theirs=$(jq -n --slurpfile b "$SCRATCH/before.json" --slurpfile a "$SCRATCH/after.json" \
		"(\$a[0].kernel.TcpExt$metric // 0) - (\$b[0].kernel.TcpExt$metric // 0)")
	expect_eq "$ours" "$theirs" "delta of TcpExt$metric (ours, nstat's)"
done
