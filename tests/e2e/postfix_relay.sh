# Postfix relays from squall to squall: 500 messages that it accepted are 500 in the sink, and its
# queue is empty.
. "$(dirname "$0")/lib.sh"
need postfix postfix

mkdir "$SCRATCH/etc" "$SCRATCH/queue" "$SCRATCH/data"
chown postfix "$SCRATCH/data"
cat > "$SCRATCH/etc/main.cf" <<C
compatibility_level = 3.6
queue_directory = $SCRATCH/queue
data_directory = $SCRATCH/data
maillog_file = $SCRATCH/mail.log
maillog_file_prefixes = $SCRATCH
myhostname = relay.example.test
mydestination =
mynetworks = 198.18.0.0/15
inet_protocols = ipv4
relayhost = [198.19.0.2]:25
disable_dns_lookups = yes
smtp_host_lookup = native
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
local_recipient_maps =
alias_maps =
alias_database =
C
cat > "$SCRATCH/etc/master.cf" <<'C'
smtp     inet       n - n -     - smtpd
cleanup  unix       n - n -     0 cleanup
qmgr     unix       n - n 300   1 qmgr
rewrite  unix       - - n -     - trivial-rewrite
bounce   unix       - - n -     0 bounce
defer    unix       - - n -     0 bounce
trace    unix       - - n -     0 bounce
flush    unix       n - n 1000? 0 flush
smtp     unix       - - n -     - smtp
error    unix       - - n -     - error
retry    unix       - - n -     - error
anvil    unix       - - n -     1 anvil
scache   unix       - - n -     1 scache
postlog  unix-dgram n - n -     1 postlogd
C
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
expect_eq "$(find "$SCRATCH/queue/incoming" "$SCRATCH/queue/active" "$SCRATCH/queue/deferred" -type f | wc -l)" 0 "left in Postfix's queue"
expect_eq "$(jqr "$r" '.findings | length')" 0 "findings"
