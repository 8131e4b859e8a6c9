# A reconnect storm (a chat server that restarts): 2,000 connections are kept open, the server loses them all
# at once, and all come back at once, into a queue that was made for fewer.
. "$(dirname "$0")/lib.sh"

jq -n '{name: "reconnect", target: "server:9000", idle: "200ms", bin: "10ms",
	world: {hosts: {client: {}, server: {sysctl: {"net.core.somaxconn": 4096},
			run: [{sink: "tcp", listen: "0.0.0.0:9000", lose_at: "2s"}]}},
		links: [{between: ["client", "server"]}]},
	load: [{name: "chat", driver: "tcp", hold: "1h", arrivals: {closed: 2000}, duration: "4s", timeout: "2s"}],
	expect: ["chat.ok == 4000", "chat.scheduled == 4000", "chat.counts.held_reset == 2000"]}' > "$SCRATCH/storm.json"
"$SQUALL" run "$SCRATCH/storm.json" --out "$SCRATCH/storm" --quiet || fail "status $?: $(jqr "$SCRATCH/storm/run.json" '.expectations')"
r="$SCRATCH/storm/run.json"
# Both times all of them, and between the two nobody.
within=$(jqr "$r" '.loads[0].series | . as $s | [range(.sent | length) | select($s.sent[.] > 0) | $s.start_s + . * $s.bin_s]
	| (map(select(. > 1)) | max - min) as $storm | $storm')
awk "BEGIN { exit !($within < 0.5) }" || fail "the storm was spread over $within s"
echo "2,000 connections came back within $within s of each other"
