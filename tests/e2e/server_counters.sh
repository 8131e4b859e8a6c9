# What servers count of themselves, captured while a load of known size meets them: the rise of each row
# equals what the server's own tool says after the run of a server that had counted nothing before it,
# and what the load counted.  named, unbound, NSD, Knot, nginx and node_exporter, all on one host.
. "$(dirname "$0")/lib.sh"
need named bind9
need rndc bind9
need unbound unbound
need nsd nsd
need knotd knot
need nginx nginx-light
need curl curl
need prometheus-node-exporter prometheus-node-exporter

W=$SCRATCH
{ printf '$TTL 300\n@ SOA ns root 1 3600 600 86400 300\n@ NS ns\nns A 198.18.0.2\n'; seq -f 'n%.0f A 198.18.1.1' 0 99; } > "$W/zone"
key='key "k" { algorithm hmac-sha256; secret "c3F1YWxsIHRlc3RzIGtleQ=="; };'
cat > "$W/named.conf" <<C
options { directory "$W"; pid-file none; session-keyfile none; listen-on { 198.18.0.2; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no; notify no; statistics-file "$W/named.stats"; };
$key controls { inet 127.0.0.1 allow { 127.0.0.1; } keys { "k"; }; };
statistics-channels { inet 127.0.0.1 port 8053; };
logging { channel log { file "$W/named.log"; }; category default { log; }; };
zone "example.test" { type primary; file "zone"; };
zone "broken.test" { type secondary; primaries { 127.0.0.9; }; };
C
echo "$key options { default-key \"k\"; default-server 127.0.0.1; };" > "$W/rndc.conf"
cat > "$W/unbound.conf" <<C
server:
  interface: 198.18.0.2@5301
  access-control: 198.18.0.0/15 allow
  username: ""
  chroot: ""
  directory: "$W"
  pidfile: ""
  use-syslog: no
  logfile: "$W/unbound.log"
  extended-statistics: yes
  num-threads: 1
  local-zone: "example.test." static
  local-zone: "broken.test." always_refuse
$(seq -f '  local-data: "n%.0f.example.test. A 198.18.1.1"' 0 99)
remote-control:
  control-enable: yes
  control-interface: $W/unbound.ctl
C
cat > "$W/nsd.conf" <<C
server:
  ip-address: 198.18.0.2@5302
  server-count: 1
  username: ""
  zonesdir: "$W"
  zonelistfile: "$W/zone.list"
  database: ""
  pidfile: ""
  xfrdfile: ""
  xfrdir: "$W"
remote-control:
  control-enable: yes
  control-interface: $W/nsd.ctl
zone:
  name: example.test
  zonefile: zone
C
mkdir "$W/db"
cat > "$W/knot.conf" <<C
server:
  rundir: $W
  listen: 198.18.0.2@5303
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: $W/db
template:
  - id: default
    global-module: mod-stats
zone:
  - domain: example.test
    storage: $W
    file: zone
    journal-content: none
    zonefile-sync: -1
C
cat > "$W/nginx.conf" <<C
daemon off; worker_processes 1; pid $W/nginx.pid; error_log $W/error.log; user root;
events { worker_connections 1000; }
http { access_log off; client_body_temp_path $W; proxy_temp_path $W; fastcgi_temp_path $W; uwsgi_temp_path $W; scgi_temp_path $W;
  server { listen 0.0.0.0:80; location / { return 204; } location /stub_status { stub_status; } } }
C
cat > "$W/five" <<R
rm -f $W/*.ctl $W/knot.sock $W/knot.pid
servers=
for each in "named -f -n 1 -U 1 -c $W/named.conf" "unbound -d -c $W/unbound.conf" "nsd -d -c $W/nsd.conf" "knotd -c $W/knot.conf" \\
	"nginx -p $W -c $W/nginx.conf"; do
	\$each &
	servers="\$servers \$!"
done
until curl -s http://127.0.0.1:8053/json/v1/net > /dev/null && [ -e $W/unbound.ctl ] && [ -e $W/nsd.ctl ] && [ -e $W/knot.sock ]; do sleep 0.1; done
R
# When the run ends them, each is asked by its own tool.
cat > "$W/servers.run" <<R
. $W/five
prometheus-node-exporter --web.listen-address=127.0.0.1:9100 &
servers="\$servers \$!"
trap 'rndc -c $W/rndc.conf stats; unbound-control -c $W/unbound.conf stats_noreset > $W/unbound.says
  nsd-control -c $W/nsd.conf stats_noreset > $W/nsd.says; knotc -c $W/knot.conf stats > $W/knot.says
  curl -s http://127.0.0.1/stub_status > $W/nginx.says; kill \$servers' TERM
wait; wait
R
# Of 10 names 1 does not exist, and 2 are of a zone that the server can't answer for.
awk 'BEGIN { for (i = 0; i < 100; i++) print (i % 10 == 7 ? "wrong" i ".example" : i % 10 < 2 ? "n" i ".broken" : "n" i ".example") ".test A" }' > "$W/queries"

load() { # NAME PORT DRIVER
	jq -n --arg name "$1" --arg target "server:$2" --argjson load "$3" '{name: $name, target: $target, count: 400, timeout: "2s", arrivals: {rate: 400}} + $load'
}
dns="{\"driver\": \"dns\", \"queries\": \"$W/queries\"}"
jq -n --arg run "$W/servers.run" --arg w "$W" --argjson loads "$(jq -s . <(load named 53 "$dns") <(load unbound 5301 "$dns") <(load nsd 5302 "$dns") \
	<(load knot 5303 "$dns") <(load web 80 '{"driver": "tcp", "until": "acked"}'))" '{name: "servers", idle: "1s", load: $loads,
	world: {hosts: {client: {}, server: {run: [{argv: ["sh", $run], wait_port: 9100, wait: "20s"}]}}, links: [{between: ["client", "server"]}]},
	capture: ([{source: "linux"}] + ([{source: "bind", log: ($w + "/named.log")}, {source: "nginx"},
		{source: "prometheus", names: ["node_netstat_Udp_*", "process_cpu_seconds_total"]},
		{source: "unbound", command: ("unbound-control -c " + $w + "/unbound.conf stats_noreset")},
		{source: "nsd", command: ("nsd-control -c " + $w + "/nsd.conf stats_noreset")},
		{source: "knot", command: ("knotc -c " + $w + "/knot.conf -f stats")}] | map(. + {host: "server"})))}' > "$W/servers.json"

"$SQUALL" run "$W/servers.json" --out "$W/refused" --quiet 2> "$W/refused.txt" && fail "a source ran a command without --allow-exec"
ran servers "$SQUALL" run "$W/servers.json" --allow-exec

outcome() { # LOAD CODE
	jqr "$r" "[.loads[] | select(.name == \"$1\").outcomes[] | select(.code == \"$2\").count] | add // 0"
}
delta() { # METRIC [INSTANCE]
	jq -r --arg metric "$1" --arg instance "${2:-}" '[.counters[] | select(.metric == $metric and (.instance // "") == $instance).delta]
		| if length == 1 then .[0] else "\(length) rows" end' "$r"
}
says() { # SERVER NAME: of lines NAME=VALUE
	sed -n "s/^$2 *= *//p" "$W/$1.says"
}
same() { # WHAT LOAD'S TOOL'S ROW'S
	expect_eq "$3" "$2" "$1: what its tool says, and what the load counted"
	expect_eq "$4" "$3" "$1: what was captured, and what its tool says"
}
rndc_says() { # TEXT
	awk -v text="$1" 'index($0, text) && !n { n = $1 } END { print n + 0 }' "$W/named.stats"
}
for load in named unbound nsd knot; do
	expect_eq "$(outcome $load NXDOMAIN)" 40 "$load: NXDOMAIN"
	expect_eq "$(outcome $load ok)" 280 "$load: ok"
done
expect_eq "$(outcome named SERVFAIL)" 80 "named: SERVFAIL"

same "named, requests" 400 "$(rndc_says 'IPv4 requests received')" "$(delta bind.Requestv4)"
same "named, success" 280 "$(rndc_says 'queries resulted in successful answer')" "$(delta bind.QrySuccess)"
same "named, SERVFAIL" 80 "$(rndc_says 'queries resulted in SERVFAIL')" "$(delta bind.QrySERVFAIL)"
same "named, NXDOMAIN" 40 "$(rndc_says 'queries resulted in NXDOMAIN')" "$(delta bind.QryNXDOMAIN)"
expect_eq "$(delta bind.rcode.SERVFAIL)" 80 "named: answers SERVFAIL"
expect_eq "$(delta bind.RecLimitDropped)" 0 "named: a limit that was not met is known not to have been"
same "unbound, queries" 400 "$(says unbound total.num.queries)" "$(delta unbound.total.num.queries)"
same "unbound, NXDOMAIN" "$(outcome unbound NXDOMAIN)" "$(says unbound num.answer.rcode.NXDOMAIN)" "$(delta unbound.num.answer.rcode.NXDOMAIN)"
same "unbound, REFUSED" "$(outcome unbound REFUSED)" "$(says unbound num.answer.rcode.REFUSED)" "$(delta unbound.num.answer.rcode.REFUSED)"
same "NSD, queries" 400 "$(says nsd num.queries)" "$(delta nsd.num.queries)"
same "NSD, NXDOMAIN" 40 "$(says nsd num.rcode.NXDOMAIN)" "$(delta nsd.num.rcode.NXDOMAIN)"
same "NSD, REFUSED" "$(outcome nsd REFUSED)" "$(says nsd num.rcode.REFUSED)" "$(delta nsd.num.rcode.REFUSED)"
same "Knot, NXDOMAIN" 40 "$(says knot 'mod-stats.response-code\[NXDOMAIN\]')" "$(delta knot.mod-stats.response-code NXDOMAIN)"
same "Knot, REFUSED" "$(outcome knot REFUSED)" "$(says knot 'mod-stats.response-code\[REFUSED\]')" "$(delta knot.mod-stats.response-code REFUSED)"
same "Knot, bytes" "$(says knot 'mod-stats.request-bytes\[query\]')" "$(says knot 'mod-stats.request-bytes\[query\]')" "$(delta knot.mod-stats.request-bytes query)"
# nginx counts who asks it, too: all readings, and curl's at the end.
expect_eq "$(($(delta nginx.accepts) - $(delta nginx.readings)))" 400 "nginx: accepted, less the readings' own connections"
[ "$(awk 'NR == 3 { print $1 }' "$W/nginx.says")" -ge "$(delta nginx.accepts)" ] || fail "nginx itself says $(cat "$W/nginx.says")"
expect_eq "$(delta node_netstat_Udp_InDatagrams)" "$(jqr "$r" '[.counters[] | select(.host == "server" and .metric == "Udp.InDatagrams").delta] | add')" \
	"node_exporter's count of datagrams, and squall's own"
[ "$(delta process_cpu_seconds_total)" -gt 0 ] || fail "node_exporter took no time: its seconds are lost"

# All five end in the middle of a run, and are started anew: each count goes on from what it was at the last reading before.
cat > "$W/again.run" <<R
. $W/five
prometheus-node-exporter --web.listen-address=127.0.0.1:9100 & exporter=\$!
trap 'kill \$servers \$exporter; exit 0' TERM
sleep 4
kill \$servers; wait \$servers
. $W/five
while :; do sleep 0.1; done
R
jq --arg run "$W/again.run" '.world.hosts.server.run[0].argv[1] = $run | .load |= map(del(.count) | .duration = "6s" | .timeout = "500ms" | .arrivals.rate = 100)' \
	"$W/servers.json" > "$W/again.json"
ran again "$SQUALL" run "$W/again.json" --allow-exec
went_on() { # LOAD SOURCE METRIC [INSTANCE]
	local answered counted
	answered=$(jqr "$r" "[.loads[] | select(.name == \"$1\").outcomes[] | select(.phase == \"\" or .code == \"SERVFAIL\" or .code == \"REFUSED\").count] | add")
	counted=$(delta "$3" "${4:-}")
	[ "$counted" -le "$answered" ] && [ "$counted" -ge $((answered - 60)) ] || fail "$1: answered $answered times, $3 rose by $counted"
	expect_eq "$(jqr "$r" ".counters[] | select(.metric == \"$3\" and (.instance // \"\") == \"${4:-}\").restarted")" true "$3 began anew"
	expect_eq "$(jqr "$r" "[.events[] | select(.source == \"$2\" and (.text | endswith(\"counters began anew\")))] | length > 0")" true "$2 is an event"
}
went_on named bind bind.Requestv4
went_on unbound unbound unbound.total.num.queries
went_on nsd nsd nsd.num.queries
went_on knot knot knot.mod-stats.server-operation query

# The limits of resolvers, as the labs have them; they mostly wait.
for name in resolver-servfail resolver-quota resolver-quota-unbound resolver-dead-upstream; do
	ran $name "$SQUALL" run "$SQ_SOURCE_DIR/scenarios/labs/$name.json" --allow-exec &
	labs="${labs:-} $!"
done
for each in $labs; do
	wait "$each"
done
r=$USER_SCRATCH/resolver-quota/run.json
expect_eq "$(jq '[.events[] | select(.source == "bind" and .host == "resolver" and (.text | contains("recursive")))] | length > 0' "$r")" true \
	"named's complaint is an event"
