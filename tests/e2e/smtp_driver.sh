# The smtp driver before the sink's faults, each in each phase, and before a real Postfix with TLS: what
# it calls accepted is what the server took, and every message has an outcome.
. "$(dirname "$0")/lib.sh"

run() { # NAME SERVER LOAD-KEYS [EXPECTATIONS]: the report is $r
	local name=$1 server=$2 keys=$3
	cat > "$SCRATCH/$name.json" <<J
{ "name": "$name", "target": "server:25", "idle": "200ms",
  "world": { "hosts": { "client": {}, "server": { "run": [ $server ] } },
    "links": [ { "between": [ "client", "server" ] } ] },
  "load": [ { "name": "mail", "driver": "smtp", "duration": "20s", $keys } ], "expect": [ ${4:-} ] }
J
	"$SQUALL" run "$SCRATCH/$name.json" --out "$SCRATCH/$name" --allow-exec --quiet || fail "$name: status $?"
	r="$SCRATCH/$name/run.json"
	expect_eq "$(jqr "$r" '[.loads[0].outcomes[].count] | add')" "$(jqr "$r" '.loads[0].scheduled')" "$name: sum of the outcomes"
	expect_eq "$(jqr "$r" '[.loads[0].outcomes[] | select(.details) | .details != {} and ([.details[]] | add) == .count] | all')" true \
		"$name: sums of the details"
}
accepted() {
	jqr "$r" '[.loads[0].outcomes[] | select(.class == "ok") | .count] | add // 0'
}
in_sink() { # EXPRESSION
	jqr "$r" ".servers[] | select(.what == \"sink smtp\") | .counts$1"
}

# 3 % in each phase: what fails by a word says so by that word.
for fault in drop close stall 421 452 550 delay:20ms; do
	faults=
	for phase in connect banner helo mail rcpt data body quit; do
		case "$phase:$fault" in connect:drop | connect:close) ;; connect:*) continue ;; esac
		faults="$faults${faults:+, }\"$phase:$fault:3%\""
	done
	run "${fault%:*}" "{ \"sink\": \"smtp\", \"listen\": \"0.0.0.0:25\", \"faults\": [ $faults ] }" \
		'"timeout": "1s", "count": 1000, "connections": 40, "messages_per_connection": "1-5", "size": "1-5KiB", "arrivals": { "closed": 50 }'
	jqr "$r" '.loads[0].outcomes[] | select(.count > 0) | "  \(.code)@\(.phase) \(.count)"'
	expect_eq "$(in_sink .messages)" "$(accepted)" "$fault: messages that the sink took"
	expect_eq "$(jqr "$r" '.run.duration_s < 12')" true "$fault: a bounded end"
	case $fault in
	delay*)
		expect_eq "$(accepted)" 1000 "$fault: accepted"
		expect_eq "$(in_sink '.faults | keys | length')" 7 "$fault: phases that it befell" ;;
	[45]*)
		expect_eq "$(jqr "$r" ".loads[0].outcomes[] | select(.class != \"ok\" and .count > 0) | .code" | sort -u)" "$fault" "$fault: codes"
		expect_eq "$(jqr "$r" '[.loads[0].outcomes[] | select(.class != "ok") | .details | keys[]] | unique | length > 0')" true "$fault: details" ;;
	*) [ "$(accepted)" -gt 600 ] && [ "$(accepted)" -lt 990 ] || fail "$fault: $(accepted) accepted" ;;
	esac
done

# Real messages, in turn: as long in the sink as they are.
printf 'From a\nSubject: one\n\n.\n.two\n\nFrom b\nSubject: two\n\nthree\n' > "$SCRATCH/mbox"
run real '{ "sink": "smtp", "listen": "0.0.0.0:25" }' "\"count\": 20, \"messages\": \"$SCRATCH/mbox\", \"arrivals\": { \"closed\": 5 }"
expect_eq "$(accepted) $(in_sink .messages)" "20 20" "real messages"

# Postfix: STARTTLS for a quarter of the sessions, and TLS from the first byte on.
certificate relay.example.test
postfix_set_up "default_transport = discard" "smtpd_tls_cert_file = $SCRATCH/relay.example.test.pem" \
	"smtpd_tls_key_file = $SCRATCH/relay.example.test.key" "smtpd_tls_security_level = may" "smtpd_tls_loglevel = 1" \
	"smtpd_recipient_restrictions = check_recipient_access inline:{ { full@example.test = 452 4.2.2 full }, { later@example.test = 452 4.7.1 later } }"
echo "465 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes" >> "$SCRATCH/etc/master.cf"
postfix_server="{ \"argv\": [ \"postfix\", \"-c\", \"$SCRATCH/etc\", \"start-fg\" ], \"wait_port\": 25, \"wait\": \"60s\" }"
tls="\"timeout\": \"10s\", \"count\": 100, \"tls_ca\": \"$SCRATCH/relay.example.test.pem\", \"tls_name\": \"relay.example.test\", \"arrivals\": { \"closed\": 10 }"
run starttls "$postfix_server" "\"starttls_percent\": 25, $tls"
expect_eq "$(accepted)" 100 "accepted, a quarter of them over STARTTLS"
expect_eq "$(grep -c 'TLS connection established from' "$SCRATCH/mail.log")" 25 "connections that Postfix says it encrypted"
expect_eq "$(jqr "$r" '.loads[0].counts | .tls_full + .tls_resumed')" 25 "handshakes"

# One code, and two enhanced statuses that tell why.
run statuses "$postfix_server" '"count": 90, "recipients": [ "full@example.test", "one@example.test", "later@example.test" ], "arrivals": { "closed": 10 }' \
	'"mail.ok == 30", "mail.452 == 60", "mail.452:4.2.2@rcpt == 30", "mail.452:4.7.1 == 30", "mail.452:4.7.1@data == 0"'
expect_eq "$(jqr "$r" '.loads[0].outcomes[] | select(.code == "452") | .details | to_entries | map("\(.key) \(.value)") | join(", ")')" "4.2.2 30, 4.7.1 30" "details"
rm "$SCRATCH/mail.log"
run smtps "$postfix_server" "\"target\": \"server:465\", \"tls\": true, \"messages_per_connection\": 4, \"size\": \"100KiB\", $tls"
expect_eq "$(accepted)" 100 "accepted over TLS"
expect_eq "$(grep -c 'TLS connection established from' "$SCRATCH/mail.log")" "$(jqr "$r" '.loads[0].counts.connections')" "connections, and those that Postfix says it encrypted"
expect_eq "$(grep -c 'status=sent' "$SCRATCH/mail.log")" 100 "messages that Postfix delivered"
