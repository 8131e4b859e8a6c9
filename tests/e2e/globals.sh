# Settings of the whole machine: only with --allow-global, felt by the run alone, set back at its end; after a
# kill by `squall restore` or by the next run that writes; never two runs at once.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || fail "it takes root to change a setting of the machine"

key=net.ipv4.tcp_max_orphans
value() { sysctl -n "$key"; }
before=$(value) changed=$(($(value) - 1))
at_exit '"$SQUALL" restore > /dev/null'
jq -n --arg key "$key" --arg value "$changed" '{name: "globals", target: "server:9000", idle: "100ms",
	world: {sysctl: {($key): $value}, links: [{between: ["client", "server"]}],
		hosts: {client: {}, server: {run: [{sink: "tcp", listen: "0.0.0.0:9000", greeting: "x"}]}}},
	load: [{name: "a", driver: "tcp", duration: "1s", until: "greeting", arrivals: {rate: 50}}]}' > "$SCRATCH/s.json"

status=0; "$SQUALL" run "$SCRATCH/s.json" --out "$SCRATCH/refused" --quiet 2> "$SCRATCH/refused.txt" || status=$?
expect_eq "$status" 2 "without --allow-global: status"
grep -q "needs --allow-global" "$SCRATCH/refused.txt" || fail "it does not say what is missing: $(cat "$SCRATCH/refused.txt")"
[ ! -e "$SCRATCH/refused" ] || fail "a refused run began"
status=0; as_user "$SQUALL" run "$SCRATCH/s.json" --out "$USER_SCRATCH/user" --allow-global --quiet 2> "$SCRATCH/user.txt" || status=$?
expect_eq "$status" 3 "an ordinary user: status"
grep -q "run as root" "$SCRATCH/user.txt" || fail "an ordinary user is told: $(cat "$SCRATCH/user.txt")"

# Two at once: the second one waits for the first.
ran one "$SQUALL" run "$SCRATCH/s.json" --allow-global & one=$!
for _ in $(seq 400); do
	[ "$(value)" != "$changed" ] || break
	sleep 0.05
done
expect_eq "$(value)" "$changed" "while it runs"
ran two "$SQUALL" run "$SCRATCH/s.json" --allow-global 2> "$SCRATCH/two.txt"
wait "$one" || fail "the first of two: status $?"
expect_eq "$(value)" "$before" "after both"
grep -q "another run changes settings of this machine" "$SCRATCH/two.txt" || fail "the second did not wait: $(cat "$SCRATCH/two.txt")"
[ "$(jqr "$USER_SCRATCH/one/run.json" .run.started)" != "$(jqr "$r" .run.started)" ] || fail "both ran at once"
expect_eq "$(jqr "$r" ".environment.server.sysctls[\"$key\"]")" "$changed" "the report's environment"

# Asked to end right after the first of several settings: what is set is set back, and the run says how it ended.
file=/proc/sys/${key//.//}
for name in rmem_max wmem_max rmem_default wmem_default dev_weight netdev_budget netdev_budget_usecs netdev_max_backlog; do
	echo "net.core.$name $(sysctl -n "net.core.$name")" # each as it is
done | jq -Rn --slurpfile s "$SCRATCH/s.json" '$s[0] | .world.sysctl += ([inputs / " " | {(.[0]): .[1]}] | add)' > "$SCRATCH/many.json"
for round in 1 2 3; do
	"$SQUALL" run "$SCRATCH/many.json" --out "$SCRATCH/term$round" --allow-global --quiet 2> "$SCRATCH/term.txt" & pid=$!
	now=$before
	while [ "$now" = "$before" ] && [ -e "/proc/$pid" ]; do read -r now < "$file"; done
	kill "$pid"
	status=0; wait "$pid" || status=$?
	expect_eq "$status" 4 "round $round: asked to end once it is set: status"
	expect_eq "$(value)" "$before" "round $round: asked to end"
done

left=0
for round in 1 2 3; do
	"$SQUALL" run "$SCRATCH/s.json" --out "$SCRATCH/kill$round" --allow-global --quiet & pid=$!
	sleep "$(awk "BEGIN { srand($RANDOM); print 0.9 * rand() }")"
	kill -9 "$pid"; wait "$pid" 2> /dev/null || true
	[ "$(value)" = "$before" ] || left=$((left + 1))
	if [ "$round" = 3 ]; then # the next run makes it good as well
		ran next "$SQUALL" run "$SCRATCH/s.json" --allow-global
	else
		"$SQUALL" restore > "$SCRATCH/restored.txt" || fail "restore: status $?"
	fi
	expect_eq "$(value)" "$before" "round $round: after a kill"
done
echo "$left of 3 kills left it changed"
