# Labs of the reports about name servers and mail, as an ordinary user: their identities stand in their files;
# what programs said, which no expectation can ask, is looked at here.
. "$(dirname "$0")/lib.sh"
need named bind9
need postal postal

for name in udp-enobufs udp-send-buffer wrong-source-address named-slow-link; do
	lab "$name" as_user
	expect_eq "$(jqr "$r" '[.findings[].mechanism] | unique | join(" ")')" "$(jqr "$SQ_SOURCE_DIR/scenarios/labs/$name.json" .finding)" "$name: mechanisms"
done

# BIND wants two descriptors for each address and thread, and does not say so when it gets none.
lab named-many-addresses-512 as_user
log=$(cat "$USER_SCRATCH"/named-many-addresses-512/servers/server-0-sh.log)
grep -q "RUNTIME_CHECK(result == ISC_R_SUCCESS) failed" <<< "$log" || fail "named did not fail as it did: $(tail -5 <<< "$log")"
grep -qi "descriptor\|too many open" <<< "$log" && fail "named speaks of descriptors now"

# Postal goes on after a reset at RCPT until it crashes (Debian's 0.76).
lab postal-quit as_user
log=$(cat "$USER_SCRATCH"/postal-quit/servers/client-0-sh.log)
grep -q "postal ended: 139" <<< "$log" || fail "postal did not crash: $log"
