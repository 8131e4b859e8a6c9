# A finding is put to the test: the cause of a failure is proved by its cure, and by the setting that its rule
# names; a finding that was seeded wrong by hand is withdrawn; what does not come back decides nothing.
. "$(dirname "$0")/lib.sh"

jq -n '{name: "proof", target: "server:9000", idle: "0s", seed: 7,
	world: {links: [{between: ["client", "server"]}],
		hosts: {client: {}, server: {sysctl: {"net.core.somaxconn": 16, "net.ipv4.tcp_syncookies": 0},
			run: [{sink: "tcp", listen: "0.0.0.0:9000", backlog: 16, never_accept: true}]}}},
	load: [{name: "storm", driver: "tcp", until: "connected", hold: "1s", duration: "100ms", timeout: "300ms",
		count: 64, arrivals: {burst: 64, every: "1s", phase: "0s"}}]}' > "$SCRATCH/s.json"
ran base as_user "$SQUALL" run "$SCRATCH/s.json"
base=$USER_SCRATCH/base

status=0; as_user "$SQUALL" prove "$base" > "$SCRATCH/proved.txt" || status=$?
expect_eq "$status" 0 "prove: status"
p=$base/prove/prove.json
expect_eq "$(jqr "$p" '"\(.verdict) \(.without.failed)/\(.without.scheduled) \(.with.failed)/\(.with.scheduled) \(.with.upper_95) \(.chance)"')" \
	"proved 235/320 0/320 0.009375 0.03125" "prove: verdict"
expect_eq "$(jqr "$p" '[.findings[] | "\(.mechanism) \(.confidence)"] | join(" ")')" "accept-queue-overflow proved" "prove: the finding"
expect_eq "$(jqr "$p" '.change.set | keys | join(" ")')" "/world/hosts/server/run/0/backlog /world/hosts/server/sysctl/net.core.somaxconn" "prove: what was changed"
expect_eq "$(jqr "$p" '[range(1; 6) as $i | [.runs[] | select(.pair == $i) | .with] | sort | tostring] | unique | join(" ")')" "[false,true]" "prove: each pair has both"
order=$(jqr "$p" '[.runs[].with]')

# A second time, and stopped: what was whole is told, in a folder of its own, and decides nothing.
status=0; "$SQUALL" prove "$base" --pairs 50 > "$SCRATCH/stopped.txt" 2>&1 & pid=$!
for _ in $(seq 400); do [ ! -e "$base/prove-2/002-0" ] && [ ! -e "$base/prove-2/002-1" ] || break; sleep 0.02; done
kill -INT "$pid"; wait "$pid" || status=$?
expect_eq "$status $(jqr "$base/prove-2/prove.json" '"\(.verdict) \(.because) \(.runs | length >= 4)"')" \
	"4 undecided it ended before all pairs were run true" "stopped"
grep -q "^2  .* of 64 " "$SCRATCH/stopped.txt" || fail "stopped: $(cat "$SCRATCH/stopped.txt")"

# Seeded wrong: the SYN backlog.
jq '.findings[].mechanism = "syn-backlog-overflow"' "$base/run.json" > "$USER_SCRATCH/wrong.json"
status=0; as_user "$SQUALL" prove "$USER_SCRATCH/wrong.json" --out "$USER_SCRATCH/wrong" > "$SCRATCH/wrong.txt" || status=$?
expect_eq "$status" 1 "a wrong finding: status"
expect_eq "$(jqr "$USER_SCRATCH/wrong/prove.json" '"\(.verdict) \(.findings | length) \(.change.set | keys | join(" "))"')" \
	"withdrawn 0 /world/hosts/server/sysctl/net.ipv4.tcp_syncookies" "a wrong finding: verdict"

# A change of the user's own; two pairs decide nothing.  The order comes from the seed: the same one again.
status=0; as_user "$SQUALL" prove "$base" --set /world/hosts/server/run/0/backlog=8 --pairs 2 --out "$USER_SCRATCH/own" > "$SCRATCH/own.txt" || status=$?
expect_eq "$status $(jqr "$USER_SCRATCH/own/prove.json" '"\(.verdict) \(.change.set | tostring)"')" \
	'3 undecided {"/world/hosts/server/run/0/backlog":"8"}' "a change of one's own"
expect_eq "$(jqr "$USER_SCRATCH/own/prove.json" '[.runs[].with]')" "$(jq '.[:4]' <<< "$order")" "the order again"

# A mechanism that is not found, or that nobody knows a change for; a machine's setting without leave.
status=0; "$SQUALL" prove "$base" --finding packet-filter 2> "$SCRATCH/none.txt" || status=$?
expect_eq "$status" 2 "no such finding: status"
jq '.findings[].mechanism = "packet-filter"' "$base/run.json" > "$SCRATCH/unknown.json"
status=0; "$SQUALL" prove "$SCRATCH/unknown.json" --out "$SCRATCH/unknown" 2> "$SCRATCH/unknown.txt" || status=$?
expect_eq "$status" 2 "no known change: status"
grep -q "nothing is known that would take it away" "$SCRATCH/unknown.txt" || fail "no known change: $(cat "$SCRATCH/unknown.txt")"
jq 'del(.scenario.world) | .scenario.target = "127.0.0.1:9000"' "$base/run.json" > "$SCRATCH/far.json"
status=0; "$SQUALL" prove "$SCRATCH/far.json" --allow-global --out "$SCRATCH/far" 2> "$SCRATCH/far.txt" || status=$?
expect_eq "$status" 2 "another machine's setting: status"
grep -q "its settings are those of server" "$SCRATCH/far.txt" || fail "another machine's setting: $(cat "$SCRATCH/far.txt")"
jq '.findings[].host = "localhost"' "$SCRATCH/far.json" > "$SCRATCH/host.json"
status=0; "$SQUALL" prove "$SCRATCH/host.json" --out "$SCRATCH/host" 2> "$SCRATCH/host.txt" || status=$?
expect_eq "$status" 2 "this machine's setting: status"
grep -q "needs --allow-global" "$SCRATCH/host.txt" || fail "this machine's setting: $(cat "$SCRATCH/host.txt")"
