# What a relay did with the messages that it had accepted, found out at the sink: delivered, still
# queued, given twice.  A real Postfix stands between the load and a sink with faults.
. "$(dirname "$0")/lib.sh"

# Lines of main.cf: what was deferred is tried again after a second or two; or not in this run.
soon=("queue_run_delay = 1s" "minimal_backoff_time = 1s" "maximal_backoff_time = 1s")
late=("minimal_backoff_time = 1000s" "maximal_backoff_time = 1000s")

# What runs on the relay's host beside Postfix, as a scenario has it.
beside=

relay() { # NAME FAULT IDLE EXPECTATIONS [SINK-OPTIONS] [LOAD-OPTIONS]
	cat > "$SCRATCH/$1.json" <<J
{ "name": "$1", "target": "relay:25", "idle": "$3", "seed": 7,
  "world": { "hosts": { "client": {},
      "relay": { "run": [ { "argv": [ "postfix", "-c", "$SCRATCH/etc", "start-fg" ], "wait_port": 25, "wait": "60s" }${beside:+, $beside} ] },
      "server": { "run": [ { "sink": "smtp", "listen": "0.0.0.0:25", "faults": [ "$2" ]${5:+, $5} } ] } },
    "links": [ { "between": [ "client", "relay" ] }, { "between": [ "relay", "server" ] } ] },
  "load": [ { "name": "mail", "driver": "smtp", "count": 500, "duration": "20s", "timeout": "20s", "arrivals": { "rate": 200 }${6:+, $6} } ],
  "capture": [ { "source": "postfix", "host": "relay", "log": "$SCRATCH/mail.log", "queue": "$SCRATCH/queue" } ],
  "expect": [ "mail.ok == 500", "delivery.accepted == 500", $4 ] }
J
	"$SQUALL" run "$SCRATCH/$1.json" --out "$SCRATCH/$1" --allow-exec --quiet || {
		jq .expectations "$SCRATCH/$1/run.json"
		fail "$1: status $?"
	}
	r="$SCRATCH/$1/run.json"
}

delivery() { # EXPRESSION
	jqr "$r" ".delivery | $1"
}

# In messages and in recipients.
adds_up() {
	expect_eq "$(delivery '., .recipients | (.accepted == .delivered + .undelivered) and (.undelivered == .queued + .bounced + .lost)' | sort -u)" \
		true "$(delivery '. , .recipients | "\(.accepted) \(.delivered) \(.queued) \(.bounced) \(.lost)"'): the sums"
}

# The queue ID that Postfix's log has for an example.
queue_id() { # PLACE
	sed -n "s/.*: \([0-9A-F]*\): message-id=<$(delivery ".loads[0].examples.$1[0]")@.*/\1/p" "$SCRATCH/mail.log"
}

# One recipient in ten is refused, once; the rest of it is accepted when it is tried again.
postfix_set_up "${soon[@]}"
relay deferred rcpt:452:10% 5s '"delivery.delivered == 500", "delivery.lost == 0", "delivery.duplicated == 0", "delivery.corrupted == 0", "delivery.latency.p50 < 1s", "delivery.latency.max > 1s"'
refused=$(jqr "$r" '.servers[] | select(.what == "sink smtp") | .counts.rejected["rcpt:452"]')
[ "$refused" -ge 50 ] || fail "only $refused RCPTs were refused"
expect_eq "$(grep -c 'status=deferred' "$SCRATCH/mail.log")" "$refused" "deferrals that Postfix speaks of"
expect_eq "$(postfix_queued)" 0 "left in Postfix's queue"

# The same through TLS, and nobody tries again: what was not delivered is what stands in the queue.
postfix_set_up "${late[@]}" "smtp_tls_security_level = encrypt"
relay queued rcpt:452:10% 2s '"delivery.delivered == 450", "delivery.queued == 50", "delivery.lost == 0", "delivery.duplicated == 0"' '"tls": "starttls"'
expect_eq "$(postfix_queued)" 50 "left in Postfix's queue"
[ "$(jqr "$r" '.servers[] | select(.what == "sink smtp") | .counts.secured')" -gt 0 ] || fail "no TLS"
adds_up
expect_eq "$(delivery '.reasons | map("\(.place) \(.reason) \(.recipients)") | join(", ")')" "queued refused by the host 50" "why"
grep -q "$(queue_id queued): to=.*status=deferred.*452" "$SCRATCH/mail.log" || fail "an example is not in Postfix's log as deferred"

# The same names once more, while those 50 still stand in the queue.  By LMTP each of a message's two
# recipients has an answer of its own behind the final dot; some are refused for good before, and of those
# that are put off the file of one is taken away: neither the 50 nor the bounces hide it.
rm "$SCRATCH/mail.log"
printf '%s\n' "relayhost =" "default_transport = lmtp:inet:198.19.0.2:25" >> "$SCRATCH/etc/main.cf"
cat > "$SCRATCH/thief" <<'T'
until [ -e "$SCRATCH/mail.log" ] && read -r id < <(sed -n 's/.*lmtp\[[0-9]*\]: \([0-9A-F]*\): to=<user.*status=deferred.*/\1/p' "$SCRATCH/mail.log") &&
	find "$SCRATCH/queue/deferred" -name "$id" -delete -print | grep .; do
	sleep 0.1
done > "$SCRATCH/stolen"
sleep 1000
T
beside="{ \"argv\": [ \"bash\", \"$SCRATCH/thief\" ] }"
relay lmtp 'body:452:10%", "rcpt:550:5%' 2s '"delivery.undelivered > 50", "delivery.lost == 1", "delivery.duplicated == 0", "delivery.corrupted == 0"' \
	'"protocol": "lmtp"' '"recipients_per_message": 2'
beside=
adds_up
expect_eq "$(delivery '.recipients | "\(.accepted) \(.queued == .deferred)"')" "1000 true" "recipients"
expect_eq "$(delivery .recipients.bounced)" "$(grep 'status=bounced' "$SCRATCH/mail.log" | grep -c 'to=<user')" "recipients that Postfix says bounced"
expect_eq "$(delivery '[.reasons[] | select(.place == "bounced") | .recipients] | add')" "$(delivery .recipients.bounced)" "why they bounced"
grep -q "/$(queue_id lost)\$" "$SCRATCH/stolen" || fail "$(queue_id lost) is said to be lost, and taken was $(cat "$SCRATCH/stolen")"
[ "$(postfix_queued)" -ge $((50 + $(delivery .queued))) ] || fail "$(postfix_queued) left in the queue, and $(delivery .queued) of the load's"

# A sink that takes a message and hangs up before it says so has it again: RFC 5321, section 6.1.
postfix_set_up "${soon[@]}"
relay twice body:close:10% 5s '"delivery.delivered == 500", "delivery.lost == 0", "delivery.duplicated > 0", "delivery.corrupted == 0"'
dropped=$(jqr "$r" '.servers[] | select(.what == "sink smtp") | .counts.faults["body:close"]')
[ "$dropped" -ge 50 ] || fail "only $dropped answers were withheld"
# One that was withheld just before the end still stands in the queue, although it was delivered.
left=$(postfix_queued)
[ "$left" -le 5 ] || fail "$left left in Postfix's queue"
expect_eq "$(($(delivery .recipients.copies) + left))" "$dropped" "copies, and answers that were withheld"
grep -q 'sent more than once' "$SCRATCH/mail.log" || fail "Postfix does not fear that it sends twice"

# A relay that folds lines changes every text; its mail is delivered all the same.
postfix_set_up "smtp_line_length_limit = 50"
relay folded quit:delay:1ms 1s '"delivery.delivered == 500", "delivery.corrupted == 500"'

# Sink and generator by themselves: all that passes between them is a file.
"$SQUALL" sink smtp --listen 127.0.0.1:0 --record "$SCRATCH/receipts" > "$SCRATCH/counts" 2> "$SCRATCH/sink.err" &
sink=$!
at_exit "kill $sink 2>/dev/null"
for _ in $(seq 100); do
	grep -q serving "$SCRATCH/sink.err" && break
	sleep 0.05
done
kill -USR1 $sink
sleep 0.2
target=$(jq -r .listen "$SCRATCH/counts")
for run in first second; do
	status=0
	"$SQUALL" smtp "$target" --count 100 --rate 1000 --out "$SCRATCH/$run" --quiet || status=$?
	expect_eq "$status" 0 "the $run load"
	expect_eq "$(jqr "$SCRATCH/$run/run.json" '.delivery | "\(.accepted) \(.delivered)"')" "100 null" "without receipts"
done
kill $sink
wait $sink || fail "the sink ended with $?"
for run in first second; do
	"$SQUALL" analyze "$SCRATCH/$run" --sink "$SCRATCH/receipts" --quiet || fail "analyze: $?"
	expect_eq "$(jqr "$SCRATCH/$run/run.json" '.delivery | "\(.accepted) \(.delivered) \(.lost) \(.receipts[0].others)"')" \
		"100 100 0 100" "with them"
done
status=0
"$SQUALL" sink smtp --listen 127.0.0.1:0 --record "$SCRATCH/receipts" 2> "$SCRATCH/err" || status=$?
grep -q "name a new file" "$SCRATCH/err" || fail "a sink overwrites the receipts of another: $(cat "$SCRATCH/err")"
