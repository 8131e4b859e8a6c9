# Parts of a world: 2560 addresses on a host within 2 s, files and a limit of open files of a host's own, links
# that delay and lose packets, or the word that this kernel has none of that.  All as an ordinary user.
. "$(dirname "$0")/lib.sh"

jq -n '{name: "parts", idle: "0s", target: ["198.18.64.1:9000"],
	world: {links: [{between: ["client", "server"]}],
		hosts: {client: {nofile: 64}, server: {addresses: ["198.18.64.1-198.18.73.255/16"],
			files: {"/etc/resolv.conf": "nameserver 198.18.0.1\n", "/etc/hosts": "198.18.0.9 other.example.test\n"},
			run: [{sink: "tcp", listen: "0.0.0.0:9000", greeting: "x"},
				{argv: ["sh", "-c", "cat /etc/resolv.conf; getent hosts other.example.test; pwd; ulimit -n; exec sleep 100"]}]}}},
	load: [{name: "a", driver: "tcp", target: ["198.18.64.1:9000", "198.18.73.255:9000"], until: "greeting", hold: "1s",
		duration: "100ms", arrivals: {burst: 80, every: "1s", phase: "0s"}}]} | del(.target)' > "$USER_SCRATCH/parts.json"
resolv=$(cat /etc/resolv.conf)
start=$(date +%s%N)
(ran parts as_user "$SQUALL" run parts.json --allow-exec)
took=$((($(date +%s%N) - start) / 1000000))
r="$USER_SCRATCH/parts/run.json"
echo "2560 addresses: the whole run took $took ms"
[ "$took" -lt 2000 ] || fail "2560 addresses took $took ms"
said=$(cat "$USER_SCRATCH"/parts/servers/server-1-sh.log)
expect_eq "$(head -2 <<< "$said" | tr -s ' \n' ' ')" "nameserver 198.18.0.1 198.18.0.9 other.example.test " "the server's files"
expect_eq "$(sed -n 3p <<< "$said")" "$USER_SCRATCH" "the server's working folder"
expect_eq "$(cat /etc/resolv.conf)" "$resolv" "this machine's file"
# 64 for the load, of which its own files take some; the server has as many as ever.
held=$(jqr "$r" '[.loads[0].outcomes[] | select(.class == "ok") | .count] | add')
expect_eq "$(jqr "$r" '[.loads[0].outcomes[] | select(.code == "EMFILE") | .count] | add')" "$((80 - held))" "64 open files: EMFILE"
[ "$held" -gt 30 ] && [ "$held" -lt 64 ] || fail "64 open files: $held connections"
[ "$(sed -n 4p <<< "$said")" -gt 64 ] || fail "the server has the client's limit"

jq '.name = "slow" | .world.links[0] += {delay: "20ms"} | .load[0].arrivals = {rate: 50} | del(.world.hosts.server.files)
	| del(.world.hosts.server.run[1])' "$USER_SCRATCH/parts.json" > "$USER_SCRATCH/slow.json"
status=0; as_user "$SQUALL" run slow.json --out slow --quiet 2> "$SCRATCH/slow.txt" || status=$?
if [ "$status" = 0 ]; then
	[ "$(jqr "$USER_SCRATCH/slow/run.json" '.loads[0].latency.from_send.min_s >= 0.04')" = true ] || fail "a delay of 20 ms each way: $(jqr "$USER_SCRATCH/slow/run.json" .loads[0].latency.from_send)"
	echo "this kernel has netem"
else
	grep -q "not here: this kernel delays and loses no packets" "$SCRATCH/slow.txt" || fail "delay: status $status, $(cat "$SCRATCH/slow.txt")"
	echo "this kernel has no netem"
fi

jq '.name = "missing" | .world.hosts.server.files = {"/etc/no-such-file": "x"}' "$USER_SCRATCH/parts.json" > "$USER_SCRATCH/missing.json"
as_user "$SQUALL" run missing.json --out missing --allow-exec --quiet 2> "$SCRATCH/missing.txt" && fail "a file that is not there was covered"
grep -q "cannot cover /etc/no-such-file" "$SCRATCH/missing.txt" || fail "a missing file: $(cat "$SCRATCH/missing.txt")"
