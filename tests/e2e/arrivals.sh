# Shapes of load whose rate changes, recordings, staggered bursts and the tick: each makes exactly as
# many operations as it says, at the times that it says, and the report tells which tick it had.
. "$(dirname "$0")/lib.sh"

"$SQUALL" sink dns --listen 127.0.0.1:19153 > "$SCRATCH/sink.json" 2> "$SCRATCH/sink.txt" &
at_exit "kill $! 2> /dev/null; wait $!"
for _ in $(seq 100); do
	! grep -q serving "$SCRATCH/sink.txt" || break
	sleep 0.05
done
quick() { # WHAT WANTED-STATUS ARGUMENTS...: the report is $report
	local what=$1 want=$2 status=0
	shift 2
	report=$SCRATCH/run$((runs = ${runs:-0} + 1))/run.json
	"$SQUALL" dns 127.0.0.1:19153 "$@" --threads 2 --out "${report%/run.json}" --quiet 2> "$SCRATCH/err.txt" || status=$?
	expect_eq "$status" "$want" "$what: status; it said: $(cat "$SCRATCH/err.txt")"
}
due_in() { # FROM TO: operations that were due in these seconds
	jqr "$report" ".loads[0].series | . as \$s | [range(.scheduled | length) |
		select((\$s.start_s + . * \$s.bin_s) as \$t | \$t > $1 - 1e-6 and \$t < $2 - 1e-6) | \$s.scheduled[.]] | add // 0"
}

# n(t) = 100 t + 200 t^2: 100 of 300 in the first half of a second.
quick ramp 0 --ramp 100/s --ramp 500/s --duration 1s --expect 'dns.ok == 300'
expect_eq "$(due_in 0 0.5) $(due_in 0.5 1)" "100 200" "a ramp's halves"
expect_eq "$(jqr "$report" '.loads[0].series | [.scheduled, .lag_max_s] | transpose | map(select((.[0] > 0) != (.[1] != null))) | length')" 0 "a lag for each bin in which something was started, and for no other"
quick steps 0 --steps 100/s --steps 0 --steps 400/s --duration 1500ms --expect 'dns.ok == 250'
expect_eq "$(due_in 0 0.5) $(due_in 0.5 1) $(due_in 1 1.5)" "50 0 200" "steps"
quick stagger 0 --burst 10 --every 400ms --streams 4 --phase stagger --duration 800ms --expect 'dns.ok == 80' --expect 'dns.emission.max < 1s'
expect_eq "$(due_in 0 0.1) $(due_in 0.1 0.2) $(due_in 0.7 0.8) $(jqr "$report" '.loads[0].emission.bursts')" "10 10 10 8" "staggered bursts"

printf '# a recording\n0\n0.25\n0.25\n1.5\n' > "$SCRATCH/times.txt"
quick "a trace lasts as long as it takes" 0 --trace "$SCRATCH/times.txt" --expect 'dns.ok == 4'
expect_eq "$(jqr "$report" '.scenario.load[0].duration') $(due_in 0.2 0.3) $(due_in 1.5 1.6)" "1501ms 2 1" "a trace"
quick "a trace at double speed" 0 --trace "$SCRATCH/times.txt" --speed 2 --duration 700ms --expect 'dns.ok == 3'
expect_eq "$(due_in 0.1 0.2)" 2 "a trace at double speed"
printf '1\n0.5\n' > "$SCRATCH/wrong.txt"
quick "a trace out of order" 2 --trace "$SCRATCH/wrong.txt"
grep -q 'wrong.txt:2: it is earlier' "$SCRATCH/err.txt" || fail "a trace out of order: $(cat "$SCRATCH/err.txt")"

# The default tick of fast dns loads, and none.
quick "a tick by default" 0 --rate 8k/s --duration 300ms --expect 'dns.scheduled == 2400'
expect_eq "$(jqr "$report" '"\(.loads[0].tick_s) \(.scenario.load[0].tick)"')" "0.0005 null" "the tick"
quick "no tick" 0 --rate 8k/s --tick 0s --duration 300ms --expect 'dns.scheduled == 2400'
expect_eq "$(jqr "$report" '"\(.loads[0].tick_s) \(.scenario.load[0].tick)"')" "0 0s" "no tick"
