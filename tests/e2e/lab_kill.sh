# kill -9 of squall in the middle of labs, at random moments: no process is left in their namespaces, nor any
# setting of the machine or control group once `squall restore` has run.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || fail "it takes root to run a lab that changes the machine"

settings() { sysctl -n net.ipv4.neigh.default.gc_thresh1 net.ipv4.neigh.default.gc_thresh2 net.ipv4.neigh.default.gc_thresh3; }
before=$(settings)
at_exit '"$SQUALL" restore > /dev/null'

changed=0
groups() { find /sys/fs/cgroup -maxdepth 2 -name 'squall-run-*'; }
lingered=0
for round in $(seq 7); do
	lab=$(sed -n "$((1 + round % 5))p" <<< "accept-queue-burst
neighbour-table
cpu-throttled
postfix-dns-silent
named-slow-link")
	"$SQUALL" lab run "$lab" --allow-global --no-cure --out "$SCRATCH/$round" --quiet 2> "$SCRATCH/$round.txt" & pid=$!
	sleep "$(awk "BEGIN { srand($RANDOM); print 0.1 + 1.2 * rand() }")"
	world=$(world_of "$pid") || world=none
	kill -9 "$pid"; wait "$pid" 2> /dev/null || true
	[ "$(settings)" = "$before" ] || changed=$((changed + 1))
	for i in $(seq 40); do
		left=$(inhabitants "$world")
		[ -z "$left" ] && break
		sleep 0.05
	done
	[ -z "$left" ] || fail "round $round, $lab: left behind: $left"
	[ ! -s "$SCRATCH/$round.txt" ] || ! grep -q "not measured" "$SCRATCH/$round.txt" || fail "round $round, $lab: it did not run"
	[ -z "$(groups)" ] || lingered=$((lingered + 1))
	"$SQUALL" restore > "$SCRATCH/restored.txt" 2>&1 || fail "round $round: restore: status $?"
	expect_eq "$(settings)" "$before" "round $round, $lab: settings after restore"
	expect_eq "$(groups)" "" "round $round, $lab: control groups after restore"
done
echo "$changed of 7 kills left a setting changed until restore, $lingered a control group"
[ "$changed" -gt 0 ] || fail "no kill met a changed setting: nothing was shown"
