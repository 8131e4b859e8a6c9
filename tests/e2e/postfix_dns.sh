# A relay whose name server fails: the client gets 250 for every message, and every message is
# deferred, with the same words whatever the fault is.  The labs' identities hold, and the finding
# tells silence, a closed port, SERVFAIL and REFUSED apart as far as somebody counted.
. "$(dirname "$0")/lib.sh"
need postfix postfix
need named bind9

variant() { # NAME LAB FILTER: the lab, changed by jq
	jq "$3" "$SQ_SOURCE_DIR/scenarios/labs/$2.json" > "$SCRATCH/$1.json"
	ran "$1" "$SQUALL" run "$SCRATCH/$1.json" --allow-exec
}
finds() { # CONFIDENCE WORDS: the one finding is of 40 deferred deliveries, and says so
	expect_eq "$(jqr "$r" '[.findings[] | "\(.mechanism) \(.load) \(.failure) \(.explained)/\(.count) \(.host) \(.confidence)"] | join(", ")')" \
		"relay-dns-failure null deferred 40/40 relay $1" "findings of $r"
	expect_eq "$(jq --arg words "$2" 'any(.findings[0].evidence[]; contains($words))' "$r")" true \
		"evidence says: $2; it is $(jqr "$r" '.findings[0].evidence')"
}
counter() { # METRIC INSTANCE
	jq --arg metric "$1" --arg instance "$2" \
		'[.counters[] | select(.host == "relay" and .metric == $metric and .instance == $instance) | .delta] | add // 0' "$r"
}

lab postfix-dns-servfail
finds exact "sink dns on resolver: SERVFAIL 80"
expect_eq "$(counter postfix.dsn 4.4.3)" 40 "deliveries deferred with 4.4.3"
expect_eq "$(counter postfix.queue deferred)" 40 "messages in the queue deferred"
lab postfix-dns-refused
finds exact "sink dns on resolver: REFUSED 80"
lab postfix-dns-silent
finds exact "80 queries were never answered: relay sent 80 datagrams and got 0"
# Both attempts of a look-up wait for their second: the log's delays say where the time went.
[ "$(counter postfix.delay 'look-up and connect')" -ge 80000 ] || fail "look-ups took $(counter postfix.delay 'look-up and connect') ms"
lab postfix-dns-closed
finds exact "80 queries met a closed port: Udp.NoPorts rose by 80, Icmp.InDestUnreachs on relay by 80"
"$SQUALL" analyze "$USER_SCRATCH/postfix-dns-closed" | grep -q "40 of 40 deferred: relay-dns-failure on relay (exact)" ||
	fail "the text does not name the finding"

# As a kernel is set up, it sends few ICMP errors: most queries wait for their time-outs.
variant held-back postfix-dns-closed '.world.hosts.resolver = {} | .idle = "5s"
	| .expect = ["resolver.Udp.NoPorts == 80", "relay.Icmp.InDestUnreachs < 80", "relay.postfix.deferred == 40"]'
finds exact "held back by net.ipv4.icmp_ratelimit"

# A name server whose own counts nobody looks at.
cat > "$SCRATCH/named.conf" <<C
options { directory "$SCRATCH"; pid-file none; listen-on { any; }; listen-on-v6 { none; }; recursion no; allow-query { none; }; };
controls { };
C
variant untold postfix-dns-refused ".world.hosts.resolver.run = [{argv: [\"named\", \"-g\", \"-c\", \"$SCRATCH/named.conf\"], wait_port: 53}]"
finds strong "SERVFAIL and REFUSED can't be told apart from here"

# Names that do not exist are bounced, which is no fault of the name server's; and all is well when it
# answers: neither is a finding.
answering='.world.hosts.resolver.run = [{sink: "dns", listen: "0.0.0.0:53", answer: "198.19.0.2"}, {sink: "smtp", listen: "0.0.0.0:25"}]'
none='"account.count == 0", "finding.relay-dns-failure.count == 0", "relay.postfix.deferred == 0", "relay.postfix.skipped == 0"'
# (In mid-run the log is rotated.)
variant well postfix-dns-servfail "$answering | .load[0].count = 400
	| .world.hosts.relay.run += [{argv: [\"sh\", \"-c\", \"sleep 5; mv /mnt/mail.log /mnt/mail.log.1; postfix -c /mnt/etc reload; sleep 1000\"]}]
	| .expect = [\"mail.ok == 400\", \"relay.postfix.sent == 400\", \"relay.postfix.removed == 400\", $none]"
expect_eq "$(jqr "$r" '.findings | length')" 0 "findings when all is well"
variant nowhere postfix-dns-servfail "$answering | .world.hosts.resolver.run[0].nxdomain = [\"example.test\"]
	| .expect = [\"relay.postfix.bounced == 40\", \"relay.postfix.sent == 40\", $none]"
expect_eq "$(counter postfix.bounced 'name service error')" 40 "bounced for their names"
expect_eq "$(counter postfix.dsn 5.4.4)" 40 "bounced with 5.4.4"
