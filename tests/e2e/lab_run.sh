# The command lab: a lab of one's own from its skeleton, as an ordinary user; one that is red, since its cure
# does not cure; what is missing is named before anything starts.
. "$(dirname "$0")/lib.sh"

as_user "$SQUALL" lab new mine > "$SCRATCH/new.txt"
as_user "$SQUALL" lab new mine > "$SCRATCH/new.txt" 2>&1 && fail "lab new wrote over a file"
as_user "$SQUALL" lab run ./mine.json --out mine-run > "$SCRATCH/mine.txt" 2>&1 || fail "mine: $(cat "$SCRATCH/mine.txt")"
grep -qE "^\./mine.json +timeout@connect +135 of 135 +accept-queue-overflow +yes +green" "$SCRATCH/mine.txt" || fail "mine: $(tail -2 "$SCRATCH/mine.txt")"
expect_eq "$(jqr "$USER_SCRATCH/mine-run/cure/run.json" '[.loads[0].outcomes[] | select(.count > 0) | "\(.code) \(.count)"] | join(" ")')" "ok 200" "mine: cured"

# Half a cure, and a claim that does not hold: red.
jq '.name = "red" | del(.cure.set["/world/hosts/server/run/0/backlog"])' "$USER_SCRATCH/mine.json" > "$USER_SCRATCH/half.json"
jq '.name = "red" | .finding = "syn-backlog-overflow" | del(.cure)' "$USER_SCRATCH/mine.json" > "$USER_SCRATCH/claim.json"
status=0; as_user "$SQUALL" lab run ./half.json ./claim.json --out red > "$SCRATCH/red.txt" 2> "$SCRATCH/red.err" || status=$?
expect_eq "$status" 1 "red: status"
grep -qE "^\./half.json .* NO +RED" "$SCRATCH/red.txt" || fail "half a cure: $(tail -3 "$SCRATCH/red.txt")"
grep -qE "^\./claim.json .* no cure +RED" "$SCRATCH/red.txt" || fail "a wrong claim: $(tail -3 "$SCRATCH/red.txt")"

# Stopped in the cure of a red one: the next does not begin.
jq '.name = "red" | .finding = "syn-backlog-overflow"' "$USER_SCRATCH/mine.json" > "$USER_SCRATCH/curable.json"
status=0; "$SQUALL" lab run "$USER_SCRATCH/curable.json" "$USER_SCRATCH/mine.json" --out "$SCRATCH/stop" > "$SCRATCH/stop.txt" 2>&1 & pid=$!
for _ in $(seq 400); do [ ! -e "$SCRATCH/stop/curable.json/cure/spool/load-client.jsonl" ] || break; sleep 0.02; done
kill -INT "$pid"; wait "$pid" || status=$?
expect_eq "$status" 4 "stopped: status"
grep -qE "^$USER_SCRATCH/curable.json .* stopped$" "$SCRATCH/stop.txt" || fail "stopped: $(tail -3 "$SCRATCH/stop.txt")"
[ ! -e "$SCRATCH/stop/mine.json" ] || fail "stopped: the next one began"

jq '.name = "needy" | .needs = {"no-such-program": "no-such-package", "root": "it says so"}' "$USER_SCRATCH/mine.json" > "$USER_SCRATCH/needy.json"
status=0; as_user "$SQUALL" lab run ./needy.json --out needy > "$SCRATCH/needy.txt" 2>&1 || status=$?
expect_eq "$status" 3 "needy: status"
grep -q "it needs no-such-program: install the package no-such-package, it needs root: it says so" "$SCRATCH/needy.txt" || fail "needy: $(cat "$SCRATCH/needy.txt")"
[ ! -e "$USER_SCRATCH/needy" ] || fail "needy: it began"
expect_eq "$("$SQUALL" lab list | wc -l)" "$(find "$SQ_SOURCE_DIR/scenarios/labs" -name '*.json' | wc -l)" "lab list: lines"

# A shell inside: each host is a command, the load is ready, and the shell's status is the command's.
status=0; printf 'server ss -ltn\nload --quiet --out load-run\nserver nstat -az TcpExtListenOverflows\nexit 7\n' |
	as_user "$SQUALL" lab shell ./mine.json --out shell > "$SCRATCH/shell.txt" 2> "$SCRATCH/shell.err" || status=$?
expect_eq "$status" 7 "lab shell: status"
grep -q "LISTEN.*0.0.0.0:9000" "$SCRATCH/shell.txt" || fail "lab shell: $(cat "$SCRATCH/shell.txt")"
grep -qE "TcpExtListenOverflows +135 " "$SCRATCH/shell.txt" || fail "lab shell: $(cat "$SCRATCH/shell.txt")"
expect_eq "$(jqr "$USER_SCRATCH/load-run/run.json" '[.loads[0].outcomes[] | select(.code == "timeout") | .count] | add')" 135 "lab shell: the load's time-outs"
