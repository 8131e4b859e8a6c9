# The TCP sink as a run's server: what its load reports is what the sink counts, for each of its faults;
# and from a shell, where it is a server like any other.
. "$(dirname "$0")/lib.sh"

run() { # NAME SINK LOAD: what the sink and the load have beside the ordinary; the report is $report
	report=$SCRATCH/$1/run.json
	jq -n "{name: \"$1\", target: \"server:9000\",
		world: {hosts: {client: {}, server: {run: [{sink: \"tcp\", listen: \"0.0.0.0:9000\", greeting: \"x\"} + $2]}},
			links: [{between: [\"client\", \"server\"]}]},
		load: [{name: \"l\", driver: \"tcp\", until: \"greeting\", timeout: \"5s\", close: \"fin\"} + $3]}" > "$SCRATCH/$1.json"
	"$SQUALL" run "$SCRATCH/$1.json" --out "$SCRATCH/$1" --quiet || fail "$1: status $?"
	expect_eq "$(sink '.open + .closed_by_peer + .closed_by_sink + .resets + .resets_by_sink + .lost')" "$(sink .accepted)" "$1: ends of all accepted"
}
sink() { # EXPRESSION: of the sink's counts
	jqr "$report" "[.servers[] | select(.what == \"sink tcp\")][0].counts | $1"
}
load() { # EXPRESSION: of the load
	jqr "$report" ".loads[0] | $1"
}
ok='([.outcomes[] | select(.class == "ok") | .count] | add // 0)'

# Two threads share the connections; none is lost between them.
run threads '{threads: 2}' '{duration: "2s", arrivals: {rate: 2000}}'
expect_eq "$(load "$ok") $(sink .accepted) $(sink '.accepted_by_thread | add')" "4000 4000 4000" "threads: ok, accepted, by thread"
expect_eq "$(sink '.accepted_by_thread | all(. > 1000)')" true "threads: each has its part"
expect_eq "$(sink '.bytes_sent')" 4000 "threads: greetings"

# 40 files, some its own: what it can't accept times out, and is accounted for by EMFILE, not by us.
run files '{files: 40}' '{count: 60, duration: "1s", timeout: "1s", hold: "3s", arrivals: {rate: 300}}'
accepted=$(load "$ok")
[ "$accepted" -gt 5 ] && [ "$accepted" -lt 40 ] || fail "files: $accepted accepted"
[ "$(sink .accept_errors.EMFILE)" -gt 20 ] || fail "files: $(sink .accept_errors)"
[ "$(sink .accept_errors.EMFILE)" -lt 1000 ] || fail "files: it spins, $(sink .accept_errors)"

# Half a second without accepts: all succeed, the first of them half a second late.
run pause '{pause_at: "1s", pause_for: "500ms"}' '{duration: "2s", arrivals: {rate: 200}}'
expect_eq "$(load "$ok")" 400 "pause: ok"
expect_eq "$(load '.latency.from_due.max_s > 0.45 and .latency.from_due.max_s < 0.7')" true "pause: the latest, $(load .latency.from_due.max_s) s"

# All that are held at one moment are reset, and those that come later are not.
run lose '{lose_at: "1s"}' '{duration: "2s", hold: "20s", arrivals: {rate: 100}}'
lost=$(sink .resets_by_sink)
[ "$lost" -ge 95 ] && [ "$lost" -le 102 ] || fail "lose: $lost reset"
expect_eq "$(sink .accepted)" 200 "lose: accepted"

# From a shell: replies in order, then its FIN; an echo; a reset.
serve() { # OPTIONS...
	rm -f "$SCRATCH/sink.txt"
	"$SQUALL" sink tcp --listen 127.0.0.1:19100 "$@" > "$SCRATCH/counts.json" 2> "$SCRATCH/sink.txt" & pid=$!
	for _ in $(seq 100); do
		! grep -qs serving "$SCRATCH/sink.txt" || return 0
		sleep 0.05
	done
	fail "sink: $(cat "$SCRATCH/sink.txt")"
}
served() { # EXPRESSION WANT WHAT: ends it; of its counts
	kill "$pid"; wait "$pid" || fail "$3: the sink's status $?"
	expect_eq "$(jqr "$SCRATCH/counts.json" "$1")" "$2" "$3"
}
at_exit 'kill $pid 2> /dev/null; wait $pid'

serve --request-bytes 4 --reply 'HTTP/1.0 200 OK
' --close-after 2
exec 3<> /dev/tcp/127.0.0.1/19100
printf 'GET GET GET ' >&3
expect_eq "$(timeout 5 cat <&3 | tr '\n' '|')" "HTTP/1.0 200 OK|HTTP/1.0 200 OK|" "replies, then the end"
exec 3>&-
served '"\(.replies) \(.closed_by_sink)"' "2 1" "replies: counts"

serve --echo
exec 3<> /dev/tcp/127.0.0.1/19100
printf 'over there\n' >&3
read -r -t 5 line <&3
exec 3>&-
expect_eq "$line" "over there" "echo"
served '"\(.bytes_received) \(.bytes_sent)"' "11 11" "echo: counts"

serve --reset-after 3B --threads 2
exec 3<> /dev/tcp/127.0.0.1/19100
printf 'abc' >&3
! cat <&3 2> "$SCRATCH/cat.txt" || fail "no reset"
grep -q 'reset by peer' "$SCRATCH/cat.txt" || fail "$(cat "$SCRATCH/cat.txt")"
exec 3>&-
served '.resets_by_sink' 1 "reset: counts"

# What can't be meant.
status=0; "$SQUALL" sink tcp --listen 127.0.0.1:0 --read slow 2> "$SCRATCH/err.txt" || status=$?
expect_eq "$status" 2 "slow without a pace: status"
grep -q 'sink tcp: read: slow, but not how slow; give both read_bytes and read_every' "$SCRATCH/err.txt" || fail "$(cat "$SCRATCH/err.txt")"
