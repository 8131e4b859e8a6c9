# The kernel's own words for what a client cannot do, provoked one by one for dns and tcp: each is
# counted exactly, by name and phase, and equals what somebody else counted of it.
#
# Two can't be had from a TCP connect by a filter or a full queue, since the kernel sends the SYN
# again, whatever became of the first one: they are time-outs there, one for each SYN (the time-out
# is under 1 s) that the filter or the queue dropped.  EPERM and ENOBUFS themselves come from
# connect(2) where a security module or a cgroup refuses it; seccomp stands in for those.
. "$(dirname "$0")/lib.sh"
need nft nftables
${CC:-cc} -std=c11 -D_GNU_SOURCE -o "$SCRATCH/errno_of" "$SQ_SOURCE_DIR/tests/tools/errno_of.c"

# What filter and queue counted, asked by their own tools when the run ends.
cat > "$SCRATCH/truth" <<'T'
trap 'nft -j list ruleset > "$1.nft"; tc -s -j qdisc show > "$1.tc"; exit' TERM
sleep 600 & wait
T
quiet='{"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1}'
jq -n --arg dir "$SCRATCH" --argjson quiet "$quiet" '{name: "errnos", idle: "200ms",
	world: {links: [{between: ["client", "server"]}],
		hosts: {client: {sysctl: $quiet, run: [{argv: ["sh", "\($dir)/truth", "\($dir)/client"]}]},
			server: {sysctl: ($quiet + {"net.ipv4.icmp_ratemask": 0}), run: [{sink: "dns", listen: "0.0.0.0:53"},
				{sink: "tcp", listen: "0.0.0.0:9000"}, {argv: ["sh", "\($dir)/truth", "\($dir)/server"]}]}}},
	load: [{name: "a", duration: "500ms", timeout: "800ms", arrivals: {rate: 400}}]}' > "$SCRATCH/base.json"
dns='.target = "server:53" | .load[0] += {driver: "dns", names: ["n{0-999}.example.test"]}'
tcp='.target = "server:9000" | .load[0] += {driver: "tcp", until: "connected"}'
drop='table inet f { chain out { type filter hook output priority 0; meta l4proto %s th dport { 53, 9000 } counter drop; }; }'

provoke() { # NAME EDIT [COMMAND...]
	local name=$1 edit=$2 status=0; shift 2
	jq "$edit" "$SCRATCH/base.json" > "$SCRATCH/$name.json"
	r="$SCRATCH/$name/run.json"
	"$@" "$SQUALL" run "$SCRATCH/$name.json" --out "$SCRATCH/$name" --allow-exec --quiet || status=$?
	expect_eq "$status" "$(jqr "$r" 'if any(.loads[0].outcomes[]; .class == "ok" and .count > 0) then 0 else 1 end')" "$name: status"
	expect_eq "$(jqr "$r" '.loads[0] | .scheduled == ([.outcomes[].count] | add)')" true "$name: scheduled is the sum"
	outcomes=$(jqr "$r" '[.loads[0].outcomes[] | select(.count > 0) | "\(.code)@\(.phase) \(.count)"] | sort | join(", ")')
	findings=$(jqr "$r" '[.findings[] | "\(.mechanism) \(.host) \(.failure) \(.explained) of \(.count) \(.confidence)"] | join(", ")')
}
failed() { jqr "$r" "[.loads[0].outcomes[] | select(\"\(.code)@\(.phase)\" == \"$1\") | .count] | add // 0"; }
delta() { jqr "$r" "[.counters[] | select(.host == \"$1\" and .metric == \"$2\") | .delta] | add // 0"; }
dropped() { jq '[.[].drops] | add' "$SCRATCH/$1.tc"; }
filtered() { jq '[.nftables[].rule?.expr[]?.counter?.packets // empty] | add' "$SCRATCH/$1.nft"; }

# EINVAL: a socket bound to 127.0.0.1 that sends to an on-link address.
for d in dns tcp; do
	provoke "$d-einval" "${!d} | .load[0].source = \"127.0.0.1\""
	[ "$d" = dns ] && phase=socket || phase=connect
	expect_eq "$outcomes" "EINVAL@$phase 200" "$d, a source of 127.0.0.1: outcomes"
	expect_eq "$findings" "wrong-source-address client EINVAL@$phase 200 of 200 strong" "$d, a source of 127.0.0.1: findings"
done

# ECONNREFUSED: a closed port; each datagram comes back as an ICMP message, each SYN as a reset.
provoke dns-refused "$dns | .target = \"server:54\""
expect_eq "$outcomes, $(delta server Udp.NoPorts), $(delta client Icmp.InDestUnreachs)" "ECONNREFUSED@query 200, 200, 200" "dns, a closed port: outcomes, NoPorts, InDestUnreachs"
expect_eq "$findings" "port-closed server ECONNREFUSED@query 200 of 200 exact" "dns, a closed port: findings"
provoke tcp-refused "$tcp | .target = \"server:9001\""
expect_eq "$outcomes, $(delta server Tcp.OutRsts)" "ECONNREFUSED@connect 200, 200" "tcp, a closed port: outcomes, OutRsts"
expect_eq "$findings" "port-closed server ECONNREFUSED@connect 200 of 200 exact" "tcp, a closed port: findings"

# EPERM: the client's own filter.
provoke dns-eperm "$dns | .world.hosts.client.nft = [\"$(printf "$drop" udp)\"]"
expect_eq "$outcomes, $(filtered client), $(delta client nft.drops)" "EPERM@send 200, 200, 200" "dns, filtered at its own host: outcomes, the filter's count, ours of it"
expect_eq "$findings" "packet-filter client EPERM@send 200 of 200 exact" "dns, filtered at its own host: findings"
provoke tcp-filtered "$tcp | .world.hosts.client.nft = [\"$(printf "$drop" tcp)\"]"
expect_eq "$outcomes, $(filtered client), $(delta client nft.drops)" "timeout@connect 200, 200, 200" "tcp, filtered at its own host: outcomes, the filter's count, ours of it"
expect_eq "$findings" "packet-filter client timeout@connect 200 of 200 exact" "tcp, filtered at its own host: findings"
provoke tcp-eperm "$tcp" "$SCRATCH/errno_of" EPERM
expect_eq "$outcomes, $findings" "EPERM@connect 200, " "tcp, connect(2) refused: outcomes, findings"

# ENOBUFS: the client's own shaper.
provoke dns-enobufs "$dns | .world.links[0].shape = {rate: \"100kbit\", limit: 3000, host: \"client\"} | .load[0].arrivals.rate = 4000"
enobufs=$(failed ENOBUFS@send)
expect_eq "$(failed ok@) ok, $(dropped client), $(delta client qdisc.drops), $(delta client Udp.SndbufErrors)" "$((2000 - enobufs)) ok, $enobufs, $enobufs, $enobufs" \
	"dns, a full queue of its own: answers, the queue's drops, ours of them, SndbufErrors"
[ "$enobufs" -gt 1000 ] || fail "dns, a full queue of its own: only $enobufs of 2000"
expect_eq "$findings" "interface-queue-full client ENOBUFS@send $enobufs of $enobufs exact" "dns, a full queue of its own: findings"
# Bare ACKs go before the queue: what it drops are SYNs then, and nothing else.
provoke tcp-queue "$tcp | .world.links[0].shape = {rate: \"100kbit\", limit: 3000, host: \"client\"} | .load[0] += {hold: \"1s\", arrivals: {burst: 200, every: \"500ms\", phase: \"0s\"}}
	| .world.hosts.client.nft = [\"table inet f { chain out { type filter hook output priority 0; tcp flags & (syn | rst | ack) == ack drop; }; }\"]"
late=$(failed timeout@connect)
expect_eq "$(failed ok@) ok, $(dropped client), $(delta client qdisc.drops)" "$((200 - late)) ok, $late, $late" "tcp, a full queue of its own: connections, the queue's drops, ours of them"
[ "$late" -gt 100 ] || fail "tcp, a full queue of its own: only $late of 200"
provoke tcp-enobufs "$tcp" "$SCRATCH/errno_of" ENOBUFS
expect_eq "$outcomes, $findings" "ENOBUFS@connect 200, " "tcp, connect(2) without buffers: outcomes, findings"

# EHOSTUNREACH: a route that says so.  ECONNRESET: a server that does not want to read on.
for d in dns tcp; do
	provoke "$d-unreachable" "${!d} | .world.hosts.client.run += [{argv: [\"sh\", \"-c\", \"ip route add unreachable 198.18.0.2/32; exec sleep 600\"]}]"
	[ "$d" = dns ] && phase=socket || phase=connect
	expect_eq "$outcomes, $findings" "EHOSTUNREACH@$phase 200, " "$d, an unreachable server: outcomes, findings"
done
provoke tcp-reset "$tcp | .world.hosts.server.run[1].reset_after = \"4B\" | .load[0] += {until: \"answer\", send: \"hello\"}"
expect_eq "$outcomes, $(delta server Tcp.OutRsts)" "ECONNRESET@answer 200, 200" "tcp, reset after four bytes: outcomes, OutRsts"
expect_eq "$findings" "server-reset server ECONNRESET@answer 200 of 200 exact" "tcp, reset after four bytes: findings"

# EADDRNOTAVAIL: a source that this host does not have; a range of 100 ports, all held.
for d in dns tcp; do
	provoke "$d-source" "${!d} | .load[0].source = \"198.18.0.99\""
	[ "$d" = dns ] && phase=socket || phase=connect
	expect_eq "$outcomes, $findings" "EADDRNOTAVAIL@$phase 200, " "$d, a source of nobody's: outcomes, findings"
done
provoke tcp-ports "$tcp | .world.hosts.client.sysctl[\"net.ipv4.ip_local_port_range\"] = \"40000 40099\" | .load[0].hold = \"1s\""
expect_eq "$outcomes, $findings" "EADDRNOTAVAIL@connect 100, ok@ 100, ephemeral-ports-exhausted client EADDRNOTAVAIL@connect 100 of 100 strong" "tcp, 200 connections of 100 ports: outcomes, findings"
