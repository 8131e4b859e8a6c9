# Rules of the user's own (--rules): one more beside the shipped ones, one in the place of a shipped one;
# in a run and in its analysis; errors name file and place, before anything is sent.
. "$(dirname "$0")/lib.sh"

mkdir "$SCRATCH/rules" "$SCRATCH/bad"
rule() { # ID COUNTER
	jq -n --arg id "$1" --arg counter "$2" '{id: $id, summary: "a test", counters: [{side: "server", names: [$counter]}],
		pays: [{failures: ["ECONNREFUSED@query"], noun: "refused queries"}], advice: "open it", reference: "none"}'
}
rule closed-port Udp.NoPorts > "$SCRATCH/rules/closed-port.json"
jq -n '{name: "closed", target: "server:54", idle: "200ms",
	world: {hosts: {client: {}, server: {sysctl: {"net.ipv4.icmp_ratemask": 0}}}, links: [{between: ["client", "server"]}]},
	load: [{name: "a", driver: "dns", names: ["n{0-999}.example.test"], duration: "500ms", timeout: "800ms", arrivals: {rate: 400}}],
	expect: ["a.ECONNREFUSED == 200", "finding.closed-port.explained == 200"]}' > "$SCRATCH/closed.json"
findings() { jqr "$r" '[.findings[] | "\(.mechanism) \(.host) \(.explained) \(.confidence)"] | join(", ")'; }

ran closed "$SQUALL" run "$SCRATCH/closed.json" --rules "$SCRATCH/rules"
expect_eq "$(findings)" "closed-port server 200 exact" "with the rule: findings"
expect_eq "$(jqr "$r" '.rules | "\(.added) \(.replaced)"')" '["closed-port"] []' "the report says which"

# Without it nobody knows the name, nor the cause.
status=0; "$SQUALL" run "$SCRATCH/closed.json" --out "$SCRATCH/without" --quiet 2> "$SCRATCH/said" || status=$?
expect_eq "$status" 2 "an expectation of a rule that is not there"
"$SQUALL" analyze "$USER_SCRATCH/closed" --quiet > /dev/null || true
expect_eq "$(findings) $(jqr "$r" .rules)" "port-closed server 200 exact null" "analyzed without the rule"

# In the place of a shipped one; the order of the files makes no difference.
rule packet-filter Udp.NoPorts > "$SCRATCH/rules/packet-filter.json"
rm "$SCRATCH/rules/closed-port.json"
"$SQUALL" analyze "$USER_SCRATCH/closed" --rules "$SCRATCH/rules" --quiet > /dev/null || true
expect_eq "$(findings)" "packet-filter server 200 exact" "replaced: findings"
expect_eq "$(jqr "$r" '.rules | "\(.added) \(.replaced)"')" '[] ["packet-filter"]' "the report says which was replaced"

rule bad Udp.NoPorts | jq '.pays[0].dosis = "once"' > "$SCRATCH/bad/bad.json"
for command in "run $SCRATCH/closed.json --out $SCRATCH/none" "analyze $USER_SCRATCH/closed"; do
	status=0; $SQUALL $command --rules "$SCRATCH/bad" --quiet 2> "$SCRATCH/said" || status=$?
	expect_eq "$status" 2 "a bad rule: status of $command"
	grep -qF "$SCRATCH/bad/bad.json: /pays/0/dosis" "$SCRATCH/said" || fail "a bad rule: $(cat "$SCRATCH/said")"
done
[ ! -e "$SCRATCH/none" ] || fail "a bad rule, and a run was made"
