# A target outside the open ranges: exit 2, the reason, and not a packet sent.
. "$(dirname "$0")/lib.sh"

cat > "$SCRATCH/inside.sh" <<'S'
set -u
echo "203.0.113.9 example.test" > "$1/hosts"; mount --bind "$1/hosts" /etc/hosts # a name is judged by its address
ip link set lo up
ip link add out type veth peer name far
ip addr add 203.0.113.1/24 dev out; ip link set out up; ip link set far up
ip route add default dev out
nft -f - <<'N'
table inet count {
	counter refused { }
	chain out {
		type filter hook output priority 0;
		ip daddr { 203.0.113.0/24, 198.51.100.0/24, 198.18.0.0/15 } counter name refused
		ip6 daddr 2001:db8::/32 counter name refused
	}
}
N
for target in 203.0.113.9:80 198.51.100.7:9000 198.18.0.2:9000 0.0.0.0:80 '[2001:db8::1]:80' '[::ffff:203.0.113.9]:80' example.test:80; do
	jq -n --arg t "$target" '{name: "gate", target: $t, load: [{name: "a", driver: "tcp", duration: "1s", arrivals: {rate: 100}}]}' > "$1/s.json"
	"$SQUALL" run "$1/s.json" --out "$1/out" 2> "$1/err.txt"; echo "$target $? $([ -e "$1/out" ] && echo folder) $(grep -c squall: "$1/err.txt")"
done > "$1/statuses"
nft -j list counter inet count refused | jq '.nftables[1].counter.packets' > "$1/packets"
# Authorized, it runs and says so in its report; nobody answers at that address.
jq -n '{name: "gate", target: "203.0.113.9:80", idle: "0s", load: [{name: "a", driver: "tcp", duration: "100ms", timeout: "300ms", arrivals: {rate: 100}}]}' > "$1/s.json"
"$SQUALL" run "$1/s.json" --authorize 203.0.113.0/24 --out "$1/authorized" --quiet; echo $? > "$1/authorized.status"
S
unshare -nm bash "$SCRATCH/inside.sh" "$SCRATCH" || fail "the namespace's script"
while read -r target status folder; do
	expect_eq "$target $status $folder" "$target 2 1" "refused, with no folder and one complaint"
done < "$SCRATCH/statuses"
expect_eq "$(wc -l < "$SCRATCH/statuses")" 7 "targets tried"
expect_eq "$(cat "$SCRATCH/packets")" 0 "packets sent to refused targets"
expect_eq "$(cat "$SCRATCH/authorized.status")" 1 "unreachable and authorized: nothing succeeded"
expect_eq "$(jqr "$SCRATCH/authorized/run.json" '.run.authorized | join(" ")')" 203.0.113.0/24 "recorded"
expect_eq "$(jqr "$SCRATCH/authorized/run.json" '.loads[0] | ([.outcomes[].count] | add) == .scheduled')" true "sum"
