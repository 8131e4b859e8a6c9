# The reader at the far end is killed in mid-run and can't be had for a while: a gap in the series, an
# event that says why, no invented zeros, and a total that is right, since counters go on meanwhile. Once
# with squall at the far end, once with a shell alone.
. "$(dirname "$0")/lib.sh"

mkdir "$SCRATCH/far"
for name in squall sh; do
	program=$([ "$name" = squall ] && realpath "$SQUALL" || command -v sh)
	# It is killed when the file "down" comes, and does not start while that is there.
	cat > "$SCRATCH/far/$name" <<-S
		#!$(command -v sh)
		[ ! -e "$SCRATCH/down" ] || { echo "closed for now" >&2; exit 1; }
		( until [ -e "$SCRATCH/down" ]; do sleep 0.05; done; kill -9 \$\$ ) < /dev/null > /dev/null 2>&1 &
		exec "$program" "\$@"
	S
	chmod +x "$SCRATCH/far/$name"
done
jq -n --arg where "exec:$SCRATCH/far/sh" '{name: "restart", target: "server:9000",
	world: {hosts: {client: {}, server: {run: [{sink: "tcp", listen: "0.0.0.0:9000"}]}}, links: [{between: ["client", "server"]}]},
	capture: [{source: "snmp", host: "server", where: $where}],
	load: [{name: "a", driver: "tcp", duration: "4s", arrivals: {rate: 200}}]}' > "$SCRATCH/s.json"

for how in answer ping; do
	path=$PATH; [ "$how" = answer ] || path=$SCRATCH/far:$PATH
	PATH=$path "$SQUALL" run "$SCRATCH/s.json" --allow-exec --out "$SCRATCH/$how" --quiet & run=$!
	until grep -qs '"tick"' "$SCRATCH/$how/spool/capture-server.jsonl"; do sleep 0.05; done
	sleep 2
	touch "$SCRATCH/down"
	sleep 0.8
	rm "$SCRATCH/down"
	wait "$run" || fail "$how: status $?"
	r=$SCRATCH/$how/run.json
	opens='.counters[] | select(.metric == "Tcp.PassiveOpens")'
	expect_eq "$(jqr "$r" '.clocks[0].how')" "$how" "how it is read"
	expect_eq "$(jqr "$r" "$opens | .delta")" "$(jqr "$r" '.loads[0].outcomes[0].count')" "$how: the total"
	expect_eq "$(jqr "$r" "$opens | has(\"restarted\")")" false "$how: nothing began anew"
	expect_eq "$(jqr "$r" '[.events[] | select(.host == "server" and (.text | test("nothing was read for [01]([.][0-9]+)? s: .")))] | length')" 1 "$how: the event: $(jqr "$r" '.events | tostring')"
	# While it was gone there is no value: nulls, one after the other, and no zero among the rises of 20.
	expect_eq "$(jqr "$r" "$opens | .series | reduce .[] as \$v ({run: 0, longest: 0}; if \$v == null then .run += 1 else .run = 0 end | .longest = ([.longest, .run] | max)) | .longest >= 6")" true "$how: the gap: $(jqr "$r" "$opens | .series | tostring")"
	expect_eq "$(jqr "$r" "$opens | .start_s as \$t | .bin_s as \$b | .series | to_entries | map(select((.key * \$b + \$t) > 0.05 and (.key * \$b + \$t) < 3.8 and .value == 0)) | length")" 0 "$how: invented zeros: $(jqr "$r" "$opens | .series | tostring")"
done

# A shell that goes while it is asked what there is: what was not opened by then is when it is back.
cat > "$SCRATCH/far/flaky" <<-S
	#!$(command -v sh)
	[ -e "$SCRATCH/once" ] || { touch "$SCRATCH/once"; sed -u 9q | sh; exit; }
	exec sh
S
chmod +x "$SCRATCH/far/flaky"
jq --arg where "exec:$SCRATCH/far/flaky" '.capture = [{source: "linux", host: "server", where: $where}] | .load[0].duration = "1s"' "$SCRATCH/s.json" > "$SCRATCH/t.json"
"$SQUALL" run "$SCRATCH/t.json" --allow-exec --out "$SCRATCH/flaky" --quiet || fail "flaky: status $?"
[ -e "$SCRATCH/once" ] || fail "flaky: nobody went"
expect_eq "$(jqr "$SCRATCH/flaky/run.json" '[.absent[] | select(.because | test("[Pp]ipe|connected"))] | tostring')" "[]" "flaky: absent"
expect_eq "$(jqr "$SCRATCH/flaky/run.json" '[.counters[] | select(.host == "server" and .metric == "Tcp.PassiveOpens") | .delta] | length')" 1 "flaky: a row of the last sources"
