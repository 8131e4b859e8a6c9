# Ctrl-C, a full disk, an unreachable target, a dead sink, no permission: a report or a clear
# message, never a crash, a hang or an empty file.
. "$(dirname "$0")/lib.sh"

steady() { # TARGET DURATION
	jq -n --arg t "$1" --arg d "$2" '{name: "endings", target: $t, idle: "100ms",
		load: [{name: "a", driver: "tcp", duration: $d, timeout: "1s", until: "greeting", arrivals: {rate: 500}}]}'
}
world='.target = "server:9000" | .world = {hosts: {client: {}, server: {run: [{sink: "tcp", listen: "0.0.0.0:9000", greeting: "x"}]}},
	links: [{between: ["client", "server"]}]}'
valid() { # REPORT OUTCOME
	expect_eq "$(jqr "$1" .run.outcome)" "$2" "$1: outcome"
	expect_eq "$(jqr "$1" '[.loads[] | ([.outcomes[].count] | add) == .scheduled] | all')" true "$1: sum"
}

# Ctrl-C once: drains and reports; twice: ends at once, with what was under way canceled (here all of
# it, since nobody greets). Both exit 4.
steady x:1 60s | jq "$world" > "$SCRATCH/long.json"
jq '.world.hosts.server.run[0].never_accept = true | .load[0].timeout = "30s"' "$SCRATCH/long.json" > "$SCRATCH/silent.json"
for presses in 1 2; do
	[ "$presses" = 1 ] && file=long || file=silent
	"$SQUALL" run "$SCRATCH/$file.json" --out "$SCRATCH/int$presses" --quiet 2> "$SCRATCH/int$presses.txt" & pid=$!
	sleep 2; kill -INT "$pid"; [ "$presses" = 1 ] || { sleep 0.5; kill -INT "$pid"; }
	began=$(date +%s%N); status=0; wait "$pid" || status=$?
	expect_eq "$status" 4 "status after $presses x Ctrl-C"
	[ $((($(date +%s%N) - began) / 1000000)) -lt 5000 ] || fail "$presses x Ctrl-C took over 5 s"
	valid "$SCRATCH/int$presses/run.json" stopped
	[ "$(jqr "$SCRATCH/int$presses/run.json" '.loads[0].scheduled')" -gt 100 ] || fail "nothing was counted"
done
[ "$(jqr "$SCRATCH/int2/run.json" '[.loads[0].outcomes[] | select(.class == "canceled") | .count] | add // 0')" -gt 100 ] || fail "nothing was canceled"

# A full disk.
mkdir "$SCRATCH/small"; mount -t tmpfs -o size=64k none "$SCRATCH/small"
at_exit 'mountpoint -q "$SCRATCH/small" && umount "$SCRATCH/small"'
for keep in 0 40; do
	rm -rf "$SCRATCH"/small/*; dd if=/dev/zero of="$SCRATCH/small/ballast" bs=1k count=$((60 - keep)) 2> /dev/null || true
	status=0; timeout 60 "$SQUALL" run "$SCRATCH/long.json" --set /load/0/duration=6s --out "$SCRATCH/small/run" --quiet 2> "$SCRATCH/full.txt" || status=$?
	expect_eq "$status" 3 "status on a full disk"
	grep -qi "space" "$SCRATCH/full.txt" || fail "no word of the full disk: $(cat "$SCRATCH/full.txt")"
	[ ! -e "$SCRATCH/small/run/run.json" ] || [ -s "$SCRATCH/small/run/run.json" ] || fail "an empty run.json"
done
umount "$SCRATCH/small"

# Nobody listens; nobody is there.
steady 127.0.0.1:1 500ms > "$SCRATCH/refused.json"
status=0; "$SQUALL" run "$SCRATCH/refused.json" --out "$SCRATCH/refused" --quiet || status=$?
expect_eq "$status" 1 "nothing succeeded"
expect_eq "$(jqr "$SCRATCH/refused/run.json" '.loads[0].outcomes[] | select(.count > 0) | "\(.code)@\(.phase) \(.class) \(.count)"')" "ECONNREFUSED@connect refused 250" "a closed port"
steady x:1 500ms | jq "$world | .target = \"198.18.0.77:9000\" | .load[0].timeout = \"5s\"" > "$SCRATCH/nobody.json"
status=0; "$SQUALL" run "$SCRATCH/nobody.json" --out "$SCRATCH/nobody" --quiet || status=$?
expect_eq "$status" 1 "an unreachable host: status"
# The kernel tells a socket that its neighbour does not answer by an ICMP message to itself, of which
# net.ipv4.icmp_msgs_burst (50) at most are sent: the other connects hear nothing, and time out.
expect_eq "$(jqr "$SCRATCH/nobody/run.json" '[.loads[0].outcomes[] | select(.code == "EHOSTUNREACH" or .code == "timeout") | .count] | add')" 250 "EHOSTUNREACH and time-outs"
[ "$(jqr "$SCRATCH/nobody/run.json" '[.loads[0].outcomes[] | select(.code == "EHOSTUNREACH") | .count] | add')" -ge 1 ] || fail "EHOSTUNREACH is missing"
expect_eq "$(jqr "$SCRATCH/nobody/run.json" '.findings | length')" 0 "an unreachable host: findings"

# The sink dies in mid-run: a report, and the death in it.
steady x:1 4s | jq "$world | .world.hosts.server.run = [{argv: [\"timeout\", \"-s\", \"KILL\", \"2\", \"$SQUALL\", \"sink\", \"tcp\", \"--listen\", \"0.0.0.0:9000\", \"--greeting\", \"x\"], wait_port: 9000}]" > "$SCRATCH/dies.json"
status=0; "$SQUALL" run "$SCRATCH/dies.json" --allow-exec --out "$SCRATCH/dies" --quiet 2> /dev/null || status=$?
expect_eq "$status" 0 "a sink that dies, without expectations: status"
valid "$SCRATCH/dies/run.json" completed
[ "$(jqr "$SCRATCH/dies/run.json" '[.loads[0].outcomes[] | select(.code == "ECONNREFUSED") | .count] | add // 0')" -gt 300 ] || fail "the dead sink's refusals are missing"
[ "$(jqr "$SCRATCH/dies/run.json" '[.events[] | select(.host == "server")] | length')" -ge 1 ] || fail "no event says that the server died"

# No permission: the folder, a port, the world itself.
mkdir -m 0700 "$SCRATCH/locked"
status=0; as_user "$SQUALL" run "$SCRATCH/refused.json" --out "$SCRATCH/locked/run" 2> "$USER_SCRATCH/locked.txt" || status=$?
[ "$status" = 3 ] || [ "$status" = 2 ] || fail "no permission for the folder: status $status"
grep -qi "permission" "$USER_SCRATCH/locked.txt" || fail "no word of the permission: $(cat "$USER_SCRATCH/locked.txt")"
status=0; "$SQUALL" sink tcp --listen 127.0.0.1:99999 2> "$SCRATCH/port.txt" || status=$?
[ "$status" != 0 ] && [ -s "$SCRATCH/port.txt" ] || fail "a wrong port was taken"
status=0; as_user unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_user_namespaces; echo 0 > /proc/sys/user/max_net_namespaces; echo 0 > /proc/sys/user/max_pid_namespaces
	exec "$@"' sh "$SQUALL" lab run accept-queue-never --out "$USER_SCRATCH/forbidden" --quiet 2> "$USER_SCRATCH/forbidden.txt" || status=$?
grep -q "loopback" "$USER_SCRATCH/forbidden.txt" || fail "a forbidden world: $(cat "$USER_SCRATCH/forbidden.txt")"
expect_eq "$(jqr "$USER_SCRATCH/forbidden/run.json" '.lost | length > 0')" true "what loopback loses is in the report"
valid "$USER_SCRATCH/forbidden/run.json" completed

# Asked to end while a server still starts: at once, exit 4. A hang-up that nohup ignores ends nothing.
steady x:1 1s | jq "$world | .world.hosts.server.run = [{argv: [\"sleep\", \"100\"], wait_port: 9000, wait: \"25s\"}]" > "$SCRATCH/slow.json"
"$SQUALL" run "$SCRATCH/slow.json" --allow-exec --out "$SCRATCH/slow" --quiet 2> /dev/null & pid=$!
sleep 1; kill -INT "$pid"; began=$(date +%s%N); status=0; wait "$pid" || status=$?
expect_eq "$status" 4 "Ctrl-C during set-up: status"
[ $((($(date +%s%N) - began) / 1000000)) -lt 2000 ] || fail "Ctrl-C during set-up took over 2 s"
nohup "$SQUALL" run "$SCRATCH/refused.json" --set /load/0/duration=3s --out "$SCRATCH/nohup" --quiet > /dev/null 2>&1 & pid=$!
sleep 1; kill -HUP "$pid"; status=0; wait "$pid" || status=$?
expect_eq "$status" 1 "under nohup: status"
expect_eq "$(jqr "$SCRATCH/nohup/run.json" .run.outcome)" completed "under nohup: outcome"

# Without its world a sink listens on loopback alone; a worker that breaks is not the target's fault.
"$SQUALL" run "$SCRATCH/long.json" --set /load/0/duration=3s --loopback --out "$SCRATCH/loop" --quiet 2> /dev/null & pid=$!
sleep 1.5
expect_eq "$(ss -Hltn 'sport = :9000' | awk '{ print $4 }')" 127.0.0.1:9000 "where a sink listens without its world"
wait "$pid" || fail "on loopback: status $?"
"$SQUALL" run "$SCRATCH/silent.json" --set /load/0/duration=4s --out "$SCRATCH/broken" --quiet 2> "$SCRATCH/broken.txt" & pid=$!
sleep 1.5
worker=
for p in $(ps -eo pid=,comm=,args= | awk -v f="$SCRATCH/silent.json" '$2 == "squall" && index($0, f) { print $1 }'); do
	[ -z "$(find "/proc/$p/fd" -lname '*/load-client.jsonl')" ] || worker=$p
done
[ -n "$worker" ] || fail "no worker found to kill"
kill -9 "$worker"; status=0; wait "$pid" || status=$?
expect_eq "$status" 3 "a killed worker: status"
grep -q "worker" "$SCRATCH/broken.txt" || fail "no word of the worker: $(cat "$SCRATCH/broken.txt")"
valid "$SCRATCH/broken/run.json" failed
