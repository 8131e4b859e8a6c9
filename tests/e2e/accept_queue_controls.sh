# The controls of the first mechanism: a filter's drops beside an overflow are not explained by it,
# a filter's drops alone find no accept queue, and a healthy run finds nothing.
. "$(dirname "$0")/lib.sh"

lab="$SQ_SOURCE_DIR/scenarios/labs/accept-queue-never.json"
filtered='.world.hosts.server.nft = ["table inet f { chain in { type filter hook input priority 0; tcp dport 9001 drop; }; }"]
	| .load += [.load[0] + {"name": "filtered", "target": "server:9001", "count": 100,
		"arrivals": (.load[0].arrivals + {"burst": 100})}] | .expect = []'
jq "$filtered" "$lab" > "$SCRATCH/both.json"
"$SQUALL" run "$SCRATCH/both.json" --out "$SCRATCH/both" --quiet || fail "both: status $?"
r="$SCRATCH/both/run.json"
expect_eq "$(jqr "$r" '[.account[].count] | add')" 483 "both: failures"
expect_eq "$(jqr "$r" '[.findings[].explained] | add')" 383 "both: explained"
expect_eq "$(jqr "$r" '[.account[].unexplained] | add')" 100 "both: unexplained"
expect_eq "$(jqr "$r" '.account[] | select(.load == "filtered") | .unexplained')" 100 "the filtered load stays unexplained"

jq "$filtered | .world.hosts.server.nft = [\"table inet f { chain in { type filter hook input priority 0; tcp flags syn drop; }; }\"]" \
	"$lab" > "$SCRATCH/dropped.json"
"$SQUALL" run "$SCRATCH/dropped.json" --out "$SCRATCH/dropped" --quiet && fail "all SYNs dropped, and exit 0"
expect_eq "$(jqr "$SCRATCH/dropped/run.json" '.findings | length')" 0 "all SYNs dropped: findings"
expect_eq "$(jqr "$SCRATCH/dropped/run.json" '[.account[].unexplained] | add')" 612 "all SYNs dropped: unexplained"

# The kernel gives up before the time-out does: ETIMEDOUT after two SYNs, explained all the same.
jq '.world.hosts.client.sysctl = {"net.ipv4.tcp_syn_retries": 1, "net.ipv4.tcp_syn_linear_timeouts": 0}
	| .load[0].timeout = "6s" | .expect = []' "$lab" > "$SCRATCH/gives-up.json"
"$SQUALL" run "$SCRATCH/gives-up.json" --out "$SCRATCH/gives-up" --quiet || fail "gives up: status $?"
expect_eq "$(jqr "$SCRATCH/gives-up/run.json" '.findings[] | "\(.failure) \(.explained) \(.confidence)"')" "ETIMEDOUT@connect 383 exact" "the kernel gives up"

# A port that nobody here asks for overflows, while the target's own SYNs are dropped: not explained.
jq '.world.hosts.server.run += [.world.hosts.server.run[0] + {"listen": "0.0.0.0:9002", "never_accept": false}]
	| .world.hosts.server.nft = ["table inet f { chain in { type filter hook input priority 0; tcp dport 9002 drop; }; }"]
	| .load += [.load[0] + {"name": "filtered", "target": "server:9002"}] | .expect = []' "$lab" > "$SCRATCH/other.json"
"$SQUALL" run "$SCRATCH/other.json" --out "$SCRATCH/other" --quiet || fail "other: status $?"
expect_eq "$(jqr "$SCRATCH/other/run.json" '.account | map("\(.load) \(.explained) \(.unexplained)") | sort | join(", ")')" \
	"filtered 0 512, storm 383 0" "a filtered port with a listener beside an overflow"
