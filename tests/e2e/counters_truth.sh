# What capture says that counters rose by is what the kernel's own tools say in the quiet before and after:
# nstat, tc -s, ip -s -s link, ip -s ntable and ss, each asked within the hosts of a world in which
# connections, queries and datagrams fail in several ways.
. "$(dirname "$0")/lib.sh"
need nstat iproute2
need nft nftables

cat > "$SCRATCH/truth" <<'T'
say() {
	nstat -asz --json > "$1.nstat"; tc -s -j qdisc show > "$1.qdisc"; ip -s -s -j link show > "$1.link"
	nft -j list ruleset > "$1.nft"
}
say "$1.before"
trap 'say "$1.after"; exit' TERM
# The servers end when this does, and their sockets with them: the last that was seen of them counts.
while :; do
	ss -Htln > "$1.new" && ss -HuanmO >> "$1.new" && [ -s "$1.new" ] && mv "$1.new" "$1.ss"
	sleep 0.2 & wait $!
done
T
quiet='{"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1}'
jq -n --arg dir "$SCRATCH" --argjson quiet "$quiet" '{name: "truth", idle: "600ms",
	world: {links: [{between: ["client", "server"], shape: {rate: "400kbit", limit: 6000, host: "server"}}],
		hosts: {client: {sysctl: $quiet, run: [{argv: ["sh", "\($dir)/truth", "\($dir)/client"]}]},
			server: {sysctl: ($quiet + {"net.core.somaxconn": 16}),
				nft: ["table inet f { chain in { type filter hook input priority 0; udp dport 55 counter drop; ct state new counter; }; }"],
				run: [{sink: "dns", listen: "0.0.0.0:53", receive_buffer: 8192, capacity: 1000},
					{sink: "tcp", listen: "0.0.0.0:9000", backlog: 16, accept_delay: "50ms"},
					{argv: ["sh", "\($dir)/truth", "\($dir)/server"]}]}}},
	load: [{name: "flood", driver: "dns", target: "server:53", names: ["n{0-999}.example.test"], duration: "400ms", timeout: "600ms", arrivals: {rate: 4000}},
		{name: "closed", driver: "dns", target: "server:54", names: ["a.test"], duration: "300ms", timeout: "500ms", arrivals: {rate: 200}},
		{name: "filtered", driver: "dns", target: "server:55", names: ["a.test"], duration: "300ms", timeout: "500ms", arrivals: {rate: 200}},
		{name: "nobody", driver: "dns", target: "198.18.77.1:53", names: ["a.test"], duration: "300ms", timeout: "500ms", arrivals: {rate: 50}},
		{name: "storm", driver: "tcp", target: "server:9000", at: "1s", duration: "200ms", timeout: "800ms", arrivals: {burst: 64, every: "1s", phase: "0s"}}]}' > "$SCRATCH/truth.json"
ip -s -j ntable show > "$SCRATCH/before.ntable"
"$SQUALL" run "$SCRATCH/truth.json" --out "$SCRATCH/run" --allow-exec --quiet || fail "status $?"
ip -s -j ntable show > "$SCRATCH/after.ntable"

# A row for each figure that a tool gave: METRIC INSTANCE RISE, and the last value of what stands at one.
told() { # HOST
	local b="$SCRATCH/$1.before" a="$SCRATCH/$1.after"
	jq -nr --slurpfile b "$b.nstat" --slurpfile a "$a.nstat" '$a[0].kernel | to_entries[] | "nstat \(.key) - \(.value - ($b[0].kernel[.key] // 0))"'
	jq -nr --slurpfile b "$b.qdisc" --slurpfile a "$a.qdisc" '$a[0][] | select(.root and .kind != "noqueue") as $q
		| ($b[0][] | select(.dev == $q.dev and .root)) as $p | ("drops", "packets", "bytes", "overlimits", "requeues") as $k
		| "tc qdisc.\($k) \($q.dev) \($q[$k] - $p[$k])"'
	jq -nr --slurpfile b "$b.link" --slurpfile a "$a.link" '$a[0][] as $l | ($b[0][] | select(.ifname == $l.ifname)) as $m
		| ("rx", "tx") as $way | $l.stats64[$way] | to_entries[]
		| "ip-link link.\(if .key == "multicast" or .key == "collisions" then "" else $way + "_" end)\(.key | sub("^(?<x>length|over|crc|frame|fifo|missed|aborted|carrier|window|heartbeat)_errors$"; "\(.x)_errors")) \($l.ifname) \(.value - $m.stats64[$way][.key])"'
	jq -nr --slurpfile b "$b.nft" --slurpfile a "$a.nft" 'def drops: [.nftables[].rule | select(. != null) | select(any(.expr[]; has("drop"))) | .expr[].counter?.packets // empty] | add // 0;
		if $a[0].nftables | any(.rule) then "nft nft.drops * \(($a[0] | drops) - ($b[0] | drops))" else empty end'
	[ ! -f "$SCRATCH/$1.ss" ] || awk '$1 == "LISTEN" {print "ss listen.backlog", $4, $3; print "ss listen.queue", $4, $2}
		$1 == "UNCONN" {match($0, /,d[0-9]+\)/); print "ss udp.drops", $4, substr($0, RSTART + 2, RLENGTH - 3)}' "$SCRATCH/$1.ss"
}

# What the report has of the same, in the same form.
captured() { # HOST
	jqr "$SCRATCH/run/run.json" '.counters[] | select(.host == "'"$1"'")
		| if .source == "snmp" or .source == "snmp6" or .source == "netstat" then "nstat \(.metric | gsub("\\."; "")) - \(.delta)"
		elif .source == "qdisc" then "tc \(.metric) \(.instance) \(.delta)"
		elif .source == "link" then "ip-link \(.metric) \(.instance) \(.delta)"
		elif .source == "listeners" then "ss \(.metric) \(.instance) \(.last)"
		elif .metric == "udp.drops" then "ss \(.metric) \(.instance) \(.delta)"
		elif .metric == "nft.drops" then "nft nft.drops * \(.delta)" else empty end'
}

for host in client server; do
	told "$host" | sort > "$SCRATCH/$host.told"
	captured "$host" | sort > "$SCRATCH/$host.captured"
	# Compared by name where both know it; each tool must have a say.
	join -j 1 <(awk '{print $1 "," $2 "," $3, $4}' "$SCRATCH/$host.told" | sort) <(awk '{print $1 "," $2 "," $3, $4}' "$SCRATCH/$host.captured" | sort) > "$SCRATCH/$host.both"
	awk '$2 != $3 {print}' "$SCRATCH/$host.both" > "$SCRATCH/$host.wrong"
	[ ! -s "$SCRATCH/$host.wrong" ] || fail "$host: of tool, metric, row: the tool's rise and ours: $(tr '\n' ';' < "$SCRATCH/$host.wrong")"
	for tool in nstat ip-link; do
		grep -q "^$tool,.* [1-9]" "$SCRATCH/$host.both" || fail "$host: nothing that $tool knows has moved"
	done
	echo "$host: $(wc -l < "$SCRATCH/$host.both") rows are as the tools say, $(awk '$2 != 0' "$SCRATCH/$host.both" | wc -l) of them moved"
	[ "$(wc -l < "$SCRATCH/$host.both")" -ge 250 ] || fail "$host: only $(wc -l < "$SCRATCH/$host.both") rows are known to both"
done
for row in "nstat,TcpExtListenOverflows,-" "nstat,UdpRcvbufErrors,-" "nstat,UdpNoPorts,-" "nstat,UdpSndbufErrors,-" "tc,qdisc.drops,eth0" \
	"nft,nft.drops,*" "ss,udp.drops,0.0.0.0:53" "ss,listen.backlog,0.0.0.0:9000"; do
	grep -qF "$row " "$SCRATCH/server.both" || fail "server: $row is not among them: $(grep -F "${row%,*}" "$SCRATCH/server.told" "$SCRATCH/server.captured")"
	! grep -qF "$row 0 " "$SCRATCH/server.both" || fail "server: $row has not moved"
done

# The tables of neighbours are one for the whole machine, whose other programs use them: what capture saw
# lies within what the tool saw around it.
within() { # OURS AROUND WHAT
	{ [ "$1" -ge 0 ] && [ "$1" -le "$2" ]; } || fail "$3: $1, within $2 of ip -s ntable"
}
table() { jqr "$1" '.[] | select(.name == "arp_cache" and has("allocs")) | .'"$2"; }
# (A lab beside this test may set it meanwhile.)
threshold() { # OURS
	[ "$1" = "$(table "$SCRATCH/before.ntable" thresh3)" ] || expect_eq "$1" "$(table "$SCRATCH/after.ntable" thresh3)" "gc_thresh3"
}
for k in allocs destroys res_failed lookups hits forced_gc_runs periodic_gc_runs table_fulls hash_grows; do
	ours=$(jqr "$SCRATCH/run/run.json" '.counters[] | select(.host == "client" and .metric == "neighbour.'$k'" and .instance == "arp_cache") | .delta')
	around=$(($(table "$SCRATCH/after.ntable" $k) - $(table "$SCRATCH/before.ntable" $k)))
	within "$ours" "$around" "neighbour.$k"
	[ $k != allocs ] || [ "$ours" -ge 3 ] || fail "neighbour.allocs: $ours, of three neighbours that were looked up"
done
threshold "$(jqr "$SCRATCH/run/run.json" '.counters[] | select(.host == "client" and .metric == "neighbour.gc_thresh3" and .instance == "arp_cache") | .last')"

# In the first namespace they are read as texts.
[ -f /proc/net/stat/arp_cache ] || { echo "this is not the first network namespace: no texts of neighbours"; exit 0; }
ip -s -j ntable show > "$SCRATCH/before.ntable"
"$SQUALL" capture --source neighbour --duration 500ms --out "$SCRATCH/neighbour.jsonl" 2> "$SCRATCH/capture.txt" || fail "capture: status $?: $(cat "$SCRATCH/capture.txt")"
ip -s -j ntable show > "$SCRATCH/after.ntable"
last() { # METRIC
	jq -s '(.[] | select(.k == "metric" and .metric == "'"$1"'" and .instance == "arp_cache") | .i) as $i
		| [.[] | select(.k == "tick") | .v as $v | range(0; $v | length; 2) | select($v[.] == $i) | $v[. + 1]] | last' "$SCRATCH/neighbour.jsonl"
}
threshold "$(last neighbour.gc_thresh3)"
for k in allocs destroys res_failed lookups hits forced_gc_runs periodic_gc_runs table_fulls hash_grows; do
	within "$(last neighbour.$k)" $(($(table "$SCRATCH/after.ntable" $k) - $(table "$SCRATCH/before.ntable" $k))) "neighbour.$k, by its text"
done
[ "$(last neighbour.unresolved_discards)" -ge 0 ] || fail "no unresolved_discards"
