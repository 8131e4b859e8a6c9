# Postfix relays from squall to squall: 500 messages that it accepted are 500 in the sink, and its
# queue is empty.
. "$(dirname "$0")/lib.sh"

postfix_set_up
cat > "$SCRATCH/relay.json" <<J
{ "name": "postfix-relay", "target": "relay:25", "idle": "3s",
  "world": { "hosts": { "client": {}, "relay": { "run": [ { "argv": [ "postfix", "-c", "$SCRATCH/etc", "start-fg" ], "wait_port": 25, "wait": "60s" } ] },
      "server": { "run": [ { "sink": "smtp", "listen": "0.0.0.0:25" } ] } },
    "links": [ { "between": [ "client", "relay" ] }, { "between": [ "relay", "server" ] } ] },
  "load": [ { "name": "mail", "driver": "smtp", "count": 500, "duration": "20s", "timeout": "20s", "arrivals": { "rate": 100 } } ],
  "expect": [ "mail.ok == 500", "mail.failures == 0" ] }
J
"$SQUALL" run "$SCRATCH/relay.json" --out "$SCRATCH/run" --allow-exec --quiet || fail "status $?"
r="$SCRATCH/run/run.json"
expect_eq "$(jqr "$r" '.loads[0] | "\(.scheduled) \([.outcomes[] | select(.class == "ok") | .count] | add)"')" "500 500" "scheduled, accepted by Postfix"
expect_eq "$(grep -c 'postfix/smtpd.*client=' "$SCRATCH/mail.log")" 500 "messages that Postfix says it received"
expect_eq "$(grep -c 'status=sent' "$SCRATCH/mail.log")" 500 "messages that Postfix says it sent"
expect_eq "$(jqr "$r" '.servers[] | select(.what == "sink smtp") | .counts.messages')" 500 "messages in the sink"
expect_eq "$(postfix_queued)" 0 "left in Postfix's queue"
expect_eq "$(jqr "$r" '.findings | length')" 0 "findings"
