# Far ends that do not come back: a squall that stands still when the run ends, and so does not say its last
# readings; one that is killed, and a shell that is, and can't be had again; a machine that was never there.
# Each is an event that says since when nothing was read, and why; the run and its account are whole.  So are
# those of a server outside of a world that dies.
. "$(dirname "$0")/lib.sh"

# Each watches for the file "down" itself: it has its number in the world, where none of ours is.
far_end() { # FILE SIGNAL-AND-WHOM COMMAND
	cat > "$SCRATCH/$1" <<-S
		#!/bin/sh
		[ ! -e "$SCRATCH/down" ] || exit 1
		( until [ -e "$SCRATCH/down" ]; do sleep 0.05; done; kill $2 ) < /dev/null > /dev/null 2>&1 &
		exec $3
	S
	chmod +x "$SCRATCH/$1"
}
mkdir "$SCRATCH/stands" "$SCRATCH/goes"
far_end stands/squall "-STOP 0" "\"$(realpath "$SQUALL")\" \"\$@\""
far_end goes/squall "-KILL \$\$" "\"$(realpath "$SQUALL")\" \"\$@\""
far_end shell.sh "-KILL \$\$" sh
jq -n --arg s "$SCRATCH" --arg path "$PATH" '{name: "lost", target: "server:9000",
	world: {hosts: {client: {}, stands: {}, goes: {}, shell: {}, never: {}, server: {run: [{sink: "tcp", listen: "0.0.0.0:9000"}]}},
		links: ["server", "stands", "goes", "shell", "never"] | to_entries | map({between: ["client", .value], subnet: "198.18.\(.key).0/24"})},
	capture: [{host: "stands", where: "exec:env PATH=\($s)/stands:\($path) sh"}, {host: "goes", where: "exec:env PATH=\($s)/goes:\($path) sh"},
		{host: "shell", where: "exec:\($s)/shell.sh"}, {host: "never", where: "exec:/no/such/command"}] | map(. + {source: "snmp"}),
	load: [{name: "a", driver: "tcp", duration: "3s", arrivals: {rate: 200}}]}' > "$SCRATCH/s.json"
"$SQUALL" run "$SCRATCH/s.json" --allow-exec --out "$SCRATCH/run" --quiet & run=$!
for host in stands goes shell; do
	until grep -qs '"tick"' "$SCRATCH/run/spool/capture-$host.jsonl"; do kill -0 "$run" || fail "no run"; sleep 0.05; done
done
until [ -s "$SCRATCH/run/spool/load-client.jsonl" ]; do kill -0 "$run" || fail "no run"; sleep 0.05; done
sleep 1
touch "$SCRATCH/down"
"$SQUALL" sink tcp --listen 127.0.0.1:9911 > /dev/null 2>&1 & echo $! > "$SCRATCH/sink.pid"
at_exit 'kill -KILL "$(cat "$SCRATCH/sink.pid")" 2> /dev/null'
until ss -Hltn 'sport = :9911' | grep -q .; do sleep 0.05; done
jq -n --arg pidfile "$SCRATCH/sink.pid" '{name: "dies", target: "127.0.0.1:9911", capture: [{source: "process", pidfile: $pidfile}],
	load: [{name: "a", driver: "tcp", duration: "2s", arrivals: {rate: 100}}]}' > "$SCRATCH/dies.json"
"$SQUALL" run "$SCRATCH/dies.json" --out "$SCRATCH/dies" --quiet & dies=$!
until [ -s "$SCRATCH/dies/spool/load-localhost.jsonl" ]; do kill -0 "$dies" || fail "no run"; sleep 0.05; done
sleep 0.7
kill -KILL "$(cat "$SCRATCH/sink.pid")"
wait "$dies" || fail "a server that dies: status $?"
r=$SCRATCH/dies/run.json
expect_eq "$(jqr "$r" '[.run.outcome, ([.loads[0].outcomes[].count] | add)] | tostring')" '["completed",200]' "a server that dies: the account"
[ "$(jqr "$r" '[.loads[0].outcomes[] | select(.code == "ECONNREFUSED") | .count] | add // 0')" -gt 30 ] || fail "a server that dies: no refusals"
expect_eq "$(jqr "$r" '[.events[] | select(.source == "process" and (.text | test("^squall has ended, and no process")))] | length')" 1 "a server that dies: its end is an event"
status=0; wait "$run" || status=$?
r=$SCRATCH/run/run.json
expect_eq "$status" 0 "status"
expect_eq "$(jqr "$r" '.run.outcome')" completed "outcome"
expect_eq "$(jqr "$r" '.loads[0].outcomes | map("\(.code) \(.count)") | join(",")')" "ok 600" "the load"
told() { # HOST WHY
	expect_eq "$(jqr "$r" "[.events[] | select(.host == \"$1\" and (.text | test(\"nothing was read for [2-9][.0-9]* s: $2\")))] | length")" 1 "$1: the event: $(jqr "$r" "[.events[] | select(.host == \"$1\")] | tostring")"
}
told stands 'squall there did not end within 2 s'
told goes '.'
told shell '.'
told never '.*no/such/command'
expect_eq "$(jqr "$r" '[.absent[] | select(.host == "never" and .source == "snmp")] | length')" 1 "never there: absent"
expect_eq "$(jqr "$r" '[.events[] | select(.host == "goes")] | length')" 1 "one that comes and goes is told of once"
