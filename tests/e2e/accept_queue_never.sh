# The lab accept-queue-never as root and as an ordinary user: 512 connects, 129 fit (backlog + 1),
# 383 time out, and each of these sent the SYNs that the client's retry schedule allows within 2.5 s.
. "$(dirname "$0")/lib.sh"

check_run() {
	local report=$1 who=$2 dose overflows
	dose=3 # SYNs at 0, 1, 2 s where tcp_syn_linear_timeouts is there; at 0, 1 s where not
	[ -e /proc/sys/net/ipv4/tcp_syn_linear_timeouts ] || dose=2
	expect_eq "$(jqr "$report" '[.loads[0].outcomes[] | select(.class == "ok") | .count] | add')" 129 "$who: ok"
	expect_eq "$(jqr "$report" '[.loads[0].outcomes[] | select(.code == "timeout") | .count] | add')" 383 "$who: time-outs"
	overflows=$(jqr "$report" '.counters[] | select(.host == "server" and .metric == "TcpExt.ListenOverflows") | .delta')
	expect_eq "$overflows" $((383 * dose)) "$who: ListenOverflows"
	expect_eq "$(jqr "$report" '.findings | length')" 1 "$who: findings"
	expect_eq "$(jqr "$report" '.findings[0] | "\(.mechanism) \(.host) \(.explained) \(.unexplained) \(.confidence)"')" \
		"accept-queue-overflow server 383 0 exact" "$who: the finding"
	expect_eq "$(jqr "$report" '.loads[0] | ([.outcomes[].count] | add) == .scheduled')" true "$who: sum"
	expect_eq "$(jqr "$report" '[.loads[0].outcomes[] | select(.code == "timeout") | .exemplars[]] | length')" 20 "$who: exemplars"
}

"$SQUALL" lab run accept-queue-never --out "$SCRATCH/root" --no-cure > "$SCRATCH/root.txt" || fail "lab run: status $?"
check_run "$SCRATCH/root/run.json" root

"$SQUALL" run "$SQ_SOURCE_DIR/scenarios/labs/accept-queue-never.json" --out "$SCRATCH/file" --quiet || fail "run FILE: status $?"
check_run "$SCRATCH/file/run.json" "from the file"

as_user "$SQUALL" lab run accept-queue-never --out "$USER_SCRATCH/user" --no-cure --quiet || fail "as a user: status $?"
check_run "$USER_SCRATCH/user/run.json" "ordinary user"

# The report is what its schema says, and running it again runs the same plan.
"$SQUALL" schema > "$SCRATCH/schema.json"
/usr/bin/python3 - "$SCRATCH/schema.json" "$SCRATCH/root/run.json" <<-'PY' || fail "run.json does not fit its schema"
	import json, sys, jsonschema
	jsonschema.Draft7Validator.check_schema(json.load(open(sys.argv[1])))
	jsonschema.validate(json.load(open(sys.argv[2])), json.load(open(sys.argv[1])))
PY
"$SQUALL" run "$SCRATCH/root/run.json" --out "$SCRATCH/again" --quiet || fail "the echo: status $?"
expect_eq "$(jqr "$SCRATCH/again/run.json" .scenario)" "$(jqr "$SCRATCH/root/run.json" .scenario)" "the echo's plan"

# analyze makes the same report from the spool.
cp "$SCRATCH/root/run.json" "$SCRATCH/before.json"
"$SQUALL" analyze "$SCRATCH/root" --quiet || fail "analyze: status $?"
cmp "$SCRATCH/before.json" "$SCRATCH/root/run.json" || fail "analyze made another report"
