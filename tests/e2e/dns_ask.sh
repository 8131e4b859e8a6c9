# What is asked besides plain queries, of real servers in a world.  BIND: 2000 updates as dnsperf -u
# sends them, all done, by BIND's own log of its zone; NSD and BIND answer queries with NSID, cookie,
# client subnet, DO and random labels; shares of types are exact by BIND's own counts.
. "$(dirname "$0")/lib.sh"
need named bind9
need nsd nsd
need curl curl

mkdir "$SCRATCH/dir"
printf '$TTL 300\n@ SOA ns root 1 3600 600 86400 300\n@ NS ns\nns A 198.18.0.2\n* A 198.18.1.1\n' | tee "$SCRATCH/zone" > "$SCRATCH/dir/zone"
cat > "$SCRATCH/named.conf" <<C
options { directory "$SCRATCH/dir"; pid-file none; session-keyfile none; listen-on { 198.18.0.2; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no; notify no; };
controls { };
statistics-channels { inet 127.0.0.1 port 8053; };
logging { category default { null; }; };
zone "example.test" { type primary; file "zone"; allow-update { any; }; };
C
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
  nsid: "ascii_nsd"
remote-control:
  control-enable: no
zone:
  name: example.test
  zonefile: zone
C
echo "exec nsd -d -c $SCRATCH/nsd.conf" > "$SCRATCH/nsd.run"

ask() { # NAME SERVER LOAD: 2000 operations
	local name=$1 status=0
	jq -n --arg run "$SCRATCH/$2.run" --argjson load "$3" '{name: "ask", target: "server:53", idle: "300ms",
		world: {hosts: {client: {}, server: {run: [{argv: ["sh", $run], wait_port: 53}]}}, links: [{between: ["client", "server"]}]},
		load: [{name: "q", driver: "dns", duration: "4s", timeout: "3s", arrivals: {rate: 500}} + $load]}' > "$SCRATCH/$name.json"
	"$SQUALL" run "$SCRATCH/$name.json" --out "$SCRATCH/$name" --allow-exec --quiet || status=$?
	expect_eq "$status" 0 "$name: status"
	outcomes=$(jqr "$SCRATCH/$name/run.json" '[.loads[0].outcomes[] | select(.count > 0) | "\(.code) \(.class) \(.count)"] | sort | join(", ")')
}

# A name is added, replaced, and taken away where it is required; each block follows from the one before.
printf 'example.test\nprohibit u\nadd u 60 A 192.0.2.1\nadd u 60 TXT "a b" c\nsend\nexample.test\nrequire u A 192.0.2.1\ndelete u A 192.0.2.1\nadd u 60 MX 10 ns\nsend\nexample.test\nrequire u MX\nprohibit u A\ndelete u\nsend\n' > "$SCRATCH/update.txt"
ask updates named "{\"updates\": \"$SCRATCH/update.txt\", \"arrivals\": {\"closed\": 1}, \"duration\": \"1s\"}"
n=$(jqr "$SCRATCH/updates/run.json" '.loads[0].scheduled')
expect_eq "$outcomes" "ok ok $n" "updates: outcomes"
[ "$n" -ge 30 ] || fail "updates: only $n were sent"
expect_eq "$(jqr "$SCRATCH/statistics" '.opcodes.UPDATE')" "$n" "named's updates"
expect_eq "$(jqr "$SCRATCH/statistics" '.nsstats.UpdateDone')" "$n" "named's updates done"

edns='"names": ["{random:12}.example.test"], "nsid": true, "cookie": true, "dnssec": true, "ecs": "198.51.100.0/22", "edns_options": ["65001:c0ffee"]'
for server in named nsd; do
	ask "edns-$server" "$server" "{$edns, \"type\": \"A:70,AAAA:25,MX:5\"}"
	expect_eq "$outcomes" "ok ok 2000" "$server, EDNS: outcomes"
done
expect_eq "$(jqr "$SCRATCH/statistics" '.qtypes | "\(.A) \(.AAAA) \(.MX)"')" "1400 500 100" "named's types"
expect_eq "$(jqr "$SCRATCH/statistics" '.nsstats | "\(.ReqEdns0) \(.NSIDOpt) \(.CookieIn) \(.ECSOpt) \(.OtherOpt)"')" "2000 2000 2000 2000 2000" "named's EDNS, NSID, cookies, client subnets, others"
