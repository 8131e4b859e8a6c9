# A server that reads slowly from a small receive buffer loses just what the kernel counts, and so
# does a client; the same time-outs by other ways stay unexplained.  With a slow link as well, each
# of the two mechanisms gets its true share.
. "$(dirname "$0")/lib.sh"

quiet='{"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1}'
# Where no buffer is small all are large: a busy machine must not add losses of its own.
jq -n --argjson quiet "$quiet" '{name: "receive-buffer", target: "server:53", idle: "200ms",
	world: {links: [{between: ["client", "server"]}],
		hosts: {client: {sysctl: $quiet}, server: {sysctl: $quiet, run: [{sink: "dns", listen: "0.0.0.0:53", receive_buffer: "4MiB"}]}}},
	load: [{name: "q", driver: "dns", names: ["n{0-999}.example.test"], duration: "500ms", timeout: "1s", receive_buffer: "4MiB", arrivals: {rate: 4000}}]}' > "$SCRATCH/base.json"
sink='.world.hosts.server.run[0]'
small="$sink += {receive_buffer: 8192, capacity: 1000}"
slow='.world.links[0].shape = {rate: "400kbit", limit: 6000, host: "server"}'

run() { # NAME EDIT
	jq "$2" "$SCRATCH/base.json" > "$SCRATCH/$1.json"
	r="$SCRATCH/$1/run.json"
	"$SQUALL" run "$SCRATCH/$1.json" --out "$SCRATCH/$1" --quiet || fail "$1: status $?"
	lost=$(jqr "$r" '[.loads[].outcomes[] | select(.code == "timeout") | .count] | add // 0')
	answered=$(jqr "$r" '[.loads[].outcomes[] | select(.class == "ok") | .count] | add // 0')
	expect_eq "$((lost + answered))" "$(jqr "$r" '[.loads[].scheduled] | add')" "$1: answered and lost are all"
	findings=$(jqr "$r" '[.findings[] | "\(.mechanism) \(.host) \(.load) \(.failure) \(.explained) of \(.count) \(.confidence)"] | sort | join(", ")')
	account=$(jqr "$r" '[.account[] | "\(.load) \(.failure) \(.explained) \(.unexplained)"] | sort | join(", ")')
}
delta() { jqr "$r" "[.counters[] | select(.host == \"$1\" and .metric == \"$2\") | .delta] | add // 0"; }
without_confidence() { sed -E 's/ (exact|strong|weak)(,|$)/\2/g' <<< "$findings"; }
many() { # NAME
	[ "$lost" -gt 300 ] || fail "$1: only $lost were lost"
	echo "$1: $lost lost"
}

run server "$small"; many server
expect_eq "$(delta server Udp.RcvbufErrors) $(delta server udp.drops)" "$lost $lost" "server: RcvbufErrors, the socket's drops"
expect_eq "$findings" "receive-buffer-full server q timeout@query $lost of $lost exact" "server: findings"

# The client's own buffer: the replies to 200 queries that were sent at once come at once.
run client '.load[0] += {receive_buffer: 2304, sockets: 1, arrivals: {burst: 200, every: "50ms", phase: "0s"}}'; many client
expect_eq "$(delta client Udp.RcvbufErrors) $(delta server Udp.RcvbufErrors)" "$lost 0" "client: RcvbufErrors of client, of server"
expect_eq "$findings" "receive-buffer-full client q timeout@query $lost of $lost exact" "client: findings"

# Bursts of 400 are too much for a small buffer of the server's too: each host pays for its own.
run sides "$sink"' += {receive_buffer: 16384} | .load[0] += {receive_buffer: 2304, arrivals: {burst: 400, every: "100ms", phase: "0s"}}'; many sides
theirs=$(delta server Udp.RcvbufErrors); ours=$(delta client Udp.RcvbufErrors)
[ "$theirs" -gt 0 ] && [ "$ours" -gt 0 ] || fail "both sides: RcvbufErrors of the server $theirs, of the client $ours"
expect_eq "$(without_confidence)" "receive-buffer-full client q timeout@query $ours of $lost, receive-buffer-full server q timeout@query $theirs of $lost" "both sides: findings"
expect_eq "$((theirs + ours))" "$lost" "both sides: lost"

run healthy .
expect_eq "$lost $findings" "0 " "healthy: lost, findings"
run dropped "$sink += {drop_percent: 75}"
expect_eq "$lost, $findings, $account" "1500, , q timeout@query 0 1500" "dropped by the sink: lost, findings, account"

# Every other query meets a filter that does not count; the buffer loses of those that are left.
run half "$small"'| .world.hosts.server.nft = ["table inet f { chain in { type filter hook input priority 0; udp dport 53 numgen inc mod 2 0 drop; }; }"]'
full=$(delta server Udp.RcvbufErrors)
expect_eq "$lost" "$((1000 + full))" "half filtered: lost"
expect_eq "$account" "q timeout@query $full 1000" "half filtered: account"

# Two sinks, one counter of the host: each port's own drops say which load pays.
run two "$small | .world.hosts.server.run += [{sink: \"dns\", listen: \"0.0.0.0:54\", receive_buffer: \"4MiB\", drop_percent: 75}]
	| .load += [.load[0] + {name: \"other\", target: \"server:54\"}]"
full=$(delta server Udp.RcvbufErrors)
expect_eq "$lost" "$((1500 + full))" "two sinks: lost"
expect_eq "$account" "other timeout@query 0 1500, q timeout@query $full 0" "two sinks: account"

# A small buffer and a slow link.
run both "$small | $slow"; many both
full=$(delta server Udp.RcvbufErrors); queue=$(delta server qdisc.drops)
[ "$queue" -gt 100 ] || fail "both: only $queue dropped by the queue"
expect_eq "$lost $(delta server Udp.SndbufErrors)" "$((full + queue)) $queue" "both: lost, SndbufErrors"
expect_eq "$(without_confidence)" "interface-queue-full server q timeout@query $queue of $lost, receive-buffer-full server q timeout@query $full of $lost" "both: findings"

# The socket's own send buffer fills before the queue does.
run send "$sink += {send_buffer: 4608} | $slow | .world.links[0].shape.limit = 3000000"; many send
expect_eq "$(delta server Udp.SndbufErrors) $(delta server qdisc.drops)" "$lost 0" "send buffer: SndbufErrors, drops of the queue"
expect_eq "$findings" "send-buffer-full server q timeout@query $lost of $lost exact" "send buffer: findings"
