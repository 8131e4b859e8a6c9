# What is captured beside the protocols' counters, in one run: the scenario's servers by themselves, of
# which one is stopped, lines of the kernel's log as events, drops by reason (root).
. "$(dirname "$0")/lib.sh"

root=false
[ "$(id -u)" != 0 ] || root=true

# A server's process that is stopped: to a client it is a slow one.
cat > "$SCRATCH/stopped.sh" <<'S'
sleep 100 7< /dev/null 8< /dev/null 9< /dev/null &
pid=$!
read -rt 0.3 <> <(:)
kill -STOP $pid
wait
S
jq -n --arg script "$SCRATCH/stopped.sh" '{name: "host-sources", target: "server:53", idle: "300ms",
	world: {links: [{between: ["client", "server"]}],
		hosts: {client: {}, server: {run: [
			{sink: "dns", listen: "0.0.0.0:53", receive_buffer: 8192, capacity: 1000},
			{argv: ["bash", $script]}]}}},
	capture: [{source: "linux"}, {source: "process", host: "client", name: "no-such-name"}],
	load: [{name: "q", driver: "dns", names: ["n{0-999}.example.test"], duration: "1s", timeout: "1s", arrivals: {rate: 2000}}],
	expect: ["server.Udp.RcvbufErrors == q.timeout", "account.unexplained == 0"]}' > "$SCRATCH/base.json"
edit=.
if $root; then
	edit='.capture += [{source: "skb_drops", host: "server"}]'
fi
jq "$edit" "$SCRATCH/base.json" > "$SCRATCH/run.json"
(
	sleep 1.2
	! $root || echo "TCP: too many orphaned sockets (host_sources $$)" > /dev/kmsg
) &
ran host "$SQUALL" run "$SCRATCH/run.json" --allow-exec
wait

row() { # HOST METRIC INSTANCE EXPRESSION
	jqr "$r" "[.counters[] | select(.host == \"$1\" and .metric == \"$2\" and ((.instance // \"\") | test(\"$3\")))] | $4"
}

# What the servers are, none of squall's own processes, and nothing on a host without servers.
servers='[.[].instance | sub(":.*"; "")] | unique | join(" ")'
expect_eq "$(row server process.fds . "$servers")" "bash sink dns sleep" "the server's processes"
expect_eq "$(row client process.fds . length)" 0 "the client's processes"
expect_eq "$(row server process.stopped '^sleep:' '.[0].last')" 1 "sleep is stopped"
expect_eq "$(row server process.stopped '^sink dns:' '.[0].max')" 0 "the sink has not"
[ "$(row server process.fds '^sleep:' '.[0].max')" -ge 6 ] || fail "sleep has too few descriptors"
expect_eq "$(row server process.fds_limit '^sink dns:' '.[0].last')" "$(ulimit -n)" "the sink's limit"
[ "$(row server process.cpu '^sink dns:' '.[0].delta')" -gt 0 ] || fail "the sink took no processor time"
[ "$(row server process.switches_voluntary '^sink dns:' '.[0].delta')" -gt 10 ] || fail "the sink never waited"

# The veth's driver, and the environment beside the sysctls.
expect_eq "$(row server nic.rx_queue_0_drops eth0 length)" 1 "the driver's statistics"
[ "$(jqr "$r" '.environment.server.limits.nofile.hard')" -gt 0 ] || fail "no limits"

if $root; then
	expect_eq "$(jqr "$r" "[.events[] | select(.source == \"kernel_log\" and (.text | test(\"host_sources $$\"))) | .host] | sort | join(\" \")")" \
		"client server" "the log's line, of the whole machine"
	lost=$(jqr "$r" '[.loads[].outcomes[] | select(.code == "timeout") | .count] | add // 0')
	[ "$lost" -gt 200 ] || fail "only $lost were lost"
	expect_eq "$(row server skb.lost '' '.[0].delta')" 0 "events that the trace lost"
	expect_eq "$(row server skb.drop '^SOCKET_RCVBUFF@' '[.[].delta] | add')" "$lost" "drops for a full receive buffer"
	[ -z "$(ls /sys/kernel/tracing/instances | grep squall- || true)" ] || fail "an instance of the tracer is left"
	echo "$lost lost, each a drop of the reason SOCKET_RCVBUFF"
fi
