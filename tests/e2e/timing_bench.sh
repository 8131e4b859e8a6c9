# Release build.  The benches beside the peers work: each in its short form, which needs no peer, has
# its rows and loses nothing.  What they measure in a second on a test machine decides nothing; only a
# connection that costs thrice a blocking loop's is a fault.
. "$(dirname "$0")/lib.sh"
need python3 python3
need nginx nginx-light
need nsd nsd
need cc gcc
need smtp-sink postfix

short() { # NAME ROW...
	local bench=$1 row
	shift
	python3 -B "$SQ_SOURCE_DIR/tests/bench/$bench" --short --out "$SCRATCH/$bench" > "$SCRATCH/$bench.txt" 2>&1 ||
		fail "tests/bench/$bench: status $?: $(cat "$SCRATCH/$bench.txt")"
	for row in "$@"; do
		jq -e --arg row "$row" '.medians[$row] > 0' "$SCRATCH/$bench.json" > /dev/null || fail "$bench: no figure \"$row\""
	done
	expect_eq "$(jqr "$SCRATCH/$bench.json" '[.medians | to_entries[] | select(.key | endswith(" lost")) | .value] | add')" 0 "$bench: lost"
}

short dns "squall plain us/answer" "squall 4096 ports us/answer" "squall GSO us/answer" "squall TCP once answers/s" \
	"squall TCP pipelined answers/s"
short tcp "squall request us/connection" "squall connect 1 us/connection" "squall connect 100 us/connection" "loop rst us/connection"
jq -e '.medians | .["squall connect 100 us/connection"] < 3 * .["loop rst us/connection"]' "$SCRATCH/tcp.json" > /dev/null ||
	fail "a connection costs over thrice a blocking loop's: $(jq -c .medians "$SCRATCH/tcp.json")"
short capture "empty % of a processor" "empty netstat us" "empty tick us"
short smtp "squall once us/message" "squall reused us/message" "squall pipelining us/message"
python3 -B "$SQ_SOURCE_DIR/tests/bench/analyze" --short --out "$SCRATCH/analyze" > "$SCRATCH/analyze.txt" 2>&1 ||
	fail "tests/bench/analyze: status $?: $(cat "$SCRATCH/analyze.txt")"
jq -e '.medians | .["CPU s"] > 0 and .["peak memory MB"] < 200' "$SCRATCH/analyze.json" > /dev/null || fail "analyze: no figures"
