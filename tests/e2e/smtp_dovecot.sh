# AUTH before Postfix and LMTP before Dovecot, both real: who may send may, and each message lies in the
# mailbox of each of its recipients, once.
. "$(dirname "$0")/lib.sh"
need dovecot dovecot-lmtpd

mkdir "$SCRATCH/mail" "$SCRATCH/dovecot"
chown 65534:65534 "$SCRATCH/mail"
cat > "$SCRATCH/dovecot.conf" <<C
base_dir = $SCRATCH/dovecot
log_path = $SCRATCH/dovecot.log
protocols = lmtp
listen = *
ssl = no
auth_mechanisms = plain login
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:$SCRATCH/mail/%n
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=$SCRATCH/mail/%n
}
service lmtp {
  inet_listener lmtp {
    port = 24
  }
}
service auth {
  unix_listener $SCRATCH/dovecot/postfix {
    mode = 0666
  }
}
C
postfix_set_up "default_transport = discard" "mynetworks = 127.0.0.0/8" "smtpd_relay_restrictions = permit_sasl_authenticated, reject" \
	"smtpd_sasl_auth_enable = yes" "smtpd_sasl_type = dovecot" "smtpd_sasl_path = $SCRATCH/dovecot/postfix"

run() { # NAME PORT LOAD-KEYS: what came of it is $outcomes
	cat > "$SCRATCH/$1.json" <<J
{ "name": "$1", "target": "server:$2", "idle": "200ms",
  "world": { "hosts": { "client": {}, "server": { "run": [
        { "argv": [ "dovecot", "-F", "-c", "$SCRATCH/dovecot.conf" ], "wait_port": 24, "wait": "60s" },
        { "argv": [ "postfix", "-c", "$SCRATCH/etc", "start-fg" ], "wait_port": 25, "wait": "60s" } ] } },
    "links": [ { "between": [ "client", "server" ] } ] },
  "load": [ { "name": "mail", "driver": "smtp", "duration": "30s", "timeout": "20s", "arrivals": { "closed": 10 }, $3 } ],
  "expect": [ "mail.scheduled > 0" ] }
J
	"$SQUALL" run "$SCRATCH/$1.json" --out "$SCRATCH/$1" --allow-exec --quiet || fail "$1: status $?"
	r="$SCRATCH/$1/run.json"
	outcomes=$(jqr "$r" '[.loads[0].outcomes[] | select(.count > 0) | "\(.code)@\(.phase // "") \(.count)"] | sort | join(", ")')
	echo "$1: $outcomes"
}

details() {
	jqr "$r" '[.loads[0].outcomes[] | select(.details) | .details | to_entries[] | "\(.key) \(.value)"] | join(", ")'
}

run plain 25 '"count": 60, "messages_per_connection": 3, "user": "me", "password": "secret"'
expect_eq "$outcomes" "ok@ 60" "AUTH PLAIN"
expect_eq "$(grep -c 'sasl_method=PLAIN, sasl_username=me' "$SCRATCH/mail.log")" 60 "messages that Postfix says came from a user"
run login 25 '"count": 60, "messages_per_connection": 3, "user": "me", "password": "secret", "auth": "login"'
expect_eq "$outcomes" "ok@ 60" "AUTH LOGIN"
expect_eq "$(grep -c 'sasl_method=LOGIN, sasl_username=me' "$SCRATCH/mail.log")" 60 "messages that Postfix says came from a user"
run wrong 25 '"count": 3, "user": "me", "password": "wrong"'
expect_eq "$outcomes" "535@auth 3" "a wrong password"
expect_eq "$(details)" "5.7.8 3" "the enhanced status of that"
run nobody 25 '"count": 10'
expect_eq "$outcomes" "554@rcpt 10" "nobody in particular"
expect_eq "$(details)" "5.7.1 10" "the enhanced status of that"

# 200 messages of 3 recipients each, for 20 mailboxes in turn.
run lmtp 24 '"count": 200, "lmtp": true, "recipients_per_message": 3, "recipients": [ "box{1-20}@example.test" ], "messages_per_connection": "1-10", "size": "1-20KiB"'
expect_eq "$outcomes" "ok@ 200" "LMTP"
expect_eq "$(jqr "$r" '.loads[0].counts | "\(.recipients) \(.recipients_undelivered)"')" "600 0" "recipients, undelivered"
expect_eq "$(find "$SCRATCH/mail" -path '*/new/*' -type f | wc -l)" 600 "messages in the mailboxes"
expect_eq "$(grep -rh '^X-Squall-Id: ' "$SCRATCH/mail" | tr -d '\r' | sort | uniq -c | awk '{ print $1 }' | sort -u) $(grep -rh '^X-Squall-Id: ' "$SCRATCH/mail" | sort -u | wc -l)" "3 200" "each of them three times, and 200 of them"
