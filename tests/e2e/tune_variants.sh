# What a side changes outside of its scenario: settings of another machine through ssh, commands before and after,
# labels.  All of it is undone after each run, also after kill -9 by `squall restore`, and refused without leave.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || fail "it takes root to have the machine's journal"

ssh_set_up
sshd_settings 2203
export PATH=$SCRATCH/bin:$PATH
at_exit '"$SQUALL" restore > /dev/null'

# The other machine: a network namespace with an sshd, which also has the server that is loaded.
ns=squall-far-$$
ip netns add "$ns"
at_exit 'ip netns del "$ns"'
ip link add sqf0 type veth peer name sqf1 netns "$ns"
at_exit 'ip link del sqf0 2> /dev/null'
ip addr add 198.18.77.1/24 dev sqf0
ip link set sqf0 up
ip -n "$ns" addr add 198.18.77.2/24 dev sqf1
ip -n "$ns" link set sqf1 up
ip -n "$ns" link set lo up
ip netns exec "$ns" "$sshd_program" -D -e -f "$SCRATCH/sshd.2203" 2> "$SCRATCH/sshd.log" & sshd=$!
at_exit 'kill $sshd 2> /dev/null'
ip netns exec "$ns" "$SQUALL" sink tcp --listen 0.0.0.0:9000 > "$SCRATCH/sink.log" 2>&1 & sink=$!
at_exit 'kill $sink'
far() { ip netns exec "$ns" sysctl -n "${1:-net.core.somaxconn}"; }
before=$(far)
for _ in $(seq 100); do
	ssh -p 2203 root@198.18.77.2 true 2> /dev/null && break
	sleep 0.1
done

jq -n '{name: "far", target: "198.18.77.2:9000", idle: "0s", authorized_targets: ["198.18.77.2/32"], capture: [],
	load: [{name: "a", driver: "tcp", duration: "200ms", timeout: "3s", arrivals: {rate: 20}}]}' > "$SCRATCH/s.json"
place=ssh:root@198.18.77.2:2203
tune() { "$SQUALL" tune "$SCRATCH/s.json" --quiet "$@"; }

status=0; tune --host "$place" --sysctl net.core.somaxconn=77,99 --out "$SCRATCH/no" 2> "$SCRATCH/said" || status=$?
expect_eq "$status" 2 "another machine without leave: status"
grep -q "changes all of $place while a side runs, which needs --allow-global" "$SCRATCH/said" || fail "no leave: $(cat "$SCRATCH/said")"
[ ! -e "$SCRATCH/no" ] || fail "a refused tune began"

# Each run is felt there, and set back.
(while kill -0 $$ 2> /dev/null; do far; sleep 0.03; done > "$SCRATCH/seen") & watch=$!
tune --host "$place" --sysctl net.core.somaxconn=77,99 --allow-global --pairs 2 --warmup 0 --out "$SCRATCH/far"
kill $watch
for value in 77 99; do grep -qx $value "$SCRATCH/seen" || fail "never set to $value: $(sort "$SCRATCH/seen" | uniq -c)"; done
expect_eq "$(far)" "$before" "after the tune"
expect_eq "$(jqr "$SCRATCH/far/tune.json" '[.sides[] | .label, (.machine[] | "\(.where) \(.value)")] | join(", ")')" \
	"net.core.somaxconn=77, $place 77, net.core.somaxconn=99, $place 99" "the sides"
status=0; tune --host "$place" --sysctl net.core.no_such=1,2 --allow-global --out "$SCRATCH/none" 2> "$SCRATCH/said" || status=$?
[ "$status" != 0 ] && grep -q "no_such" "$SCRATCH/said" || fail "a setting that is not there: $status, $(cat "$SCRATCH/said")"

# Variants: commands here and there, labels, one that fails.
jq --arg s "$SCRATCH" --arg where "$place" '. + {variants: {
	old: {labels: {kernel: {text: "6.1"}}},
	new: {where: $where, machine: {"net.core.somaxconn": "55", "net.ipv4.ip_local_reserved_ports": "8001,8000"}, before: [{argv: ["sh", "-c", "echo before >> \($s)/log; touch \($s)/on"]}],
		after: [{argv: ["rm", "-f", "\($s)/on"]}, {argv: ["sh", "-c", "echo after >> \($s)/log"]}],
		labels: {kernel: {argv: ["echo", "6.6 it'\''s"]}}},
	broken: {before: [{argv: ["sh", "-c", "echo it says no >&2; exit 3"]}], after: [{argv: ["touch", "\($s)/after-all"]}]}}}' \
	"$SCRATCH/s.json" > "$SCRATCH/v.json" && mv "$SCRATCH/v.json" "$SCRATCH/s.json"
status=0; tune --allow-global --out "$SCRATCH/no" 2> "$SCRATCH/said" || status=$?
expect_eq "$status" 2 "programs without leave: status"
grep -q "needs --allow-exec" "$SCRATCH/said" || fail "programs without leave: $(cat "$SCRATCH/said")"
tune --variant old --variant new --allow-global --allow-exec --pairs 2 --warmup 0 --out "$SCRATCH/v"
expect_eq "$(tr '\n' ' ' < "$SCRATCH/log")" "before after before after " "the commands"
[ ! -e "$SCRATCH/on" ] || fail "what runs after did not"
expect_eq "$(far)" "$before" "after the variants"
expect_eq "$(far net.ipv4.ip_local_reserved_ports)" "" "what had no value, after the variants"
expect_eq "$(jqr "$SCRATCH/v/tune.json" '[.sides[] | "\(.label) \(.labels.kernel)"] | join(", ")')" "old 6.1, new 6.6 it's" "labels"
expect_eq "$(jqr "$SCRATCH/v/tune.json" '.comparisons[0] | [.a.label, .b.label, (.settings[] | select(.what | test("kernel")) | .b)] | join("; ")')" \
	"old (kernel 6.1); new (kernel 6.6 it's); 6.6 it's" "labels in the comparison"
"$SQUALL" schema tune > "$SCRATCH/schema.json"
python3 -c 'import json, jsonschema, sys; jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' "$SCRATCH/v/tune.json" "$SCRATCH/schema.json"
status=0; tune --variant broken --variant old --allow-exec --pairs 2 --warmup 0 --out "$SCRATCH/b" 2> "$SCRATCH/said" || status=$?
expect_eq "$status" 3 "a command that fails: status"
grep -q "exit status 3: it says no" "$SCRATCH/said" || fail "it does not say what failed: $(cat "$SCRATCH/said")"
[ -e "$SCRATCH/after-all" ] || fail "after a failed command nothing ran after"

# The other side of a gate may be one of them.
"$SQUALL" gate "$SCRATCH/s.json" --against new --runs 2 --warmup 0 --allow-global --allow-exec --undecided-passes --out "$SCRATCH/g" --quiet
expect_eq "$(wc -l < "$SCRATCH/log")" 8 "a gate's other side"

# Killed at any moment: `squall restore` undoes it, through ssh as well.
left=0
for _ in 1 2 3; do
	"$SQUALL" tune "$SCRATCH/s.json" --quiet --variant new --variant old --allow-global --allow-exec --pairs 50 --warmup 0 \
		--out "$SCRATCH/k$RANDOM" & pid=$!
	sleep "$(awk "BEGIN { srand($RANDOM); print 0.4 + 1.2 * rand() }")"
	kill -9 "$pid"; wait "$pid" 2> /dev/null || true
	[ "$(far)" = "$before" ] && [ ! -e "$SCRATCH/on" ] || left=$((left + 1))
	"$SQUALL" restore > /dev/null 2> "$SCRATCH/restored" || fail "restore: $(cat "$SCRATCH/restored")"
	expect_eq "$(far)" "$before" "after a kill"
	[ ! -e "$SCRATCH/on" ] || fail "after a kill what runs after did not: $(cat "$SCRATCH/restored")"
done
echo "$left of 3 kills left something"

# A machine that is gone for good keeps nobody from the settings of this one, once that is said.
"$SQUALL" tune "$SCRATCH/s.json" --quiet --host "$place" --sysctl net.core.somaxconn=77,99 --allow-global --pairs 50 --warmup 0 \
	--out "$SCRATCH/gone" & pid=$!
for _ in $(seq 100); do [ "$(far)" = "$before" ] || break; sleep 0.05; done
kill -9 "$pid"; wait "$pid" 2> /dev/null || true
kill $sshd; wait $sshd 2> /dev/null || true
status=0; "$SQUALL" restore > /dev/null 2> "$SCRATCH/said" || status=$?
expect_eq "$status" 3 "restore with a machine that is gone: status"
grep -q "cannot be set back to $before at $place.*squall restore --forget" "$SCRATCH/said" || fail "a machine that is gone: $(cat "$SCRATCH/said")"
"$SQUALL" restore --forget > "$SCRATCH/forgot" 2> "$SCRATCH/said" || fail "restore --forget: $(cat "$SCRATCH/said")"
grep -q "left as it is" "$SCRATCH/said" || fail "what is left is not said: $(cat "$SCRATCH/said")"
grep -q "^what could not be set back is left as it is" "$SCRATCH/forgot" || fail "what is left is all as it was: $(cat "$SCRATCH/forgot")"
"$SQUALL" restore > "$SCRATCH/restored" || fail "restore after --forget"
grep -q "are as they were" "$SCRATCH/restored" || fail "restore after --forget: $(cat "$SCRATCH/restored")"

# On a host of the world: a program that must end before the servers there start.
jq -n '{name: "host", target: "server:9000", idle: "0s", capture: [],
	world: {links: [{between: ["client", "server"]}], hosts: {client: {}, server: {run: [{sink: "tcp", listen: "0.0.0.0:9000"}]}}},
	variants: {as_it_is: {}, refused: {before: [{host: "server", argv: ["nft", "add table ip f; add chain ip f i {type filter hook input priority 0;}; add rule ip f i tcp dport 9000 reject with tcp reset"]}]},
		failing: {before: [{host: "server", argv: ["sh", "-c", "echo no such thing; exit 4"]}]}},
	load: [{name: "a", driver: "tcp", duration: "200ms", timeout: "3s", arrivals: {rate: 20}}]}' > "$SCRATCH/w.json"
"$SQUALL" tune "$SCRATCH/w.json" --variant as_it_is --variant refused --allow-exec --pairs 2 --warmup 0 --out "$SCRATCH/w" --quiet
expect_eq "$(jqr "$SCRATCH/w/tune.json" '.comparisons[0].measures[] | select(.metric == "a.failures") | "\(.a) \(.b)"' | sed 's/\.0//g')" "0 1" "a program on a host"
# Without its world it is not run, so there is nothing to be compared.
status=0; "$SQUALL" tune "$SCRATCH/w.json" --variant as_it_is --variant refused --allow-exec --loopback --pairs 2 --warmup 0 --out "$SCRATCH/l" --quiet 2> "$SCRATCH/said" || status=$?
expect_eq "$status" 3 "a program on a host that is not made: status"
grep -q "world could not be made, so what was to be changed was not" "$SCRATCH/said" || fail "a program on a host that is not made: $(cat "$SCRATCH/said")"
status=0; "$SQUALL" tune "$SCRATCH/w.json" --variant as_it_is --variant failing --allow-exec --pairs 2 --warmup 0 --out "$SCRATCH/f" --quiet 2> "$SCRATCH/said" || status=$?
expect_eq "$status" 3 "a program on a host that fails: status"
grep -q "ended with status 4: no such thing" "$SCRATCH/said" || fail "a program on a host that fails: $(cat "$SCRATCH/said")"

# One thing against itself.
"$SQUALL" tune "$SCRATCH/w.json" --aa --pairs 8 --warmup 0 --seed 3 --out "$SCRATCH/aa" --quiet
expect_eq "$(jqr "$SCRATCH/aa/tune.json" '[.least_seen[] | .pairs, (.metric == "a.failures" and .difference != 0.002)] | unique | tostring')" '[false,8]' "A/A"
