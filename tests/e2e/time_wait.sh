# A client that closes first runs out of ports long before the kernel says so: squall foretells it, says how
# many addresses it takes, and tells when it came true.  With as many there is nothing to tell.
. "$(dirname "$0")/lib.sh"

# 1,000 ports, so 500 connections of one address to one target in 60 s: 200/s pass them after 2.5 s.
scenario() { # LOAD-EDIT
	jq -n '{name: "time-wait", target: "server:9000", idle: "200ms",
		world: {hosts: {client: {sysctl: {"net.ipv4.ip_local_port_range": "40000 40999"}, addresses: ["198.18.7.1/16"]},
				server: {run: [{sink: "tcp", listen: "0.0.0.0:9000"}]}},
			links: [{between: ["client", "server"]}]},
		load: [{name: "a", driver: "tcp", close: "fin", duration: "4s", timeout: "1s", arrivals: {rate: 200}} + $load],
		expect: ["a.ok == 800"]}' --argjson load "$1"
}
run() { # NAME LOAD-EDIT: the report is $report
	local status=0
	scenario "$2" > "$SCRATCH/$1.json"
	"$SQUALL" run "$SCRATCH/$1.json" --out "$SCRATCH/$1" --quiet 2> "$SCRATCH/err.txt" || status=$?
	report=$SCRATCH/$1/run.json
	expect_eq "$status" 0 "$1: status; it said: $(cat "$SCRATCH/err.txt")"
}

run one '{}'
grep -q 'warning: a: 800 ports of client come to be in TIME_WAIT.* needs 2 addresses' "$SCRATCH/err.txt" || fail "not foretold: $(cat "$SCRATCH/err.txt")"
expect_eq "$(jqr "$report" '.warnings | length')" 2 "one address: warnings"
expect_eq "$(jqr "$report" '.warnings[0] | has("t_s") and .t_s == null')" true "one address: foretold"
jq -e '.warnings[1] | .t_s >= 2.4 and .t_s <= 3 and (.text | test("client has [45][0-9]+ sockets in TIME_WAIT"))' "$report" > /dev/null ||
	fail "one address: $(jqr "$report" .warnings)"
run two '{"source": ["198.18.0.1", "198.18.7.1"]}'
expect_eq "$(jqr "$report" '.warnings | length') $(wc -c < "$SCRATCH/err.txt")" "0 0" "two addresses: warnings"
run reset '{"close": "rst"}'
expect_eq "$(jqr "$report" '.warnings | length') $(wc -c < "$SCRATCH/err.txt")" "0 0" "reset: warnings"
