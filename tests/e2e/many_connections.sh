# Many connections in one run, all served and none slower than the first: $CONNECTIONS of them (1,000,000 is the whole proof,
# a minute; 40,000 without it), closed by FIN, so that their ports stay in TIME_WAIT, from 254 addresses.
. "$(dirname "$0")/lib.sh"
n=${CONNECTIONS:-40000}

jq -n --argjson n "$n" '{name: "many", target: "server:9000",
	world: {hosts: {client: {any_ip: ["198.18.64.0/24"]}, server: {sysctl: {"net.core.somaxconn": 4096}, run: [{sink: "tcp", listen: "0.0.0.0:9000"}]}},
		links: [{between: ["client", "server"]}]},
	load: [{name: "many", driver: "tcp", close: "fin", source: "198.18.64.0/24", duration: "600s", count: $n, arrivals: {closed: 64}}],
	expect: ["many.ok == \($n)", "many.failures == 0"]}' > "$SCRATCH/many.json"
"$SQUALL" run "$SCRATCH/many.json" --out "$SCRATCH/many" --quiet || fail "status $?: $(jqr "$SCRATCH/many/run.json" '.loads[0].outcomes')"
r="$SCRATCH/many/run.json"
expect_eq "$(jqr "$r" '.servers[0].counts.accepted')" "$n" "the sink's accepted"
# Seconds that each tenth took: the time at which so many were due is read between the edges of bins.
tenths=$(jq -c '.loads[0].series as $s | [foreach $s.ok[] as $x ({n: 0, t: 0}; {n: (.n + $x), t: (.t + $s.bin_s), x: $x})] as $bins
	| ($bins[-1].n / 10) as $tenth
	| [range(11) as $i | if $i == 0 then first($bins[] | select(.n > 0) | .t - $s.bin_s)
		else first($bins[] | select(.n >= $tenth * $i - 0.5) | .t - $s.bin_s * (.n - $tenth * $i) / .x) end]
	| [range(10) as $i | .[$i + 1] - .[$i] | . * 1000 | round / 1000]' "$r")
echo "seconds of each tenth of $n connections: $tenths"
[ "$n" -lt 1000000 ] || jq -ne --argjson t "$tenths" '($t[9] / $t[0] - 1) | fabs <= 0.1' > /dev/null || fail "the last tenth took $(jq -n --argjson t "$tenths" '$t[9] / $t[0]') times the first"
