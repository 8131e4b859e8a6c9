# squall doctor: what can't be captured has its reason, which differs with who asks, and a limit that will
# bite is the exit status.
. "$(dirname "$0")/lib.sh"

need unshare util-linux
need sysctl procps

available() { # FILE SOURCE
	jqr "$1" ".sources[] | select(.source == \"$2\") | .available"
}

because() { # FILE SOURCE
	jqr "$1" ".sources[] | select(.source == \"$2\") | .because"
}

# In a network namespace whose settings the script may write, with wide limits or with narrow ones.
wide='sysctl -qw net.ipv4.ip_local_port_range="1024 65535" net.core.somaxconn=4096 net.ipv4.tcp_max_syn_backlog=4096'
narrow='sysctl -qw net.ipv4.ip_local_port_range="20000 20099" net.core.somaxconn=128'

status=0
unshare --user --map-root-user --net sh -c "$narrow; ulimit -n 1000; exec \"$SQUALL\" doctor --json" > "$SCRATCH/narrow.json" || status=$?
expect_eq "$status" 1 "the exit status with narrow limits"
for want in "net.core.somaxconn 128" "local ports 100" "open files of a process 1000"; do
	jqr "$SCRATCH/narrow.json" '.limits[] | select(.bites) | "\(.limit) \(.value)"' | grep -qx "$want" ||
		fail "$want does not bite: $(jqr "$SCRATCH/narrow.json" '.limits[] | select(.bites)')"
done
status=0
unshare --user --map-root-user --net sh -c "$narrow; exec \"$SQUALL\" doctor" > "$SCRATCH/narrow.txt" || status=$?
expect_eq "$status" 1 "the exit status as text"
grep -q '→ sysctl -w net.core.somaxconn=4096' "$SCRATCH/narrow.txt" || fail "no advice: $(cat "$SCRATCH/narrow.txt")"

# With room in them these three do not; whether others do is this machine's affair.
status=0
unshare --user --map-root-user --net sh -c "$wide; exec \"$SQUALL\" doctor --json" > "$SCRATCH/wide.json" || status=$?
expect_eq "$status" "$(jqr "$SCRATCH/wide.json" 'if .bites > 0 then 1 else 0 end')" "the exit status by what bites"
expect_eq "$(jqr "$SCRATCH/wide.json" '[.limits[] | select(.bites) | .limit] | any(. == "net.core.somaxconn" or . == "local ports")')" \
	false "what bites with wide limits"

# Who has no privilege is told which he lacks; root has all of it.
as_user "$SQUALL" doctor --json > "$SCRATCH/user.json" || [ $? = 1 ] || fail "doctor as a user"
for source in netstat snmp listeners cgroup; do
	expect_eq "$(available "$SCRATCH/user.json" $source)" true "$source for a user"
done
expect_eq "$(available "$SCRATCH/user.json" skb_drops)" false "skb_drops for a user"
because "$SCRATCH/user.json" skb_drops | grep -q "takes root\|is mounted" || fail "skb_drops says $(because "$SCRATCH/user.json" skb_drops)"
because "$SCRATCH/user.json" nft | grep -q "CAP_NET_ADMIN" || fail "nft says $(because "$SCRATCH/user.json" nft)"
because "$SCRATCH/user.json" postfix | grep -q '"log"' || fail "postfix says $(because "$SCRATCH/user.json" postfix)"
jqr "$SCRATCH/user.json" '.abilities[] | select(.available == false) | .because' | grep -q "run as root" ||
	fail "no ability takes root: $(jqr "$SCRATCH/user.json" .abilities)"
if [ "$(id -u)" = 0 ]; then
	"$SQUALL" doctor --json > "$SCRATCH/root.json" || [ $? = 1 ] || fail "doctor as root"
	for source in netstat nft kernel_log; do
		expect_eq "$(available "$SCRATCH/root.json" $source)" true "$source for root"
	done
fi

# Sources that start programs are tried with leave alone.
because "$SCRATCH/user.json" unbound | grep -q -- --allow-exec || fail "unbound says $(because "$SCRATCH/user.json" unbound)"
as_user "$SQUALL" doctor --json --allow-exec > "$SCRATCH/exec.json" || [ $? = 1 ] || fail "doctor with --allow-exec"
because "$SCRATCH/exec.json" unbound | grep -q unbound-control || fail "unbound says $(because "$SCRATCH/exec.json" unbound)"

# Another machine, behind a shell (here this one's): with squall there all that it says itself, without it what
# a shell can read; one that can't be reached is no healthy one.
PATH=$(dirname "$SQUALL"):$PATH "$SQUALL" doctor --json --where "exec:sh" > "$SCRATCH/far.json" || [ $? = 1 ] || fail "doctor of a far squall"
expect_eq "$(available "$SCRATCH/far.json" listeners)" true "listeners of a far squall"
PATH=/usr/bin:/bin "$SQUALL" doctor --json --where "exec:sh" > "$SCRATCH/shell.json" || [ $? = 1 ] || fail "doctor through a shell"
expect_eq "$(available "$SCRATCH/shell.json" netstat) $(available "$SCRATCH/shell.json" listeners)" "true false" "netstat, listeners through a shell"
because "$SCRATCH/shell.json" listeners | grep -q "install squall" || fail "listeners says $(because "$SCRATCH/shell.json" listeners)"
for limit in "open files of a process" "local ports" "net.core.somaxconn" "clock source" processors; do
	expect_eq "$(jqr "$SCRATCH/shell.json" ".limits[] | select(.limit == \"$limit\") | .value")" \
		"$(jqr "$SCRATCH/far.json" ".limits[] | select(.limit == \"$limit\") | .value")" "$limit through a shell"
done
status=0; "$SQUALL" doctor --where "exec:/no/such/shell" 2> "$SCRATCH/err.txt" || status=$?
expect_eq "$status" 3 "a machine that can't be reached"
grep -q "/no/such/shell" "$SCRATCH/err.txt" || fail "it says $(cat "$SCRATCH/err.txt")"

status=0; "$SQUALL" doctor elsewhere 2> "$SCRATCH/err.txt" || status=$?
expect_eq "$status" 2 "a word too many"
