# docs/scenario.md and docs/counters.md are what the program's own tables say, every shipped scenario parses, and help
# answers for each command.
. "$(dirname "$0")/lib.sh"

"$SQUALL" help scenario | sed '1s/^## /# /' > "$SCRATCH/scenario.md"
diff -u "$SQ_SOURCE_DIR/docs/scenario.md" "$SCRATCH/scenario.md" ||
	fail "docs/scenario.md is out of date: squall help scenario | sed '1s/^## /# /' > docs/scenario.md"
"$SQUALL" help counters | sed '1s/^## /# /' > "$SCRATCH/counters.md"
diff -u "$SQ_SOURCE_DIR/docs/counters.md" "$SCRATCH/counters.md" ||
	fail "docs/counters.md is out of date: squall help counters | sed '1s/^## /# /' > docs/counters.md"
for command in $("$SQUALL" help | sed -n 's/^  squall \([a-z]*\) .*/\1/p'); do
	"$SQUALL" help "$command" | grep -q "squall $command" || fail "no help for $command"
done
for lab in "$SQ_SOURCE_DIR"/scenarios/labs/*.json; do
	name=$(basename "$lab" .json)
	"$SQUALL" lab list | grep -q "^$name " || fail "lab list does not name $name"
	cmp <("$SQUALL" lab show "$name") "$lab" || fail "lab show $name is not $lab"
done
status=0; "$SQUALL" rnu 2> "$SCRATCH/err.txt" || status=$?
expect_eq "$status" 2 "an unknown command"
grep -q '"run"' "$SCRATCH/err.txt" || fail "no suggestion: $(cat "$SCRATCH/err.txt")"
