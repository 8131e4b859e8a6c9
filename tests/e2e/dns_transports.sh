# Real name servers over UDP, TCP, TLS and HTTPS in a world: BIND, NSD, Knot and unbound answer all that they are
# asked, on few connections and with one query on each; an answer that is truncated over UDP is had
# over TCP; a certificate of somebody else's fails every query, by its name.
. "$(dirname "$0")/lib.sh"
need named bind9
need nsd nsd
need knotd knot
need unbound unbound

certificate ca
certificate stranger
certificate ns.example.test ca

{
	printf '$TTL 300\n@ SOA ns root 1 3600 600 86400 300\n@ NS ns\nns A 198.18.0.2\n'
	seq -f 'n%.0f A 198.18.1.1' 0 999
	seq -f 'large TXT "%0.0f-0123456789012345678901234567890123456789"' 0 59
} > "$SCRATCH/zone"
cat > "$SCRATCH/named.conf" <<C
tls cert { cert-file "$SCRATCH/ns.example.test.pem"; key-file "$SCRATCH/ns.example.test.key"; };
http web { endpoints { "/dns-query"; }; };
options { directory "$SCRATCH"; pid-file none; session-keyfile none; recursion no; dnssec-validation no; notify no;
  listen-on-v6 { none; }; listen-on { 198.18.0.2; }; listen-on port 853 tls cert { 198.18.0.2; };
  listen-on port 443 tls cert http web { 198.18.0.2; };
  tcp-clients 1000; };
controls { };
logging { category default { null; }; };
zone "example.test" { type primary; file "zone"; };
C
cat > "$SCRATCH/nsd.conf" <<C
server:
  ip-address: 198.18.0.2
  ip-address: 198.18.0.2@853
  tls-port: 853
  tls-service-key: "$SCRATCH/ns.example.test.key"
  tls-service-pem: "$SCRATCH/ns.example.test.pem"
  server-count: 1
  tcp-count: 1000
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
cat > "$SCRATCH/knot.conf" <<C
server:
  rundir: $SCRATCH
  listen: 198.18.0.2@53
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: $SCRATCH/db
zone:
  - domain: example.test
    storage: $SCRATCH
    file: zone
    journal-content: none
    zonefile-sync: -1
C
mkdir "$SCRATCH/db"
cat > "$SCRATCH/unbound.conf" <<C
server:
  directory: ""
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  num-threads: 1
  incoming-num-tcp: 1000
  interface: 198.18.0.2@53
  interface: 198.18.0.2@853
  interface: 198.18.0.2@443
  https-port: 443
  tls-service-key: "$SCRATCH/ns.example.test.key"
  tls-service-pem: "$SCRATCH/ns.example.test.pem"
  access-control: 198.18.0.0/15 allow
  module-config: iterator
  local-zone: example.test. redirect
  local-data: "example.test. A 198.18.1.1"
remote-control:
  control-enable: no
C
echo "exec named -f -n 1 -U 1 -c $SCRATCH/named.conf" > "$SCRATCH/named.run"
echo "exec nsd -d -c $SCRATCH/nsd.conf" > "$SCRATCH/nsd.run"
echo "exec knotd -c $SCRATCH/knot.conf" > "$SCRATCH/knotd.run"
echo "exec unbound -d -c $SCRATCH/unbound.conf" > "$SCRATCH/unbound.run"

ask() { # NAME SERVER PORT LOAD STATUS
	local name=$1 status=0 round
	jq -n --arg run "$SCRATCH/$2.run" --argjson port "$3" --argjson load "$4" '{name: "name-server", target: "server:\($port)", idle: "100ms",
		world: {hosts: {client: {}, server: {run: [{argv: ["sh", $run], wait_port: $port}]}}, links: [{between: ["client", "server"]}]},
		load: [{name: "q", driver: "dns", duration: "1s", timeout: "10s", arrivals: {rate: 1000}, names: ["n{0-999}.example.test"]} + $load]}' > "$SCRATCH/$name.json"
	# A load that this machine was too busy to make (status 3) is made again, up to twice.
	for round in 1 2 3; do
		rm -rf "${SCRATCH:?}/$name"
		status=0
		"$SQUALL" run "$SCRATCH/$name.json" --out "$SCRATCH/$name" --allow-exec --quiet > "$SCRATCH/$name.txt" 2>&1 || status=$?
		[ "$status" = 3 ] || break
	done
	expect_eq "$status" "$5" "$name: status ($(cat "$SCRATCH/$name.txt"))"
	outcomes=$(jqr "$SCRATCH/$name/run.json" '[.loads[0].outcomes[] | select(.count > 0) | "\(.code) \(.phase) \(.count)"] | sort | join(", ")')
}
count() { jqr "$SCRATCH/$1/run.json" ".loads[0].counts.$2"; }
tls="\"transport\": \"dot\", \"tls_ca\": \"$SCRATCH/ca.pem\", \"tls_name\": \"ns.example.test\""

for server in named nsd knotd unbound; do
	ask "$server-udp" "$server" 53 '{}' 0
	expect_eq "$outcomes" "ok  1000" "$server over UDP"
	expect_eq "$(count "$server-udp" mismatched) $(count "$server-udp" unmatched)" "0 0" "$server's stray replies"
	ask "$server-tcp" "$server" 53 '{"transport": "tcp"}' 0
	expect_eq "$outcomes" "ok  1000" "$server over TCP"
	ask "$server-each" "$server" 53 '{"transport": "tcp", "per_connection": 1, "connections": 200}' 0
	expect_eq "$outcomes" "ok  1000" "$server with one query a connection"
	expect_eq "$(count "$server-each" connections)" 1000 "$server's connections"
done
# One at a time: NSD 4.6 answers only the first of those that come in one TLS record, until more comes.
for server in named nsd unbound; do
	ask "$server-dot" "$server" 853 "{$tls, \"arrivals\": {\"rate\": 200}, \"pipeline\": 1, \"connections\": 100, \"tls_resume\": false}" 0
	expect_eq "$outcomes" "ok  200" "$server over TLS"
	expect_eq "$(count "$server-dot" tls_full)" 100 "$server's full handshakes"
	ask "$server-resumed" "$server" 853 "{$tls, \"arrivals\": {\"rate\": 200}, \"pipeline\": 1, \"connections\": 50, \"per_connection\": 2}" 0
	expect_eq "$outcomes" "ok  200" "$server with two queries a TLS connection"
	[ "$(count "$server-resumed" tls_resumed)" -gt 20 ] || fail "$server resumed $(count "$server-resumed" tls_resumed) sessions"
	ask "$server-stranger" "$server" 853 "{\"transport\": \"dot\", \"tls_ca\": \"$SCRATCH/stranger.pem\", \"connections\": 1000}" 1
	expect_eq "$outcomes" "certificate tls 1000" "$server before a stranger's CA"
done
ask pipelined named 853 "{$tls, \"connections\": 1}" 0
expect_eq "$outcomes" "ok  1000" "named with all on one TLS connection"
ask misnamed named 853 "{\"transport\": \"dot\", \"tls_ca\": \"$SCRATCH/ca.pem\", \"tls_name\": \"other.test\"}" 1
expect_eq "$outcomes" "certificate tls 1000" "a certificate for another name"

doh=${tls/dot/doh}
for server in named unbound; do
	for method in post get; do
		ask "$server-$method" "$server" 443 "{$doh, \"doh_method\": \"$method\"}" 0
		expect_eq "$outcomes" "ok  1000" "$server over HTTPS, $method"
		expect_eq "$(count "$server-$method" connections) $(count "$server-$method" closed_by_server)" "8 0" "$server over HTTPS, $method: connections"
	done
	ask "$server-doh-one" "$server" 443 "{$doh, \"connections\": 1, \"pipeline\": 1000}" 0
	expect_eq "$outcomes" "ok  1000" "$server with all on one HTTPS connection"
	ask "$server-doh-two" "$server" 443 "{$doh, \"arrivals\": {\"rate\": 200}, \"pipeline\": 1, \"connections\": 50, \"per_connection\": 2}" 0
	expect_eq "$outcomes" "ok  200" "$server with two queries an HTTPS connection"
	[ "$(count "$server-doh-two" tls_resumed)" -gt 20 ] || fail "$server resumed $(count "$server-doh-two" tls_resumed) sessions of HTTPS"
	ask "$server-doh-stranger" "$server" 443 "{\"transport\": \"doh\", \"tls_ca\": \"$SCRATCH/stranger.pem\", \"connections\": 1000}" 1
	expect_eq "$outcomes" "certificate tls 1000" "$server over HTTPS before a stranger's CA"
	# BIND closes a connection that carries refused requests alone, after some 40 of them.
	ask "$server-nowhere" "$server" 443 "{$doh, \"doh_path\": \"/nowhere\", \"connections\": 50, \"per_connection\": 20}" 1
	expect_eq "$outcomes" "http-4xx query 1000" "$server asked at a wrong path"
done

for server in named nsd knotd; do
	ask "$server-tc" "$server" 53 '{"names": ["large.example.test"], "type": "TXT", "tcp_on_truncated": true, "kernel_time": true, "tick": "100ms", "arrivals": {"rate": 200}}' 0
	expect_eq "$outcomes" "ok  200" "$server: what is truncated over UDP"
	expect_eq "$(count "$server-tc" tc_retries) $(count "$server-tc" truncated)" "200 200" "$server: asked again over TCP"
	# What comes over TCP has no time of the kernel's, and must not be left to the next tick.
	expect_eq "$(jqr "$SCRATCH/$server-tc/run.json" '.loads[0].latency.from_due.p50_s < 0.05')" true "$server: read before the next tick"
	ask "$server-tc-narrow" "$server" 53 '{"names": ["large.example.test"], "type": "TXT", "tcp_on_truncated": true, "connections": 1, "pipeline": 1, "arrivals": {"burst": 50, "every": "200ms"}}' 0
	expect_eq "$outcomes" "ok  250" "$server: one at a time over TCP"
	[ "$(count "$server-tc-narrow" waited)" -gt 200 ] || fail "$server: $(count "$server-tc-narrow" waited) waited for the one connection"
done
