# The labs of a listener's two queues: each one's identities are in its scenario, and hold; the findings
# name the mechanism, explain every failure, and say which setting is the limit.
. "$(dirname "$0")/lib.sh"

findings() { # "MECHANISM LOAD FAILURE EXPLAINED/COUNT CONFIDENCE, ..."
	jqr "$r" '[.findings[] | "\(.mechanism) \(.load) \(.failure) \(.explained)/\(.count) \(.confidence)"] | sort | join(", ")'
}
all_say() { # WORDS: every finding has them among its evidence
	expect_eq "$(jq --arg words "$1" '[.findings[] | any(.evidence[]; contains($words))] | length > 0 and all' "$r")" true "evidence says: $1"
}
mechanisms() {
	jqr "$r" '[.findings[].mechanism] | unique | join(" ")'
}

lab accept-queue-burst-abort
expect_eq "$(mechanisms)" accept-queue-overflow "burst-abort: mechanisms"
all_say "final ACKs are answered with a reset (Tcp.OutRsts rose by $(jqr "$r" '.counters[] | select(.host == "server" and .metric == "Tcp.OutRsts") | .delta'))"

lab accept-queue-half-fix
expect_eq "$(mechanisms)" accept-queue-overflow "half-fix: mechanisms"
all_say "the limit is the backlog that the program gave to listen(), 128, not net.core.somaxconn, 4096"

# Both sizes were raised: nothing fails.  One alone, the other one, is half a fix too.
lab accept-queue-fix
expect_eq "$(findings)" "" "fix: findings"
jq '.world.hosts.server.sysctl."net.core.somaxconn" = 128 | .expect = ["storm.failures > 200"]' \
	"$SQ_SOURCE_DIR/scenarios/labs/accept-queue-fix.json" > "$SCRATCH/other-half.json"
ran other-half "$SQUALL" run "$SCRATCH/other-half.json"
all_say "the backlog in effect is that of net.core.somaxconn on server, 128"

lab accept-queue-reset as_user
expect_eq "$(findings)" "accept-queue-overflow late timeout@connect 68/68 exact, accept-queue-overflow storm ECONNRESET@ack 31/31 exact" "reset: findings"
# A client that says nothing before the server does gets one reset, where the byte of the lab's gets another.
jq '.load[1] |= (del(.hold) | .driver = "smtp")
	| .expect = ["storm.ECONNRESET == 31", "server.Tcp.OutRsts == storm.ECONNRESET", "finding.accept-queue-overflow.explained == 99"]' \
	"$SQ_SOURCE_DIR/scenarios/labs/accept-queue-reset.json" > "$SCRATCH/silent.json"
ran silent "$SQUALL" run "$SCRATCH/silent.json"
lab accept-queue-ghost
expect_eq "$(findings)" "accept-queue-overflow late timeout@connect 68/68 exact, accept-queue-overflow storm ghost@ack 31/31 exact" "ghost: findings"

# The SYN backlog is not the accept queue, and not what keeps the handshakes half-open.
backlog_findings() { # HELD DROPPED
	echo "packet-filter half-open ghost@ack $1/$1 exact, syn-backlog-overflow half-open timeout@connect $2/$2 exact, syn-backlog-overflow visitors timeout@connect 100/100 exact"
}
lab syn-backlog as_user
expect_eq "$(findings)" "$(backlog_findings 97 103)" "syn-backlog: findings"
expect_eq "$(jqr "$r" '[.findings[] | select(.mechanism == "syn-backlog-overflow") | any(.evidence[]; contains("0 met as many half-open connections")) and (.advice | contains("tcp_max_syn_backlog (now 128)"))] | all')" true "syn-backlog: its limit"
# With room for more SYNs, the listener's own backlog is the limit: it takes one more than it says.
jq '.world.hosts.server.sysctl."net.ipv4.tcp_max_syn_backlog" = 4096 | .world.hosts.server.run[0].backlog = 64
	| .expect = ["half-open.ghost == 65", "server.TcpExt.ListenDrops == server.TcpExt.TCPReqQFullDrop"]' \
	"$SQ_SOURCE_DIR/scenarios/labs/syn-backlog.json" > "$SCRATCH/short.json"
ran short "$SQUALL" run "$SCRATCH/short.json"
expect_eq "$(findings)" "$(backlog_findings 65 135)" "short backlog: findings"
lab syn-backlog-cookies
expect_eq "$(findings)" "packet-filter half-open ghost@ack 200/200 exact" "cookies: findings"
