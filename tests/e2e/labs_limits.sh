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

# A full queue of a server that is stopped is not to blame for it.
lab server-stalled as_user
named server-stalled 2 strong
lab server-descriptors as_user
named server-descriptors 1 strong

# A control group's limit on the processors, of either version, which is lifted in the end.
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	group=/sys/fs/cgroup/squall-$$ slow='echo 1000 100000 > $g/cpu.max' free='echo max > $g/cpu.max'
	grep -q cpu /sys/fs/cgroup/cgroup.subtree_control || echo +cpu > /sys/fs/cgroup/cgroup.subtree_control
else
	group=/sys/fs/cgroup/cpu/squall-$$ slow='echo 1000 > $g/cpu.cfs_quota_us' free='echo -1 > $g/cpu.cfs_quota_us'
fi
mkdir "$group" || fail "no control group can be made here"
at_exit 'rmdir "$group"'
jq -n --arg g "$group" --arg slow "$slow" --arg free "$free" '{name: "throttled", target: "server:9000",
	world: {links: [{between: ["client", "server"]}], hosts: {client: {}, server: {sysctl: {"net.core.somaxconn": 128}, run: [
		{sink: "tcp", listen: "0.0.0.0:9000", backlog: 128, greeting: "hello\n"},
		{argv: ["sh", "-ec", "g=\($g); ss -tlnpH sport = :9000 | sed \"s/.*pid=\\([0-9]*\\).*/\\1/\" > $g/cgroup.procs; sleep 1; \($slow); sleep 1.5; \($free); exec sleep 600"]}]}}},
	load: [{name: "visitors", driver: "tcp", until: "greeting", duration: "3s", timeout: "500ms", arrivals: {rate: 1500}}],
	capture: [{source: "linux"}, {source: "cgroup", host: "server", group: ("/" + ($g | split("/") | last))}],
	expect: ["visitors.failures > 500", "server.TcpExt.ListenOverflows > 500", "finding.cpu-throttled.explained == visitors.failures"]}' > "$SCRATCH/throttled.json"
ran throttled "$SQUALL" run "$SCRATCH/throttled.json" --allow-exec
expect_eq "$(jqr "$r" '[.findings[] | "\(.mechanism) \(.host) \(.confidence)"] | unique | join(", ")')" "cpu-throttled server strong" "throttled: findings"
