# kill -9 of squall in the middle of a tune, at random moments: a setting of the machine is as before once `squall
# restore` has run or the next tune that changes it has begun, one of a world's host goes with its world, and no process is left.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || fail "it takes root to change a setting of the machine"

rounds=${SQ_TUNE_KILLS:-4} changed=0
value() { sysctl -n net.ipv4.tcp_max_orphans net.core.somaxconn; }
orphans=$(sysctl -n net.ipv4.tcp_max_orphans)
before=$(value)
at_exit '"$SQUALL" restore > /dev/null'
jq '.load[0] += {duration: "200ms", timeout: "400ms"} | .load[0].arrivals += {every: "200ms", burst: 64} | .idle = "50ms"' \
	"$SQ_SOURCE_DIR/scenarios/tuning/somaxconn.json" > "$SCRATCH/s.json"
global=net.ipv4.tcp_max_orphans=$((orphans - 1)),$((orphans - 2))
command=("$SQUALL" tune "$SCRATCH/s.json" --warmup 0 --quiet --allow-global)

for round in $(seq "$rounds"); do
	setting=$global
	[ $((round % 2)) = 1 ] || setting=net.core.somaxconn=128,1024
	"${command[@]}" --sysctl "$setting" --out "$SCRATCH/$round" & pid=$!
	sleep "$(awk "BEGIN { srand($RANDOM); print 0.1 + 1.5 * rand() }")"
	world=$(world_of "$pid") || world=none # between two runs there is none
	kill -9 "$pid"; wait "$pid" 2> /dev/null || true
	[ "$(value)" = "$before" ] || changed=$((changed + 1))
	for _ in $(seq 40); do
		left=$(inhabitants "$world")
		[ -z "$left" ] && break
		sleep 0.05
	done
	[ -z "$left" ] || fail "round $round, $setting: left behind: $left"
	if [ "$round" = 1 ]; then # the next one makes it good as well
		"${command[@]}" --machine "$global" --out "$SCRATCH/next" --pairs 2
		expect_eq "$(jqr "$SCRATCH/next/tune.json" '[.sides[].machine[] | keys[]] + .counted | tostring')" \
			'["name","value","name","value",0,1]' "a setting of this machine, and the rounds"
	else
		"$SQUALL" restore > "$SCRATCH/restored.txt" || fail "round $round: restore: status $?"
	fi
	expect_eq "$(value)" "$before" "round $round, $setting: settings"
done
[ "$(lsns -n -t net -o COMMAND 2> /dev/null | grep -cF "$SCRATCH/")" = 0 ] || fail "a network namespace of squall's is left"
echo "$changed of $rounds kills left a setting changed until then"
