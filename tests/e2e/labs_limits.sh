# Labs of limits that a kernel, a server or the load itself runs into: the identities stand in their files; here,
# that the finding is the one that the file names, alone, and that its words have the numbers.
. "$(dirname "$0")/lib.sh"
need ss iproute2
[ "$(id -u)" = 0 ] || fail "it takes root to change a setting of the machine"
at_exit '"$SQUALL" restore > /dev/null'

# Its mechanism, alone: of how many findings, how sure.
named() { # NAME FINDINGS CONFIDENCE
	expect_eq "$(jqr "$r" '[.findings[] | "\(.mechanism) \(.confidence)"] | "\(length) \(unique | join(", "))"')" \
		"$2 $(jqr "$SQ_SOURCE_DIR/scenarios/labs/$1.json" .finding) $3" "$1: findings"
}
advises() { # WORDS
	expect_eq "$(jq --arg words "$1" '[.findings[].advice | contains($words)] | length > 0 and all' "$r")" true "advice: $1"
}
global() { # NAME
	ran "$1" "$SQUALL" lab run "$1" --no-cure --allow-global
}

# Orphans and memory raise one counter.  What is advised is four times the orphans that there would have been.
global orphan-limit
named orphan-limit 1 exact
advises "set net.ipv4.tcp_max_orphans to 1200 or more (now 64)"
global orphan-shift
named orphan-shift 1 exact
advises "set net.ipv4.tcp_max_orphans to 600 or more (now 200)"
global tcp-memory
named tcp-memory 1 exact
advises "net.ipv4.tcp_mem is 200 300 400 pages"

global neighbour-table
named neighbour-table 1 exact
advises "gc_thresh3 (now 32)"

# What a full backlog of the other processor drops is told to the sender: its buffer has room.
global softnet-backlog
named softnet-backlog 2 exact
advises "net.core.netdev_max_backlog (now 0; the machine's)"

# Connects behind a narrow link: how many SYN-ACKs and greetings one lost, nobody can tell.
lab tcp-slow-link as_user
expect_eq "$(jqr "$r" '[.findings[] | "\(.mechanism) \(.host) \(.confidence)"] | unique | join(", ")')" "link-congested server strong" "tcp-slow-link: findings"

# A full queue of a server that is stopped is not to blame for it.
lab server-stalled as_user
named server-stalled 2 strong
lab server-descriptors as_user
named server-descriptors 1 strong

# A processor that others have, and a control group's limit on it, which is gone with the run.
lab cpu-saturated as_user
named cpu-saturated 1 strong
lab cpu-throttled
named cpu-throttled 1 strong
# A queue that overflows meanwhile is not too short.
jq '.world.hosts.server.run[0].backlog = 64 | .expect = ["server.TcpExt.ListenOverflows > 50", "finding.cpu-throttled.explained == visitors.failures"]' \
	"$SQ_SOURCE_DIR/scenarios/labs/cpu-throttled.json" > "$SCRATCH/throttled.json"
ran throttled "$SQUALL" run "$SCRATCH/throttled.json"
expect_eq "$(jqr "$r" '[.findings[] | "\(.mechanism) \(.host) \(.confidence)"] | unique | join(", ")')" "cpu-throttled server strong" "throttled: findings"
expect_eq "$(find /sys/fs/cgroup -maxdepth 2 -name 'squall-run-*' -print -quit)" "" "control groups left behind"
