# The kernel's words at full speed, from one port and from 4096: a closed loop that keeps 1000 queries
# under way sends as fast as it can, and each refusal still has its name and is counted exactly.
. "$(dirname "$0")/lib.sh"
need nft nftables

cat > "$SCRATCH/truth" <<'T'
trap 'nft -j list ruleset > "$1.nft"; tc -s -j qdisc show > "$1.tc"; exit' TERM
sleep 600 & wait
T
quiet='{"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1}'
jq -n --arg dir "$SCRATCH" --argjson quiet "$quiet" '{name: "errnos-flood", idle: "200ms", target: "server:53",
	world: {links: [{between: ["client", "server"]}],
		hosts: {client: {sysctl: $quiet, run: [{argv: ["sh", "\($dir)/truth", "\($dir)/client"]}]},
			server: {sysctl: ($quiet + {"net.ipv4.icmp_ratemask": 0}), run: [{sink: "dns", listen: "0.0.0.0:53", receive_buffer: "32MiB"}]}}},
	load: [{name: "a", driver: "dns", names: ["n{0-999}.example.test"], duration: "1s", timeout: "2s", receive_buffer: "4MiB",
		arrivals: {closed: 1000}}]}' > "$SCRATCH/base.json"
filter='table inet f { chain out { type filter hook output priority 0; udp dport 53 %s counter drop; }; }'

flood() { # NAME EDIT
	local name=$1
	jq "$2" "$SCRATCH/base.json" > "$SCRATCH/$name.json"
	r="$SCRATCH/$name/run.json"
	"$SQUALL" run "$SCRATCH/$name.json" --out "$SCRATCH/$name" --allow-exec --quiet || true # all of it may fail
	expect_eq "$(jqr "$r" '.loads[0] | .scheduled == ([.outcomes[].count] | add)')" true "$name: scheduled is the sum"
	scheduled=$(jqr "$r" .loads[0].scheduled)
	[ "$scheduled" -gt 5000 ] || fail "$name: only $scheduled queries in a second"
	echo "$name: $(jqr "$r" '[.loads[0].outcomes[] | "\(.code)@\(.phase) \(.count)"] | join(", ")')"
}
count() { jqr "$r" "[.loads[0].outcomes[] | select(\"\(.code)@\(.phase)\" == \"$1\") | .count] | add // 0"; }
delta() { jqr "$r" "[.counters[] | select(.host == \"$1\" and .metric == \"$2\") | .delta] | add // 0"; }
dropped() { jq '[.[].drops] | add' "$SCRATCH/client.tc"; }
filtered() { jq '[.nftables[].rule?.expr[]?.counter?.packets // empty] | add' "$SCRATCH/client.nft"; }
ok() { jqr "$r" '[.loads[0].outcomes[] | select(.class == "ok") | .count] | add // 0'; }

for ports in 1 4096; do
	flood "healthy-$ports" ".load[0].sockets = $ports"
	expect_eq "$(ok)" "$scheduled" "healthy, $ports ports"

	# Every query, and one in seven: then a call that sends many is refused in its middle.
	for one in "" "numgen inc mod 7 == 0"; do
		flood "filtered-$ports-${one:+7}" ".load[0].sockets = $ports | .world.hosts.client.nft = [\"$(printf "$filter" "$one")\"]"
		eperm=$(count EPERM@send)
		expect_eq "$eperm $(delta client nft.drops) $(ok)" "$(filtered) $(filtered) $((scheduled - eperm))" "filtered ($one), $ports ports: EPERM, ours of the filter's count, answers"
		[ "$eperm" -gt 700 ] || fail "only $eperm were filtered"
	done

	flood "queue-$ports" ".load[0].sockets = $ports | .world.links[0].shape = {rate: \"100kbit\", limit: 3000, host: \"client\"}"
	enobufs=$(count ENOBUFS@send)
	[ "$enobufs" -gt 700 ] || fail "only $enobufs found the queue full"
	expect_eq "$enobufs $enobufs $((enobufs + $(ok)))" "$(dropped) $(delta client Udp.SndbufErrors) $scheduled" "a full queue, $ports ports: ENOBUFS against drops, SndbufErrors; the rest answered"

	flood "closed-$ports" ".load[0].sockets = $ports | .load[0].receive_buffer = \"32MiB\" | .target = \"server:54\""
	expect_eq "$(count ECONNREFUSED@query) $(delta server Udp.NoPorts)" "$scheduled $scheduled" "a closed port, $ports ports: ECONNREFUSED, NoPorts"
done

# Segmented: a refused datagram stands once in the kernel's count, and each of its queries once more.
flood segmented ".load[0] += {sockets: 4096, segment: true} | .world.hosts.client.nft = [\"$(printf "$filter" "numgen inc mod 7 == 0")\"]"
eperm=$(count EPERM@send); more=$(($(filtered) - eperm))
expect_eq "$((eperm + $(ok)))" "$scheduled" "segmented: EPERM and answers"
[ "$eperm" -gt 700 ] || fail "segmented: only $eperm were filtered"
[ "$more" -ge 0 ] && [ "$more" -le 5 ] || fail "segmented: EPERM $eperm, the filter counted $(filtered)"
