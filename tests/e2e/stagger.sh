# Seed 003: the same 1536 connections at the same mean rate, in bursts and staggered.
. "$(dirname "$0")/lib.sh"

"$SQUALL" lab run accept-queue-stagger --out "$SCRATCH/stagger" --no-cure --quiet || fail "stagger: status $?"
r="$SCRATCH/stagger/run.json"
expect_eq "$(jqr "$r" '[.loads[0].outcomes[] | select(.class == "ok") | .count] | add')" 1536 "staggered: ok"
expect_eq "$(jqr "$r" '.findings | length')" 0 "staggered: findings"

"$SQUALL" lab run accept-queue-burst --out "$SCRATCH/burst" --no-cure --quiet || fail "burst: status $?"
r="$SCRATCH/burst/run.json"
expect_eq "$(jqr "$r" '.loads[0].scheduled')" 1536 "burst: scheduled"
failed=$(jqr "$r" '[.account[].count] | add // 0')
[ "$failed" -gt 200 ] || fail "burst: only $failed failures; hundreds were due"
explained=$(jqr "$r" '[.findings[].explained] | add // 0')
[ "$explained" -gt $((failed * 8 / 10)) ] || fail "burst: only $explained of $failed explained"
expect_eq "$(jqr "$r" '[.findings[].mechanism] | unique | join(" ")')" accept-queue-overflow "burst: mechanism"
