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
