# Every phase of a session meets every fault, one time in ten, and each message is accounted for: what
# the client was told was accepted is what the sink accepted and what arrived, once.  What arrived beyond
# that are the messages whose answer was withheld behind the final dot.
. "$(dirname "$0")/lib.sh"

phases=(banner helo mail rcpt data body quit)
messages=200

scenario() { # ACTION
	local at=2501 sinks="" loads="" phase
	for phase in "${phases[@]}"; do
		sinks+="${sinks:+,} { \"sink\": \"smtp\", \"listen\": \"0.0.0.0:$at\", \"faults\": [ \"$phase:$1:10%\" ] }"
		loads+="${loads:+,} { \"name\": \"$phase\", \"driver\": \"smtp\", \"target\": \"server:$at\", \"count\": $messages,
			\"duration\": \"5s\", \"timeout\": \"1s\", \"messages_per_connection\": 5, \"arrivals\": { \"rate\": 100 } }"
		at=$((at + 1))
	done
	cat <<J
{ "name": "smtp-accounted", "target": "server:2501",
  "world": { "hosts": { "client": {}, "server": { "run": [ $sinks ] } }, "links": [ { "between": [ "client", "server" ] } ] },
  "load": [ $loads ],
  "expect": [ "delivery.lost == 0", "delivery.duplicated == 0", "delivery.corrupted == 0" ] }
J
}

# Answers that a sink withheld behind the final dot, so that the message is its own all the same.
withheld='[.counts.faults | to_entries[] | select(.key | test("^body:(drop|close|stall|garbage)$")) | .value] | add // 0'

for action in drop close stall garbage 421 450 550 delay:50ms; do
	scenario "$action" > "$SCRATCH/$action.json"
	r="$SCRATCH/$action.run/run.json"
	"$SQUALL" run "$SCRATCH/$action.json" --out "$SCRATCH/$action.run" --quiet ||
		fail "$action: status $?; $(jqr "$r" '.expectations[] | select(.held != true) | "\(.text): \(.because)"')"
	for i in "${!phases[@]}"; do
		what="${phases[i]}:$action"
		load=".loads[] | select(.name == \"${phases[i]}\")"
		sink=".servers[] | select(.counts.listen | endswith(\":$((2501 + i))\"))"
		expect_eq "$(jqr "$r" "$load | [.scheduled, ([.outcomes[].count] | add)] | unique | join(\" \")")" $messages "$what: outcomes"
		fell=$(jqr "$r" "$sink | .counts | (.faults + .rejected)[\"${phases[i]}:${action%%:*}\"] // 0")
		[ "$fell" -gt 0 ] || fail "$what: it befell nobody"
		ok=$(jqr "$r" "$load | [.outcomes[] | select(.class == \"ok\") | .count] | add // 0")
		[ "$ok" -ge $((messages / 3)) ] || fail "$what: only $ok of $messages were accepted"
		expect_eq "$(jqr "$r" "$sink | .counts.messages")" "$ok" "$what: accepted by the sink, and by the client's word"
		expect_eq "$(jqr "$r" ".delivery.loads[] | select(.load == \"${phases[i]}\") | \"\(.accepted) \(.delivered) \(.unaccepted)\"")" \
			"$ok $ok $(jqr "$r" "$sink | $withheld")" "$what: accepted, delivered, taken without a word"
	done
done

# Through TLS of both kinds with AUTH, and by LMTP, where one of a message's three recipients may be refused
# behind the final dot: then that one was never accepted.
cat > "$SCRATCH/extensions.json" <<'J'
{ "name": "smtp-extensions", "target": "server:2501",
  "world": { "hosts": { "client": {}, "server": { "run": [
      { "sink": "smtp", "listen": "0.0.0.0:2501", "tls": "starttls" },
      { "sink": "smtp", "listen": "0.0.0.0:2502", "tls": "implicit" },
      { "sink": "smtp", "listen": "0.0.0.0:2503", "protocol": "lmtp", "faults": [ "body:452:10%" ] } ] } },
    "links": [ { "between": [ "client", "server" ] } ] },
  "load": [
    { "name": "starttls", "driver": "smtp", "count": 400, "duration": "5s", "starttls_percent": 50, "user": "a", "password": "b", "arrivals": { "rate": 200 } },
    { "name": "implicit", "driver": "smtp", "target": "server:2502", "count": 400, "duration": "5s", "tls": true, "size": "1-100KiB", "arrivals": { "rate": 200 } },
    { "name": "lmtp", "driver": "smtp", "target": "server:2503", "count": 400, "duration": "5s", "lmtp": true, "recipients_per_message": 3, "arrivals": { "rate": 200 } } ],
  "expect": [ "delivery.delivered == 1200", "delivery.lost == 0", "delivery.duplicated == 0", "delivery.corrupted == 0", "delivery.unaccepted == 0" ] }
J
"$SQUALL" run "$SCRATCH/extensions.json" --out "$SCRATCH/extensions" --quiet || fail "extensions: status $?"
r="$SCRATCH/extensions/run.json"
expect_eq "$(jqr "$r" '[.servers[].counts | "\(.secured) \(.authenticated) \(.messages)"] | join(", ")')" "200 400 400, 400 0 400, 0 0 400" "TLS, AUTH, messages"
expect_eq "$(jqr "$r" '.delivery.loads[] | select(.load == "lmtp") | .recipients | "\(.accepted) \(.delivered) \(.copies)"')" "1080 1080 0" "recipients by LMTP"
