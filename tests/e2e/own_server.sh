# Servers that the run did not start, watched by it: by name, and by the number in a file.  In a run their
# numbers are the machine's; what the run itself started is found first, by the numbers that it has there.
. "$(dirname "$0")/lib.sh"
need python3 python3

# A server of one thread that has 50 descriptors and works 15 ms for each connection; a sink that stands still
# for a while, and then dies.
cat > "$SCRATCH/busy.py" <<'P'
import os, socket, sys, time
held = [os.open("/dev/null", 0) for _ in range(50)]
server = socket.create_server(("127.0.0.1", 9914), backlog=1000)
open(sys.argv[1], "w").write("%d\n" % os.getpid())
while True:
    client, _ = server.accept()
    until = time.thread_time() + 0.015
    while time.thread_time() < until:
        pass
    try:
        client.send(b"x")
    except OSError:
        pass
    client.close()
P
python3 "$SCRATCH/busy.py" "$SCRATCH/busy.pid" & busy=$!
name=own-$$
ln -s "$(realpath "$SQUALL")" "$SCRATCH/$name"
"$SCRATCH/$name" sink tcp --listen 127.0.0.1:9912 --greeting hello > /dev/null 2>&1 & sink=$!
at_exit "kill -KILL $busy $sink 2> /dev/null"
until [ -s "$SCRATCH/busy.pid" ] && ss -Hltn 'sport = :9912' | grep -q .; do sleep 0.05; done

rows() { # HOST METRIC EXPRESSION
	jqr "$r" "[.counters[] | select(.host == \"$1\" and .metric == \"$2\")] | $3"
}
jq -n --arg name "$name" --arg busy "$SCRATCH/busy.pid" '{name: "own", target: "127.0.0.1:9912",
	capture: [{source: "linux"}, {source: "process", name: $name}, {source: "process", pidfile: $busy}],
	load: [{name: "a", driver: "tcp", until: "greeting", duration: "3s", timeout: "400ms", arrivals: {rate: 200}},
		{name: "b", target: "127.0.0.1:9914", driver: "tcp", until: "greeting", duration: "4s", timeout: "400ms", arrivals: {steps: ["20", "150"]}}]}' > "$SCRATCH/own.json"
"$SQUALL" run "$SCRATCH/own.json" --out "$SCRATCH/own" --quiet & run=$!
until [ -s "$SCRATCH/own/spool/load-localhost.jsonl" ]; do kill -0 "$run" || fail "no run"; sleep 0.05; done
sleep 0.8
kill -STOP "$sink"; sleep 1; kill -CONT "$sink"; sleep 0.5
kill -KILL "$sink"
wait "$run" || fail "own servers: status $?"
r=$SCRATCH/own/run.json
expect_eq "$(rows localhost process.fds '[.[].instance] | sort | join(",")')" "$name:$sink,python3:$busy" "who is watched, by the machine's numbers"
[ "$(rows localhost process.fds "map(select(.instance == \"python3:$busy\"))[0].max")" -ge 53 ] || fail "the descriptors"
[ "$(rows localhost process.cpu "map(select(.instance == \"python3:$busy\"))[0].delta")" -ge 100 ] || fail "the processor time"
expect_eq "$(rows localhost process.stopped "map(select(.instance == \"$name:$sink\"))[0] | \"\(.max) \(.last)\"")" "1 0" "stopped, and gone"
[ "$(jqr "$r" '[.findings[] | select(.mechanism == "server-stalled") | .explained] | add // 0')" -ge 100 ] || fail "server-stalled: $(jqr "$r" '.findings')"
[ "$(jqr "$r" '[.findings[] | select(.mechanism == "cpu-saturation" and .load == "b") | .explained] | add // 0')" -ge 100 ] || fail "cpu-saturation: $(jqr "$r" '.findings')"
expect_eq "$(jqr "$r" '[.events[] | select(.source == "process").text] | join(",")')" \
	"$name has ended, and no process that is watched is left" "its end is an event"

# In a world: a sink there has the name of one outside, and another server its number from inside in a file.
"$SCRATCH/$name" sink tcp --listen 127.0.0.1:9913 > /dev/null 2>&1 & sink=$!
at_exit "kill -KILL $sink 2> /dev/null"
jq -n --arg sink "$SCRATCH/$name" --arg name "$name" --arg s "$USER_SCRATCH" --arg busy "$SCRATCH/busy.pid" '{name: "both", target: "server:9000",
	world: {links: [{between: ["client", "server"]}], hosts: {client: {}, server: {run: [{argv: [$sink, "sink", "tcp", "--listen", "0.0.0.0:9000"], wait_port: 9000},
		{argv: ["sh", "-c", "echo $$ > \($s)/inner.pid; exec sleep 100"]}]}}},
	capture: [{source: "process", host: "server", name: $name}, {source: "process", host: "client", pidfile: "\($s)/inner.pid"},
		{source: "process", host: "client", pidfile: $busy}, {source: "process", host: "client", name: "python3"}],
	load: [{name: "a", driver: "tcp", duration: "1500ms", arrivals: {rate: 100}}]}' > "$SCRATCH/both.json"
both() { # NAME COMMAND...
	rm -f "$USER_SCRATCH/inner.pid"
	ran "$1" "${@:2}" "$SQUALL" run "$SCRATCH/both.json" --allow-exec
	expect_eq "$(rows server process.fds 'length')" 1 "$1: the sink of the world alone"
	[ "$(rows server process.fds '.[0].instance')" != "$name:$sink" ] || fail "$1: the sink outside was taken for the world's"
	expect_eq "$(rows client process.fds '[.[].instance] | unique | map(select(startswith("sleep") or endswith(":'"$busy"'"))) | sort | join(",")')" \
		"python3:$busy,sleep:$(cat "$USER_SCRATCH/inner.pid")" "$1: by the numbers in two files"
	[ "$(rows client process.fds "map(select(.instance == \"python3:$busy\"))[0].max")" -ge 53 ] || fail "$1: the descriptors of a server outside"
}
both world
both user as_user
