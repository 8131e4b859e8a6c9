# kill -9 at ten random moments: nothing is left behind, and analyze makes a valid report each time.
. "$(dirname "$0")/lib.sh"

cat > "$SCRATCH/s.json" <<'J'
{ "name": "killed", "target": "server:9000",
  "world": { "hosts": { "client": {}, "server": {
      "run": [ { "sink": "tcp", "listen": "0.0.0.0:9000", "greeting": "x" },
               { "argv": [ "setsid", "-f", "sleep", "SLEEPS" ] } ] } },
    "links": [ { "between": [ "client", "server" ] } ] },
  "load": [ { "name": "steady", "driver": "tcp", "threads": 2, "duration": "20s", "until": "greeting", "arrivals": { "rate": 500 } } ] }
J
"$SQUALL" schema > "$SCRATCH/schema.json"
interfaces() { ip -o link | awk '{ print $2 }' | sort; }
before=$(interfaces)
for round in $(seq 10); do
	# A length of sleep that marks this round's processes, also those that left their session.
	mark="86$(printf %03d $((RANDOM % 1000))).$round"
	sed "s/SLEEPS/$mark/" "$SCRATCH/s.json" > "$SCRATCH/$round.json"
	"$SQUALL" run "$SCRATCH/$round.json" --allow-exec --out "$SCRATCH/run$round" --quiet & pid=$!
	sleep "$(awk "BEGIN { srand($RANDOM); print 0.8 + 2.5 * rand() }")"
	kill -9 "$pid"; wait "$pid" 2> /dev/null || true
	for i in $(seq 40); do
		left=$(ps -eo pid=,args= | grep -F -e "$SCRATCH/$round.json" -e "sleep $mark" | grep -vF grep || true)
		[ -z "$left" ] && break
		sleep 0.05
	done
	[ -z "$left" ] || fail "round $round left processes behind: $left"
	expect_eq "$(interfaces)" "$before" "round $round: interfaces"
	status=0; "$SQUALL" analyze "$SCRATCH/run$round" --quiet || status=$?
	expect_eq "$status" 4 "round $round: analyze's status (stopped)"
	/usr/bin/python3 - "$SCRATCH/schema.json" "$SCRATCH/run$round/run.json" <<-'PY' || fail "round $round: an invalid report"
		import json, sys, jsonschema
		r = json.load(open(sys.argv[2])); jsonschema.validate(r, json.load(open(sys.argv[1])))
		assert r["run"]["outcome"] == "stopped"
		assert all(sum(o["count"] for o in l["outcomes"]) == l["scheduled"] for l in r["loads"])
	PY
done
[ "$(lsns -n -t net -o COMMAND 2> /dev/null | grep -cF "$SCRATCH/")" = 0 ] || fail "a network namespace of squall's is left"
