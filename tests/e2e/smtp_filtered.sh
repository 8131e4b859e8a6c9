# Port 25 is filtered away in mid-run: the run ends in bounded time, every message has an outcome, and
# what the client calls accepted is what the server took.
. "$(dirname "$0")/lib.sh"
need nft nftables

# The filter stands between client and server in that direction only, so an answer that the server
# gave is always heard: accepted there and accepted here are the same messages.
cat > "$SCRATCH/filter" <<'F'
sleep 2
nft -f - <<R
table inet f { chain in { type filter hook input priority 0; tcp dport 25 counter drop; }; }
R
exec sleep 600
F
cat > "$SCRATCH/filtered.json" <<J
{ "name": "smtp-filtered", "target": "server:25",
  "world": { "hosts": { "client": {}, "server": { "run": [ { "sink": "smtp", "listen": "0.0.0.0:25" }, { "argv": [ "sh", "$SCRATCH/filter" ] } ] } },
    "links": [ { "between": [ "client", "server" ] } ] },
  "load": [ { "name": "mail", "driver": "smtp", "connections": 1000, "messages_per_connection": 10, "duration": "4s", "timeout": "2s", "arrivals": { "rate": 200 } } ] }
J
"$SQUALL" run "$SCRATCH/filtered.json" --out "$SCRATCH/run" --allow-exec --quiet || fail "status $?"
r="$SCRATCH/run/run.json"
accepted=$(jqr "$r" '[.loads[0].outcomes[] | select(.class == "ok") | .count] | add // 0')
late=$(jqr "$r" '[.loads[0].outcomes[] | select(.code == "timeout") | .count] | add // 0')
jqr "$r" '.loads[0].outcomes[] | select(.count > 0) | "\(.code)@\(.phase) \(.count)"'
# 4 s of load, 2 s of time-out, two idle windows of half a second.
expect_eq "$(jqr "$r" '.run.duration_s < 7.3')" true "the run ends with the last message's time-out"
expect_eq "$(jqr "$r" '.loads[0] | "\(.scheduled) \([.outcomes[].count] | add)"')" "800 800" "scheduled, sum of the outcomes"
expect_eq "$((accepted + late))" 800 "accepted and timed out"
[ "$accepted" -gt 100 ] && [ "$late" -gt 100 ] || fail "the filter did not come in mid-run: $accepted accepted, $late timed out"
expect_eq "$(jqr "$r" '.servers[] | select(.what == "sink smtp") | .counts.messages')" "$accepted" "messages that the sink took"
# None succeeds that was due half a second after the first that failed: the filter stays.
expect_eq "$(jqr "$r" '.loads[0] | ([.outcomes[] | select(.code == "timeout") | .first_s] | min) as $from | [.outcomes[] | select(.class == "ok") | .last_s] | max < $from + 0.5')" true "no success after the filter"
# The filter counts what it drops: a connect pays with its SYNs, a session that fell silent with its segments.
expect_eq "$(jqr "$r" '[.findings[] | "\(.mechanism) \(.host)"] | unique | join(", ")')" "packet-filter server" "findings"
expect_eq "$(jqr "$r" '"\([.account[].explained] | add) \([.account[].unexplained] | add)"')" "$late 0" "explained, unexplained"
