# Real name servers in a world.  BIND: 20,000 queries at 2000/s of a zone of 1000 names, all answered;
# with 1 wrong name in 10 exactly 2000 NXDOMAIN; its own counts (statistics channel) equal ours.
# NSD and Knot answer all of a short run.
. "$(dirname "$0")/lib.sh"
need named bind9
need nsd nsd
need knotd knot
need curl curl

{ printf '$TTL 300\n@ SOA ns root 1 3600 600 86400 300\n@ NS ns\nns A 198.18.0.2\n'; seq -f 'n%.0f A 198.18.1.1' 0 999; } > "$SCRATCH/zone"
cat > "$SCRATCH/named.conf" <<C
options { directory "$SCRATCH"; pid-file none; session-keyfile none; listen-on { 198.18.0.2; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no; notify no; };
controls { };
statistics-channels { inet 127.0.0.1 port 8053; };
logging { category default { null; }; };
zone "example.test" { type primary; file "zone"; };
C
# What named counted is asked when the run ends it, which is after the last answer.
cat > "$SCRATCH/named.run" <<R
named -f -n 1 -U 1 -c "$SCRATCH/named.conf" & named=\$!
trap 'curl -s --max-time 2 http://127.0.0.1:8053/json/v1/server > "$SCRATCH/statistics"; kill \$named' TERM
wait; wait \$named
R
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

echo "exec nsd -d -c $SCRATCH/nsd.conf" > "$SCRATCH/nsd.run"
echo "exec knotd -c $SCRATCH/knot.conf" > "$SCRATCH/knotd.run"

ask() { # NAME SERVER LOAD
	local name=$1 status=0
	jq -n --arg run "$SCRATCH/$2.run" --argjson load "$3" '{name: "name-server", target: "server:53", idle: "500ms",
		world: {hosts: {client: {}, server: {run: [{argv: ["sh", $run], wait_port: 53}]}}, links: [{between: ["client", "server"]}]},
		load: [{name: "q", driver: "dns", duration: "10s", timeout: "2s", arrivals: {rate: 2000}} + $load]}' > "$SCRATCH/$name.json"
	"$SQUALL" run "$SCRATCH/$name.json" --out "$SCRATCH/$name" --allow-exec --quiet || status=$?
	expect_eq "$status" 0 "$name: status"
	outcomes=$(jqr "$SCRATCH/$name/run.json" '[.loads[0].outcomes[] | select(.count > 0) | "\(.code) \(.class) \(.count)"] | sort | join(", ")')
	expect_eq "$(jqr "$SCRATCH/$name/run.json" '.findings | length')" 0 "$name: findings"
}
counted() { jqr "$SCRATCH/statistics" ".nsstats | \"\(.Requestv4) \(.QryUDP) \(.QrySuccess) \(.QryNXDOMAIN // 0)\""; }

ask named named '{"names": ["n{0-999}.example.test"]}'
expect_eq "$outcomes" "ok ok 20000" "named: outcomes"
expect_eq "$(counted)" "20000 20000 20000 0" "named's requests, of UDP, answered, NXDOMAIN"

awk 'BEGIN { for (i = 0; i < 1000; i++) print (i % 10 == 7 ? "wrong" : "n") i ".example.test A" }' > "$SCRATCH/queries"
ask wrong named "{\"queries\": \"$SCRATCH/queries\"}"
expect_eq "$outcomes" "NXDOMAIN ok 2000, ok ok 18000" "1 wrong name in 10: outcomes"
expect_eq "$(counted)" "20000 20000 18000 2000" "1 wrong name in 10: named's requests, of UDP, answered, NXDOMAIN"

for server in nsd knotd; do
	ask "$server" "$server" '{"names": ["n{0-999}.example.test"], "duration": "2s"}'
	expect_eq "$outcomes" "ok ok 4000" "$server: outcomes"
done
