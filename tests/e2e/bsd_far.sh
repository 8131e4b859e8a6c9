# A BSD at the far end of a command's pipes, as its published outputs have it: tools that print them stand in
# for it, and their counters rise with each call.  Every source of BSD's gives its rows, under the far
# host's name; a statistics page comes through the far side's own client.
. "$(dirname "$0")/lib.sh"

mkdir "$SCRATCH/bsd" "$SCRATCH/texts"
cp "$SQ_SOURCE_DIR"/tests/texts/* "$SCRATCH/texts"
tool() { # NAME CASES
	printf '#!/bin/sh\ncd %s/texts || exit 1\ncase "$*" in\n%s\n*) echo "what: $*" >&2; exit 2;;\nesac\n' "$SCRATCH" "$2" > "$SCRATCH/bsd/$1"
	chmod +x "$SCRATCH/bsd/$1"
}
tool netstat '-s) echo >> calls; n=$(wc -l < calls); sed "s/213 listen queue/$((213 + 10 * n)) listen queue/" freebsd-netstat-s.txt;;
-m) cat openbsd-4.4-netstat-m.txt;;
-Lan) cat freebsd-netstat-lan.txt;;
"-an -f inet") cat openbsd-3.1-netstat-recv-q.txt;;'
tool vmstat '-m) cat openbsd-3.1-vmstat-m.txt;;
-z) cat freebsd-vmstat-z.txt;;'
tool top '-b) cat openbsd-4.4-top.txt;;'
tool pfctl '-si) sed "/hard limit/d" pfctl.txt;;
-sm) grep "hard limit" pfctl.txt;;'
tool sysctl '"net.inet kern.ipc kern.somaxconn") cat openbsd-3.1-sysctl.txt; exit 1;;'
tool dmesg '"") cat freebsd-dmesg.txt;;'
tool uname '"") echo OpenBSD;;'
tool curl '"-sf http://127.0.0.1:9100/metrics") cat prometheus.txt;;'

sources=$(ls "$SQ_SOURCE_DIR"/analyzers/sources/bsd_*.c | sed 's/.*\///; s/\.c$//' | jq -R . | jq -s .)
jq -n --arg where "exec:env PATH=$SCRATCH/bsd:$PATH sh" --argjson sources "$sources" '{name: "bsd", idle: "1s", target: "server:9000",
	world: {hosts: {client: {}, bsd: {}, server: {run: [{sink: "tcp", listen: "0.0.0.0:9000"}]}}, links: [{between: ["client", "server"]}, {between: ["client", "bsd"]}]},
	load: [{name: "few", driver: "tcp", count: 10, arrivals: {rate: 10}}],
	capture: ($sources + ["prometheus"] | map({source: ., host: "bsd", where: $where, interval: "200ms"}))}' > "$SCRATCH/bsd.json"
"$SQUALL" run "$SCRATCH/bsd.json" --out "$SCRATCH/refused" --quiet 2> "$SCRATCH/refused.txt" && fail "commands ran without --allow-exec"
ran bsd "$SQUALL" run "$SCRATCH/bsd.json" --allow-exec

expect_eq "$(jqr "$r" '[.absent[] | "\(.source): \(.because)"] | join(", ")')" "" "absent"
row() { # METRIC INSTANCE FIELD
	jq -r --arg metric "$1" --arg instance "$2" --arg field "$3" '[.counters[] | select(.host == "bsd" and .metric == $metric and (.instance // "") == $instance)[$field]] | if length == 1 then .[0] else "\(length) rows" end' "$r"
}
calls=$(wc -l < "$SCRATCH/texts/calls")
# The first call is to see that there is such a tool, the second is what the rise counts from.
expect_eq "$(row bsd.tcp.listen_queue_overflow "" delta)" $((10 * (calls - 2))) "listen queue overflows after $calls calls"
expect_eq "$(row bsd.mbuf.mbuf_cluster_in_use max last)" 6144 "clusters that there may be"
expect_eq "$(row listen.queue 0.0.0.0:80 last)" 193 "an accept queue"
expect_eq "$(row tcp.recv_q "" last)" 26262 "bytes in receive queues"
expect_eq "$(row bsd.pool.Fail mclpl delta)" 0 "requests that failed since"
expect_eq "$(row bsd.zone.LIMIT syncache last)" 15364 "a zone's limit"
expect_eq "$(row bsd.cpu interrupt last)" 229 "time in interrupts"
expect_eq "$(row bsd.pf.limit states last)" 100000 "a limit of pf's"
expect_eq "$(row bsd.sysctl.kern.somaxconn "" last)" 256 "a setting"
expect_eq "$(row bsd.icmplim.held_back "" delta)" 0 "responses held back since"
expect_eq "$(row node_load1 "" last)" 370 "a load average through the far side's curl"
