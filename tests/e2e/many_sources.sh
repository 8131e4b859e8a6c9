# A load from thousands of addresses, all of one prefix of its host's: the server sees each of them,
# over dns and tcp, in IPv4 and IPv6, and no neighbour table overflows.  Then what else may be many:
# targets, of which each gets its share; and loopback, all of which is there by itself.
. "$(dirname "$0")/lib.sh"
need nft nftables

run() { # NAME, the scenario on stdin
	local status=0
	cat > "$SCRATCH/$1.json"
	r="$SCRATCH/$1/run.json"
	"$SQUALL" run "$SCRATCH/$1.json" --out "$SCRATCH/$1" --allow-exec --quiet || status=$?
	expect_eq "$status" 0 "$1: status"
}
ok() { jqr "$r" "[.loads[$1].outcomes[] | select(.class == \"ok\") | .count] | add // 0"; }
peers() { jq "[.nftables[].set? | select(.name == \"$1\") | .elem | length] | add" "$SCRATCH/peers.json"; }

# shellcheck disable=SC2016
edit='{name: "many", idle: "200ms",
	world: {links: [{between: ["client", "server"], subnet: $subnet}],
		hosts: {client: {any_ip: [$prefix]}, server: {
			nft: ["table inet f { set udp_peers { type \($ip)_addr; size 65535; flags dynamic; }; set tcp_peers { type \($ip)_addr; size 65535; flags dynamic; }; chain in { type filter hook input priority 0; udp dport 53 add @udp_peers { \($key) saddr }; tcp dport 9000 tcp flags syn add @tcp_peers { \($key) saddr }; }; }"],
			run: [{sink: "dns", listen: "\($any):53"}, {sink: "tcp", listen: "\($any):9000"},
				{argv: ["sh", "-c", "trap '"'nft -j list ruleset > \(\$dir)/peers.json; exit'"' TERM; sleep 600 & wait"]}]}}},
	load: [{name: "d", driver: "dns", target: "server:53", source: $source, sockets: 1000, threads: 2, names: ["a.test"],
			duration: "4s", arrivals: {rate: 2000}, count: 8000},
		{name: "t", driver: "tcp", target: "server:9000", source: [$source], threads: 2, duration: "4s", arrivals: {rate: 1000}, count: 4000}]}'
many() { # NAME IP KEY ANY SUBNET PREFIX SOURCE
	run "$1" < <(jq -n --arg dir "$SCRATCH" --arg ip "$2" --arg key "$3" --arg any "$4" --arg subnet "$5" --arg prefix "$6" --arg source "$7" "$edit")
	expect_eq "$(ok 0) $(ok 1)" "8000 4000" "$1: successes of dns and tcp"
	expect_eq "$(peers udp_peers) $(peers tcp_peers)" "2000 2000" "$1: addresses that the server saw"
	expect_eq "$(jqr "$r" '[.loads[].sources] | join(" ")')" "2000 2000" "$1: addresses in the report"
}
many v4 ipv4 ip 0.0.0.0 198.18.0.0/16 198.18.64.0/20 198.18.64.1-198.18.71.208
many v6 ipv6 ip6 "[::]" fd00::/64 fd00::1:0/116 fd00::1:1-fd00::1:7d0

# Of two targets on one host both sockets' rows count: what either buffer dropped is explained.
run targets <<'T'
{"name": "targets", "idle": "200ms", "expect": ["q.ok > 0"],
 "world": {"links": [{"between": ["client", "server"]}], "hosts": {"client": {}, "server": {"run": [
	{"sink": "dns", "listen": "0.0.0.0:53", "receive_buffer": 4096, "pause_at": "200ms", "pause_for": "400ms"},
	{"sink": "dns", "listen": "0.0.0.0:54", "receive_buffer": 4096, "pause_at": "200ms", "pause_for": "400ms"}]}}},
 "load": [{"name": "q", "driver": "dns", "target": ["server:53", "server:54"], "names": ["a.test"], "sockets": 2,
	"timeout": "900ms", "duration": "1s", "arrivals": {"rate": 2000}}]}
T
expect_eq "$(jqr "$r" '[.loads[0] | .target, (.more_targets[] | .target, .address, .server)] | join(" ")')" \
	"server:53 server:54 198.18.0.2:54 server" "the report's targets"
for row in 0.0.0.0:53 0.0.0.0:54; do
	drops=$(jqr "$r" "[.counters[] | select(.host == \"server\" and .metric == \"udp.drops\" and .instance == \"$row\") | .delta] | add // 0")
	[ "$drops" -gt 100 ] || fail "only $drops were dropped at $row"
	total=$((${total:-0} + drops))
done
expect_eq "$(jqr "$r" '[.findings[] | "\(.mechanism) \(.host) \(.failure)"] | unique | join(", ")')" "receive-buffer-full server timeout@query" "two targets: mechanism"
expect_eq "$(jqr "$r" '[.findings[].explained] | add') of $(jqr "$r" '[.loads[0].outcomes[] | select(.code == "timeout") | .count] | add')" "$total of $total" "two targets: explained"

# Loopback has all of 127.0.0.0/8 by itself.
"$SQUALL" sink dns --listen 127.0.0.1:19353 > "$SCRATCH/sink.json" 2> "$SCRATCH/sink.txt" &
at_exit "kill $! 2> /dev/null; wait $!"
for _ in $(seq 100); do
	! grep -q serving "$SCRATCH/sink.txt" || break
	sleep 0.05
done
"$SQUALL" dns 127.0.0.1:19353 --source 127.1.0.0/24 --source 127.2.0.1-127.2.0.6 --sockets 260 --count 1000 \
	--expect 'dns.ok == 1000' --out "$SCRATCH/here" --quiet || fail "loopback: status $?"
expect_eq "$(jqr "$SCRATCH/here/run.json" '"\(.loads[0].sources) \(.loads[0].source)"')" "260 127.1.0.0/24, 127.2.0.1-127.2.0.6" "loopback: sources"
