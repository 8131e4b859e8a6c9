# NSD behind a link of 400 kbit/s: its replies fill the interface's queue, its sends "succeed", and
# clients wait in vain.  Time-outs = its host's SndbufErrors = the queue's drops, by squall's reading
# and by tc's own; the finding explains every one.
. "$(dirname "$0")/lib.sh"
need nsd nsd
need tc iproute2

{ printf '$TTL 300\n@ SOA ns root 1 3600 600 86400 300\n@ NS ns\nns A 198.18.0.2\n'; seq -f 'n%.0f A 198.18.1.1' 0 999; } > "$SCRATCH/zone"
cat > "$SCRATCH/nsd.conf" <<C
server:
  ip-address: 198.18.0.2
  server-count: 1
  username: ""
  zonesdir: "$SCRATCH"
  zonelistfile: "$SCRATCH/zone.list"
  database: ""
  pidfile: ""
  xfrdfile: ""
  xfrdir: "$SCRATCH"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: example.test
  zonefile: zone
C
echo "trap 'tc -s -j qdisc show > \"$SCRATCH/tc\"; exit' TERM; sleep 600 & wait" > "$SCRATCH/truth"
# Without IPv6 nothing but the replies and one ARP message passes the queue.
cat > "$SCRATCH/slow.json" <<J
{ "name": "nsd-slow-link", "target": "server:53",
  "world": { "hosts": { "client": {},
      "server": { "sysctl": { "net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1 },
        "run": [ { "argv": [ "nsd", "-d", "-c", "$SCRATCH/nsd.conf" ], "wait_port": 53 }, { "argv": [ "sh", "$SCRATCH/truth" ] } ] } },
    "links": [ { "between": [ "client", "server" ], "shape": { "rate": "400kbit", "limit": 6000, "host": "server" } } ] },
  "load": [ { "name": "q", "driver": "dns", "names": ["n{0-999}.example.test"], "duration": "1s", "timeout": "1s", "arrivals": { "rate": 2000 } } ] }
J
for i in 1 2 3; do
	r="$SCRATCH/slow$i/run.json"
	"$SQUALL" run "$SCRATCH/slow.json" --out "$SCRATCH/slow$i" --allow-exec --quiet || fail "status $?"
	lost=$(jqr "$r" '[.loads[0].outcomes[] | select(.code == "timeout") | .count] | add // 0')
	[ "$lost" -gt 1000 ] || fail "only $lost of 2000 were lost"
	delta() { jqr "$r" "[.counters[] | select(.host == \"server\" and .metric == \"$1\") | .delta] | add"; }
	expect_eq "$(jqr "$r" '.loads[0] | "\(.scheduled) \([.outcomes[] | select(.class == "ok") | .count] | add)"')" "2000 $((2000 - lost))" "scheduled, answered"
	expect_eq "$(delta Udp.SndbufErrors) $(delta qdisc.drops) $(jq '[.[].drops] | add' "$SCRATCH/tc")" "$lost $lost $lost" "SndbufErrors, drops of the queue, drops by tc"
	expect_eq "$(jqr "$r" '[.findings[] | "\(.mechanism) \(.host) \(.failure) \(.count) \(.explained) \(.unexplained) \(.counter_excess) \(.confidence)"] | join(", ")')" \
		"interface-queue-full server timeout@query $lost $lost 0 0 exact" "findings"
	echo "run $i: $lost time-outs, all of the queue's"
done
