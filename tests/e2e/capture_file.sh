# Counters that `squall capture --out` reads by itself, begun before the run and joined to it by time, say
# what those say that the run itself reads: the same findings, the same series.
. "$(dirname "$0")/lib.sh"

jq --arg squall "$SQUALL" --arg out "$USER_SCRATCH/server.jsonl" \
	'.world.hosts.server.run = [{argv: [$squall, "capture", "--out", $out, "--host", "server"]}] + .world.hosts.server.run | del(.expect)' \
	"$SQ_SOURCE_DIR/scenarios/labs/accept-queue-never.json" > "$SCRATCH/s.json"
"$SQUALL" run "$SCRATCH/s.json" --allow-exec --out "$SCRATCH/whole" --quiet || fail "status $?"
cp -r "$SCRATCH/whole" "$SCRATCH/apart"
rm "$SCRATCH/apart/spool/capture-server.jsonl" "$SCRATCH/apart/run.json"

status=0; "$SQUALL" analyze "$SCRATCH/apart" --quiet || status=$?
expect_eq "$status" 0 "without the server's counters: status"
[ "$(jqr "$SCRATCH/apart/run.json" '[.findings[] | select(.mechanism == "accept-queue-overflow")] | length')" = 0 ] ||
	fail "a finding without the counter that it rests on"
"$SQUALL" analyze "$SCRATCH/apart" --quiet --counters "server=$USER_SCRATCH/server.jsonl" || fail "joined: status $?"
findings='[.findings[] | {mechanism, host, load, failure, count, explained, strength}]'
expect_eq "$(jqr "$SCRATCH/whole/run.json" '.findings | length > 0')" true "the run's own findings"
expect_eq "$(jqr "$SCRATCH/apart/run.json" "$findings | tostring")" "$(jqr "$SCRATCH/whole/run.json" "$findings | tostring")" "findings"
expect_eq "$(jqr "$SCRATCH/apart/run.json" '.clocks | map("\(.host) \(.how) \(.offset_s)") | join(",")')" "server wall null" "the clock"
# (A counter that moves in the quiet before the run or behind it may differ by that.)
drops='.counters[] | select(.host == "server" and .metric == "TcpExt.ListenDrops") | .delta'
expect_eq "$(jqr "$SCRATCH/apart/run.json" "$drops")" "$(jqr "$SCRATCH/whole/run.json" "$drops")" "ListenDrops"

# The run has that host's counters already; what is no such file.
status=0; "$SQUALL" analyze "$SCRATCH/whole" --quiet --counters "$USER_SCRATCH/server.jsonl" 2> "$SCRATCH/twice.txt" || status=$?
expect_eq "$status" 3 "counters of one host twice: status"
grep -q 'has counters of "server" already' "$SCRATCH/twice.txt" || fail "$(cat "$SCRATCH/twice.txt")"
status=0; "$SQUALL" analyze "$SCRATCH/apart" --quiet --counters "$SCRATCH/whole/spool/run.jsonl" 2> "$SCRATCH/none.txt" || status=$?
grep -q 'no file of squall capture' "$SCRATCH/none.txt" || fail "$(cat "$SCRATCH/none.txt")"

# One of another time, and one that is cut and has but a part of the run's.
"$SQUALL" capture --source snmp --out "$SCRATCH/late.jsonl" --duration 300ms || fail "capture: status $?"
status=0; "$SQUALL" analyze "$SCRATCH/whole" --quiet --counters "late=$SCRATCH/late.jsonl" 2> "$SCRATCH/late.txt" || status=$?
expect_eq "$status" 3 "counters of another time: status"
grep -Eq 'nothing of the run: by the wall clocks it begins [0-9.]+ s after the run ended' "$SCRATCH/late.txt" || fail "$(cat "$SCRATCH/late.txt")"
{ grep -v '"tick"' "$USER_SCRATCH/server.jsonl" | grep -v '"done"'; grep -m 8 '"tick"' "$USER_SCRATCH/server.jsonl"; } > "$SCRATCH/begin.jsonl"
truncate -s -10 "$SCRATCH/begin.jsonl"
"$SQUALL" analyze "$SCRATCH/whole" --quiet --counters "cut=$SCRATCH/begin.jsonl" || fail "a file that is cut: status $?"
expect_eq "$(jqr "$SCRATCH/whole/run.json" '[.events[] | select(.host == "cut") | .source] | sort | join(" ")')" "file spool" "what a cut file is told of"

# A server that is started after the capture (meanwhile what follows is tried).
"$SQUALL" capture --source "{\"source\": \"nsd\", \"command\": \"cat $SCRATCH/nsd.txt\"}" --out "$SCRATCH/nsd.jsonl" --interval 200ms --duration 3s & nsd=$!
until grep -qs '"absent"' "$SCRATCH/nsd.jsonl"; do kill -0 "$nsd" || fail "no capture"; sleep 0.05; done
echo num.queries=7 > "$SCRATCH/nsd.txt"

# By hand: a table of what rises, for as long as was asked; one for each interval, whatever threads read it,
# with what that cost in one line.  With --all each processor and each source's cost have rows of their own.
table() { # OPTIONS: $SCRATCH/table.txt
	local pid
	"$SQUALL" capture --interval 200ms --duration 1s "$@" > "$SCRATCH/table.txt" & pid=$!
	for _ in 1 2 3 4 5; do sleep 0.2; (exec 3<> /dev/tcp/127.0.0.1/1) 2> /dev/null || true; done
	wait "$pid" || fail "capture --duration $*: status $?"
}
table
grep -Eq '^  Tcp.ActiveOpens +\+[0-9]+ +[0-9.]+/s connections' "$SCRATCH/table.txt" || fail "no rate in the table: $(cat "$SCRATCH/table.txt")"
tables=$(grep -Ec '^[0-9:]{8}, [0-9.]+ s$' "$SCRATCH/table.txt")
costs=$(grep -Ec '^  reading took [0-9.]+ ms, [0-9.]+ % of a processor at most$' "$SCRATCH/table.txt")
expect_eq "$costs" "$tables" "the cost of reading, in each table"
{ [ "$tables" -ge 3 ] && [ "$tables" -le 8 ]; } || fail "$tables tables in 1 s of 200 ms each: $(cat "$SCRATCH/table.txt")"
! grep -Eq 'capture.took|\[cpu[0-9]' "$SCRATCH/table.txt" || fail "more than was asked: $(cat "$SCRATCH/table.txt")"
table --source stat --source snmp --all
grep -Eq '^  capture.took \[snmp\] ' "$SCRATCH/table.txt" || fail "no cost of each source: $(cat "$SCRATCH/table.txt")"
grep -Eq '^  cpu\.[a-z]+ \[cpu0\] ' "$SCRATCH/table.txt" || fail "no processors: $(cat "$SCRATCH/table.txt")"
status=0; "$SQUALL" capture --all --stdout 2> "$SCRATCH/all.txt" < /dev/null || status=$?
expect_eq "$status" 2 "--all without a table"
grep -q 'all is for the table' "$SCRATCH/all.txt" || fail "$(cat "$SCRATCH/all.txt")"

wait "$nsd" || fail "a server that comes late: status $?"
expect_eq "$(jq -r 'select(.k == "absent" or .k == "there" or .k == "gap") | .k' "$SCRATCH/nsd.jsonl" | tr '\n' ' ')" "absent there " "a server that comes late"
[ "$(grep -c '"tick"' "$SCRATCH/nsd.jsonl")" -ge 2 ] || fail "a server that comes late is not read"
