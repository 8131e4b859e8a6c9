# Every scenario error on the command line: exit 2, one complaint with file, pointer and the nearest key.
. "$(dirname "$0")/lib.sh"

base='{"name": "e", "target": "127.0.0.1:9", "load": [{"name": "a", "driver": "tcp", "duration": "1s", "arrivals": {"rate": 10}}]}'
try() { # JQ-EDIT EXPECTED-PATTERN
	jq "$1" <<< "$base" > "$SCRATCH/s.json"
	status=0; "$SQUALL" run "$SCRATCH/s.json" --out "$SCRATCH/out" 2> "$SCRATCH/err.txt" || status=$?
	expect_eq "$status" 2 "$1: status"
	grep -qE "$2" "$SCRATCH/err.txt" || fail "$1: expected /$2/, got: $(cat "$SCRATCH/err.txt")"
	[ ! -e "$SCRATCH/out" ] || fail "$1: a folder was made"
}
try '.load[0].tiemout = "1s"' 's\.json: /load/0/tiemout: .*timeout'
try '.load[0].timeout = 800' 's\.json: /load/0/timeout: .*duration.*800'
try '.load[0].timeout = "800"' 's\.json: /load/0/timeout: .*duration'
try '.load[0].driver = "tpc"' 's\.json: /load/0/driver: .*tcp'
try '.load[0].untill = "acked"' 's\.json: /load/0/untill: .*until'
try '.load[0].threads = 0' 's\.json: /load/0/threads: '
try '.load = []' 's\.json: /load'
try 'del(.load[0].arrivals)' 's\.json: /load/0'
try '.expect = ["b.ok == 1"]' 's\.json: /expect/0: .*"?a'
try '.expect = ["a.ok = 1"]' 's\.json: /expect/0: '
try '.capture = [{"source": "linux", "host": "servre"}]' 's\.json: /capture/0/host: '
# What would mean nothing is refused, with the key that it would need.
try '.load[0].send = "x"' 'send: .*until'
try '.load[0].until = "answer"' 'until: .*send'
try '.load[0] += {until: "answer", send: "x", answer: "hello", answer_size: "2B"}' 'answer_size: .*5'
try '.load[0] += {until: "closed", rounds: 0, hold: "1s"}' 'hold: '
try '.load[0].close = "half"' 'half needs .*closed'
try '.load[0].read = "slow"' 'read: '
try '.load[0].bulk = true' 'bulk: .*hold'
try '.load[0].ports = "2000"' 'ports: .*20000-59999'
try '.load[0].tls_name = "x"' 'tls_name: .*tls'
try '.load[0] += {tls: true, tls_ca: "/no/such/file"}' 'tls_ca: .*file'
printf '{"name": "e",\n "load": [}' > "$SCRATCH/broken.json"
status=0; "$SQUALL" run "$SCRATCH/broken.json" 2> "$SCRATCH/err.txt" || status=$?
expect_eq "$status" 2 "a syntax error"; grep -q "line 2" "$SCRATCH/err.txt" || fail "no line: $(cat "$SCRATCH/err.txt")"
printf '{"name": "e", "load": [{"name": "a", "name": "b"}]}' > "$SCRATCH/twice.json"
status=0; "$SQUALL" run "$SCRATCH/twice.json" 2> "$SCRATCH/err.txt" || status=$?
expect_eq "$status" 2 "a duplicate key"; grep -q "/load/0/name" "$SCRATCH/err.txt" || fail "no pointer: $(cat "$SCRATCH/err.txt")"
status=0; "$SQUALL" run "$SCRATCH/missing.json" 2> "$SCRATCH/err.txt" || status=$?
expect_eq "$status" 2 "a missing file"; grep -q "missing.json" "$SCRATCH/err.txt" || fail "no name: $(cat "$SCRATCH/err.txt")"
echo "$base" > "$SCRATCH/s.json"
status=0; "$SQUALL" run "$SCRATCH/s.json" --set /load/0/treads=2 2> "$SCRATCH/err.txt" || status=$?
expect_eq "$status" 2 "--set of an unknown key"; grep -q "threads" "$SCRATCH/err.txt" || fail "--set: $(cat "$SCRATCH/err.txt")"
