# The gate as CI uses it: the first job stores its sessions, the next passes, and one whose sink is slower by
# 20 % fails with the measure named in the JUnit file; the same against another side that is run now.
. "$(dirname "$0")/lib.sh"
need xmllint libxml2-utils

jq -n '{name: "ask", idle: "50ms", target: "127.0.0.1:5399", load: [{name: "ask", driver: "dns", names: ["example.test"],
	duration: "100ms", timeout: "1s", arrivals: {rate: 300}}]}' > "$SCRATCH/s.json"

# The server under test, which is none of the scenario's.
serve() { # DELAY
	: > "$SCRATCH/sink.log"
	[ -z "${sink:-}" ] || { kill "$sink"; wait "$sink" || true; }
	"$SQUALL" sink dns --listen 127.0.0.1:5399 --delay "$1" > "$SCRATCH/sink.json" 2> "$SCRATCH/sink.log" & sink=$!
	for _ in $(seq 100); do
		! grep -q serving "$SCRATCH/sink.log" || return 0
		sleep 0.02
	done
	fail "the sink does not serve: $(cat "$SCRATCH/sink.log")"
}
at_exit '[ -z "${sink:-}" ] || kill "$sink"'

# What is undecided on a busy machine is measured again, up to twice.
gate() { # STATUS OPTIONS...
	local want=$1 status round
	shift
	for round in 1 2 3; do
		rm -rf "$SCRATCH/g" "$SCRATCH/junit.xml"
		status=0
		"$SQUALL" gate "$SCRATCH/s.json" --gate ask.latency.p50 --gate ask.failures --margin 10 --warmup 0 --out "$SCRATCH/g" \
			--junit "$SCRATCH/junit.xml" --markdown "$SCRATCH/gate.md" "$@" > "$SCRATCH/said" 2>&1 || status=$?
		[ "$status" = 3 ] && [ "$want" != 3 ] || break
	done
	[ "$status" = "$want" ] || fail "gate $*: status $status, not $want: $(cat "$SCRATCH/said")"
}
failed() {
	python3 -c 'import sys, xml.etree.ElementTree as t; print([c.get("name") for c in t.parse(sys.argv[1]).iter("testcase") if c.find("failure") is not None])' "$SCRATCH/junit.xml"
}

b=(--baseline "$SCRATCH/baseline" --runs 2)
serve 100ms
# Sessions that were made while the machine was busy, far apart, find nothing; they are made again, up to twice.
for _ in 1 2 3; do
	rm -rf "$SCRATCH/baseline"
	gate 0 "${b[@]}" --sessions 6
	spread=$(jq -s 'map(.measures["ask.latency.p50"]) | 100 * (max / min - 1)' "$SCRATCH/baseline/ask.jsonl")
	awk "BEGIN { exit !($spread < 4) }" && break
done
expect_eq "$(wc -l < "$SCRATCH/baseline/ask.jsonl")" 6 "sessions stored"
gate 0 "${b[@]}"
expect_eq "$(failed)" "[]" "the same again"
expect_eq "$(wc -l < "$SCRATCH/baseline/ask.jsonl")" 6 "sessions stored after one that passed"

# Two sessions' runs beside enough stored ones are judged all: here the server ends after the first.
"$SQUALL" gate "$SCRATCH/s.json" "${b[@]}" --sessions 2 --gate ask.failures --warmup 0 --out "$SCRATCH/all" > "$SCRATCH/said" 2>&1 & all=$!
for _ in $(seq 400); do [ ! -e "$SCRATCH/all/002-0" ] || break; sleep 0.01; done
status=0; kill "$sink"; wait "$sink"; wait "$all" || status=$?
expect_eq "$status" 1 "the runs of a second session: status"
sink=

cp "$SCRATCH/baseline/ask.jsonl" "$SCRATCH/kept"
serve 120ms
gate 1 "${b[@]}"
expect_eq "$(failed)" "['ask.latency.p50']" "slower by 20 %"
xmllint --noout --schema "$SQ_SOURCE_DIR/tests/e2e/junit.xsd" "$SCRATCH/junit.xml" 2> "$SCRATCH/said" || fail "JUnit: $(cat "$SCRATCH/said")"
grep -q 'ask.latency.p50: worse, +[12][0-9]' "$SCRATCH/gate.md" || fail "Markdown: $(cat "$SCRATCH/gate.md")"
gate 0 "${b[@]}" --accept
expect_eq "$(wc -l < "$SCRATCH/baseline/ask.jsonl")" 1 "accepted"

# Another scenario's and another machine's sessions, and too few of them.
cp "$SCRATCH/kept" "$SCRATCH/baseline/ask.jsonl"
gate 3 "${b[@]}" --set /load/0/timeout=900ms
grep -q '6 stored sessions were left out: they are of another scenario' "$SCRATCH/said" || fail "another scenario: $(cat "$SCRATCH/said")"
sed 's/"kernel":"[^"]*"/"kernel":"2.0.40"/g' "$SCRATCH/kept" > "$SCRATCH/baseline/ask.jsonl"
gate 3 "${b[@]}"
grep -q '6 stored sessions were left out: they were made in another environment' "$SCRATCH/said" || fail "another kernel: $(cat "$SCRATCH/said")"
xmllint --noout --schema "$SQ_SOURCE_DIR/tests/e2e/junit.xsd" "$SCRATCH/junit.xml" 2> "$SCRATCH/said" || fail "JUnit without a case: $(cat "$SCRATCH/said")"
grep -q '<error type="unmeasured" message=".*they were made in another environment' "$SCRATCH/junit.xml" || fail "JUnit without a case: $(cat "$SCRATCH/junit.xml")"
head -3 "$SCRATCH/kept" > "$SCRATCH/baseline/ask.jsonl"
gate 3 "${b[@]}"
grep -q '3 stored sessions are too few' "$SCRATCH/said" || fail "three: $(cat "$SCRATCH/said")"
gate 0 "${b[@]}" --undecided-passes

# Against another side that is run now: this one's load, 120 ms, beside one that asks a faster server.
"$SQUALL" sink dns --listen 127.0.0.1:5398 --delay 100ms > "$SCRATCH/other.json" 2>&1 & other=$!
at_exit 'kill "$other"'
gate 1 --against '/target="127.0.0.1:5398"' --runs 7
expect_eq "$(failed)" "['ask.latency.p50']" "against a faster side"
gate 0 --against /load/0/timeout=1001ms --runs 7
# What --set says is both sides', but for what the other side sets itself.
gate 1 --set '/target="127.0.0.1:5399"' --against '/target="127.0.0.1:5398"' --runs 7
expect_eq "$(failed)" "['ask.latency.p50']" "against a faster side, with the same key set"
"$SQUALL" schema gate > "$SCRATCH/schema.json"
python3 -c 'import json, jsonschema, sys; jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' "$SCRATCH/g/gate.json" "$SCRATCH/schema.json"

# A run that could not be measured: the files say so, in place of those of the job before.
gate 3 "${b[@]}" --set /load/0/max_in_flight=1
xmllint --noout --schema "$SQ_SOURCE_DIR/tests/e2e/junit.xsd" "$SCRATCH/junit.xml" 2> "$SCRATCH/invalid" || fail "JUnit of an error: $(cat "$SCRATCH/invalid")"
grep -q '<error type="unmeasured" message="a run could not be measured' "$SCRATCH/junit.xml" || fail "JUnit of an error: $(cat "$SCRATCH/junit.xml")"
grep -q 'nothing is judged' "$SCRATCH/gate.md" || fail "Markdown of an error: $(cat "$SCRATCH/gate.md")"
expect_eq "$(jqr "$SCRATCH/g/gate.json" .status)" 3 "gate.json of an error"
expect_eq "$(grep -c 'the generator missed operations' "$SCRATCH/said")" 4 "rounds that were tried"
grep -q 'that was so in 4 rounds: lower the load' "$SCRATCH/said" || fail "missed operations: $(cat "$SCRATCH/said")"

# Stopped: that is no fault of the run's.
rm -rf "$SCRATCH/g"
"$SQUALL" gate "$SCRATCH/s.json" "${b[@]}" --quiet --warmup 0 --out "$SCRATCH/g" --junit "$SCRATCH/junit.xml" 2> "$SCRATCH/said" & stopped=$!
for _ in $(seq 200); do [ ! -e "$SCRATCH/g/001-0" ] || break; sleep 0.01; done
status=0; kill -INT "$stopped"; wait "$stopped" || status=$?
expect_eq "$status $(jqr "$SCRATCH/g/gate.json" .status)" "4 4" "stopped: status"
grep -q '<error type="unmeasured" message="it was stopped' "$SCRATCH/junit.xml" || fail "stopped: $(cat "$SCRATCH/said" "$SCRATCH/junit.xml")"

# What is about stored sessions means nothing beside another side.
for option in --accept --any-environment "--sessions 2"; do
	# shellcheck disable=SC2086
	gate 2 --against /load/0/timeout=1001ms $option
	grep -q -- "${option% *}: it is about stored sessions" "$SCRATCH/said" || fail "$option: $(cat "$SCRATCH/said")"
done
gate 2 "${b[@]}" --gate ask.latency.p98
grep -q '"ask.latency.p98" is no measure' "$SCRATCH/said" || fail "a measure that there is none of: $(cat "$SCRATCH/said")"
