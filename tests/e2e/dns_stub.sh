# What the wire does, and what an application behind a stub feels of it, side by side in one run.
# Before a sink that loses half (one sink for each client, so that each has its own half), with NSD as
# the second server: the wire client loses what is lost, the stub hides it at the price of its time-out.
# Before truncated answers of NSD: the wire client has them as they are, the stub goes on to TCP.
. "$(dirname "$0")/lib.sh"
need nsd nsd

{ printf '$TTL 300\n@ SOA ns root 1 3600 600 86400 300\n@ NS ns\nns A 198.18.0.2\n'; seq -f 'n%.0f A 198.18.1.1' 0 99
  seq -f 'big TXT "%050.0f"' 1 40; } > "$SCRATCH/zone"
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

run() { # NAME LOADS: 500 queries each, of the wire client and of the stub
	local status=0
	jq -n --arg conf "$SCRATCH/nsd.conf" --argjson load "$2" '
		{driver: "dns", names: ["n{0-99}.example.test"], duration: "5s", timeout: "3s", arrivals: {rate: 100}} as $common |
		{name: "stub", target: "server:53", idle: "500ms",
		 world: {hosts: {client: {}, server: {run: [{argv: ["nsd", "-d", "-c", $conf], wait_port: 53}]},
				 lossy: {run: [53, 54 | {sink: "dns", listen: "198.19.0.2:\(.)", drop_percent: 50}]}},
			 links: [{between: ["client", "server"], subnet: "198.18.0.0/16"}, {between: ["client", "lossy"], subnet: "198.19.0.0/16"}]},
		 load: ($load | map($common + .))}' > "$SCRATCH/$1.json"
	"$SQUALL" run "$SCRATCH/$1.json" --out "$SCRATCH/$1" --allow-exec --quiet || status=$?
	expect_eq "$status" "${3:-0}" "$1: status"
	report=$SCRATCH/$1/run.json
}

outcomes() { # LOAD
	jqr "$report" '.loads[] | select(.name == "'"$1"'") | [.outcomes[] | select(.count > 0) | "\(.code) \(.count)"] | sort | join(", ")'
}

count() { # LOAD COUNT
	jqr "$report" '.loads[] | select(.name == "'"$1"'") | .counts["'"$2"'"] // 0'
}

# The first server loses half: the wire shows it, the stub turns to the second after 200 ms.
run lossy '[{"name": "wire", "target": "lossy:53"},
	{"name": "stub", "target": "lossy:54", "client": "stub", "stub_servers": ["server:53"], "stub_timeout": "200ms"}]'
expect_eq "$(outcomes wire)" "ok 250, timeout 250" "the wire loses half"
expect_eq "$(outcomes stub)" "ok 500" "the stub hides the loss"
expect_eq "$(count stub stub_retries) $(count stub stub_failovers)" "250 250" "asking again, each time the other server"
slow=$(jqr "$report" '.loads[] | select(.name == "stub") | .latency.from_due.p99_s >= 0.2 and .latency.from_due.p99_s < 0.4')
expect_eq "$slow" true "and costs its time-out: $(jqr "$report" '.loads[] | select(.name == "stub") | .latency.from_due | tostring')"

# A truncated answer: the wire has it, the stub goes on to TCP.
run truncated '[{"name": "wire", "names": ["big.example.test"], "type": "TXT"},
	{"name": "stub", "names": ["big.example.test"], "type": "TXT", "client": "stub"}]'
expect_eq "$(outcomes wire) $(count wire truncated)" "ok 500 500" "the wire: answered, but truncated"
expect_eq "$(outcomes stub) $(count stub truncated)" "ok 500 0" "the stub: answered whole, by TCP"
[ "$(count stub stub_connections)" -ge 1 ] || fail "the stub made no connection"

# A server that the gate has not opened is refused before anything is started.
run refused '[{"name": "stub", "client": "stub", "stub_servers": ["192.0.2.1:53"]}]' 2 2> "$SCRATCH/refused.txt"
grep -q 'stub_servers.*192.0.2.1.*--authorize' "$SCRATCH/refused.txt" || fail "not refused: $(cat "$SCRATCH/refused.txt")"
run wire '[{"name": "wire", "stub_servers": ["server:53"]}]' 2 2> "$SCRATCH/wire.txt"
grep -q 'only the stub has several servers' "$SCRATCH/wire.txt" || fail "not refused: $(cat "$SCRATCH/wire.txt")"
