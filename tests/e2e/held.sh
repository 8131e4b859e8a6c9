# 10,000 connections open at once, half of them in each of two processes of which neither could hold all:
# a closed loop keeps what it has, squall's own memory of each is small, and what does not fit into the
# descriptors of one process is foretold.
. "$(dirname "$0")/lib.sh"

ulimit -n 6000 # of each process: two workers, two servers
scenario() { # LOAD-EDIT
	jq -n '{name: "held", target: "server:9000", idle: "200ms",
		world: {hosts: {client: {}, server: {sysctl: {"net.core.somaxconn": 4096}, run: [
				{sink: "tcp", listen: "0.0.0.0:9000"}, {sink: "tcp", listen: "0.0.0.0:9001"}]}},
			links: [{between: ["client", "server"]}]},
		load: [{name: "held", driver: "tcp", target: ["server:9000", "server:9001"], hold: "1h",
			arrivals: {closed: 10000}, threads: 2, workers: 2, duration: "4s", timeout: "4s"} + $load],
		expect: ["held.ok == 10000", "held.scheduled == 10000", "client.sockstat.TCP.inuse.max >= 10000"]}' \
		--argjson load "$1"
}

scenario '{"duration": "11s"}' > "$SCRATCH/two.json"
"$SQUALL" run "$SCRATCH/two.json" --out "$SCRATCH/two" --quiet || fail "two workers: status $?; $(jqr "$SCRATCH/two/run.json" '.expectations')"
r="$SCRATCH/two/run.json"
expect_eq "$(jqr "$r" '.warnings | length')" 0 "two workers: warnings"
expect_eq "$(cd "$SCRATCH/two/spool" && echo load-*)" "load-client.1.jsonl load-client.jsonl" "a spool of each worker"
echo "bytes of squall's own for each of 10,000: $(jqr "$r" '.loads[0].generator | (.peak_rss_bytes - .start_rss_bytes) / 10000')"
grep -q __asan_init "$SQUALL" || jq -e '.loads[0].generator | .peak_rss_bytes - .start_rss_bytes < 1024 * 10000' "$r" > /dev/null ||
	fail "a connection takes more than 1 KiB: $(jqr "$r" '.loads[0].generator')"

scenario '{"workers": 1}' > "$SCRATCH/one.json"
status=0; "$SQUALL" run "$SCRATCH/one.json" --out "$SCRATCH/one" --quiet 2> "$SCRATCH/err.txt" || status=$?
expect_eq "$status" 1 "one worker: status"
r="$SCRATCH/one/run.json"
grep -q 'warning: client: 10000 connections come to be open in one process' "$SCRATCH/err.txt" || fail "no warning: $(cat "$SCRATCH/err.txt")"
expect_eq "$(jqr "$r" '.warnings | length')" 1 "one worker: warnings"
jq -e '[.loads[0].outcomes[] | select(.code == "EMFILE") | .class] == ["local"]' "$r" > /dev/null || fail "no EMFILE: $(jqr "$r" .loads[0].outcomes)"
