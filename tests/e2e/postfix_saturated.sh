# A real Postfix that has one processor gets all that it can take, for $SQUALL_SATURATED_SECONDS: what it
# accepted is in squall's sink, each message once and unchanged, and its queue is empty.  Said is how
# many messages a minute came through.  Four seconds, which every check has, show the account; that the
# rate is over 24,000 is demanded only where the seconds are given, by one who knows the machine idle.
. "$(dirname "$0")/lib.sh"
need taskset util-linux

seconds=${SQUALL_SATURATED_SECONDS:-4}
processors=$(nproc)
[ "$processors" -ge 2 ] || fail "it needs two processors"
relay=$((processors - 1))

# Its sessions go on, and there are always 20 that wait for an answer: the relay is never short of work.
# It stops taking mail for a while itself (in_flow_delay) when it delivers less than comes.
postfix_set_up
cat > "$SCRATCH/saturated.json" <<J
{ "name": "postfix-saturated", "target": "relay:25", "idle": "3s",
  "world": { "hosts": { "client": {},
      "relay": { "run": [ { "argv": [ "taskset", "-c", "$relay", "postfix", "-c", "$SCRATCH/etc", "start-fg" ], "wait_port": 25, "wait": "60s" } ] },
      "server": { "run": [ { "sink": "smtp", "listen": "0.0.0.0:25" } ] } },
    "links": [ { "between": [ "client", "relay" ] }, { "between": [ "relay", "server" ] } ] },
  "load": [ { "name": "mail", "driver": "smtp", "duration": "${seconds}s", "timeout": "20s", "arrivals": { "closed": 20 },
      "connections": 20, "messages_per_connection": 1000000 } ],
  "capture": [ { "source": "postfix", "host": "relay", "log": "$SCRATCH/mail.log", "queue": "$SCRATCH/queue" } ],
  "expect": [ "mail.failures == 0", "delivery.undelivered == 0", "delivery.lost == 0", "delivery.queued == 0", "delivery.duplicated == 0",
    "delivery.corrupted == 0", "delivery.unaccepted == 0" ] }
J
status=0
taskset -c "0-$((relay - 1))" "$SQUALL" run "$SCRATCH/saturated.json" --out "$SCRATCH/run" --allow-exec --quiet || status=$?
r="$SCRATCH/run/run.json"
[ "$status" = 0 ] || fail "status $status: $(jq -c '.delivery, .expectations' "$r")"
n=$(jqr "$r" '.delivery.accepted')
expect_eq "$(jqr "$r" '.loads[0] | "\(.scheduled) \([.outcomes[] | select(.class == "ok") | .count] | add)"')" "$n $n" "scheduled, accepted by Postfix"
expect_eq "$(jqr "$r" '.servers[] | select(.what == "sink smtp") | "\(.counts.messages) \(.counts.unmarked)"')" "$n 0" "messages in the sink, and unmarked ones"
expect_eq "$(grep -c 'postfix/smtpd.*client=' "$SCRATCH/mail.log")" "$n" "messages that Postfix says it received"
expect_eq "$(grep -c 'status=sent' "$SCRATCH/mail.log")" "$n" "messages that Postfix says it sent"
expect_eq "$(postfix_queued)" 0 "left in Postfix's queue"

rate=$(jqr "$r" '.delivery | .delivered * 60 / .last_s | floor')
echo "$n messages through in $(jqr "$r" '.delivery.last_s * 10 | round / 10') s: $rate a minute; from sending to delivery p50 $(jqr "$r" '.delivery.latency.p50_s * 1000 | round') ms"
[ "$n" -ge 100 ] || fail "only $n messages"
if [ "${SQUALL_SATURATED_SECONDS:-}" ]; then
	[ "$rate" -gt 24000 ] || fail "$rate messages a minute, not over 24000"
fi
