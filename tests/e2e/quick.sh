# The quick forms: each is the scenario that it stands for, in its report and when that runs again;
# other programs' letters mean what they mean there; what can't be meant is told.
. "$(dirname "$0")/lib.sh"

sink() { # KIND PORT OPTIONS...: in the background until the script ends
	local kind=$1 port=$2
	shift 2
	"$SQUALL" sink "$kind" --listen "127.0.0.1:$port" "$@" > "$SCRATCH/$kind.json" 2> "$SCRATCH/$kind.txt" &
	at_exit "kill $! 2> /dev/null; wait $!"
	for _ in $(seq 100); do
		! grep -q serving "$SCRATCH/$kind.txt" || return 0
		sleep 0.05
	done
	fail "sink $kind: $(cat "$SCRATCH/$kind.txt")"
}
quick() { # WHAT WANTED-STATUS ARGUMENTS...: the report is $report
	local what=$1 want=$2 status=0
	shift 2
	report=$SCRATCH/run$((runs = ${runs:-0} + 1))/run.json
	"$SQUALL" "$@" --out "${report%/run.json}" --quiet 2> "$SCRATCH/err.txt" || status=$?
	expect_eq "$status" "$want" "$what: status; it said: $(cat "$SCRATCH/err.txt")"
}
refused() { # EXPECTED-PATTERN ARGUMENTS...
	local pattern=$1
	shift
	quick "$*" 2 "$@"
	grep -qE -e "$pattern" "$SCRATCH/err.txt" || fail "$*: expected /$pattern/, got: $(cat "$SCRATCH/err.txt")"
	[ ! -e "$report" ] || fail "$*: a run was made"
}
load() { # EXPRESSION: of the report's only load
	jq -r ".scenario.load[0] | $1" "$report"
}

sink tcp 19000 --greeting hello
sink dns 19053
sink smtp 19025

# The options of a load, of its arrivals and of its driver, in both spellings.
quick "tcp" 0 tcp 127.0.0.1:19000 --rate 400/s --count 200 --until greeting --hold=10ms --threads 2 \
	--expect 'tcp.ok == 200' --expect 'tcp.failures == 0' --name first
expect_eq "$(jqr "$report" '.run.name')" first "the run's name"
expect_eq "$(load '"\(.name) \(.driver) \(.arrivals.rate) \(.duration) \(.until) \(.hold) \(.threads)"')" "tcp tcp 400 500ms greeting 10ms 2" "the scenario"
expect_eq "$(jqr "$report" '.expectations | length')" 2 "expectations"
"$SQUALL" run "$report" --out "$SCRATCH/again" --quiet || fail "the report runs again: status $?"
expect_eq "$(jqr "$SCRATCH/again/run.json" .scenario)" "$(jqr "$report" .scenario)" "the report's plan, run again"
quick "an expectation that fails" 1 tcp localhost --port 19000 --count 10 --expect 'tcp.ok == 11'
quick "poisson" 0 tcp 127.0.0.1:19000 --poisson 100/s --duration 1s
quick "bursts" 0 tcp 127.0.0.1:19000 --burst 16 --every 200ms --streams 2 --count 64
expect_eq "$(load '"\(.arrivals.burst) \(.arrivals.every) \(.arrivals.streams) \(.duration)"') $(jqr "$report" '.loads[0].scheduled')" "16 200ms 2 400ms 64" "bursts"
quick "a closed loop" 0 tcp 127.0.0.1:19000 --closed 5 --count 100
expect_eq "$(load .arrivals.closed) $(jqr "$report" '.loads[0].scheduled')" "5 100" "a closed loop"

# dnsperf's letters; a bare number of seconds is one.
printf 'a.example.test A\nb.example.test AAAA\n' > "$SCRATCH/queries.txt"
quick "dns" 0 dns -s 127.0.0.1 -p 19053 -d "$SCRATCH/queries.txt" -Q 200 -l 1 -t2 -T 2 --expect 'dns.ok == 200'
expect_eq "$(load '"\(.queries) \(.arrivals.rate) \(.duration) \(.timeout) \(.threads)"')" "$SCRATCH/queries.txt 200 1s 2s 2" "dnsperf's letters"
quick "dns, EDNS" 0 dns -s 127.0.0.1 -p 19053 -d "$SCRATCH/queries.txt" -D -e -E 65001:c0ffee -E 3: --count 20 --expect 'dns.ok == 20'
expect_eq "$(load '"\(.dnssec) \(.edns) \(.edns_options | join(" "))"')" "true 1232 65001:c0ffee 3:" "dnsperf's letters of EDNS"
quick "dns without a name" 0 dns 127.0.0.1:19053 --count 20 --expect 'dns.ok == 20'

# Postal's list of users.
printf 'one@example.test\ntwo@example.test\n' > "$SCRATCH/users.txt"
quick "smtp" 0 smtp 127.0.0.1:19025 --users "$SCRATCH/users.txt" --rate 50/s --count 20 --expect 'smtp.ok == 20'
expect_eq "$(load .users)" "$SCRATCH/users.txt" "the users' file"
quick "smtp, messages a minute" 0 smtp 127.0.0.1:19025 --users "$SCRATCH/users.txt" --rate 24000/min --messages-per-connection 10 \
	--size 1-10KiB --count 400 --expect 'smtp.ok == 400'
expect_eq "$(load '"\(.arrivals.rate) \(.duration) \(.size)"')" "400 1s 1KiB-10KiB" "24000/min"
quick "smtp, Postal's letters" 0 smtp 127.0.0.1:19025 --users "$SCRATCH/users.txt" -r 6000 -t 5 -c 3 -m 4 --count 50 --expect 'smtp.ok == 50'
expect_eq "$(load '"\(.arrivals.rate) \(.connections) \(.messages_per_connection) \(.size)"')" "100 5 1-3 1KiB-4KiB" "Postal's letters"

# Postal's lines, here of half a second each: they add up to the report, the last partial one included.
quick "smtp, Postal's lines" 0 smtp 127.0.0.1:19025 --rate 100 --duration 1200ms -c 3 --postal 500ms > "$SCRATCH/postal.txt"
expect_eq "$(head -1 "$SCRATCH/postal.txt")" "time,messages,data(K),errors,connections,SSL connections" "Postal's first line"
expect_eq "$(tail -n +2 "$SCRATCH/postal.txt" | grep -cE '^([01][0-9]|2[0-3]):[0-5][0-9](,[0-9]+){5}$')" "$(($(wc -l < "$SCRATCH/postal.txt") - 1))" "lines of Postal's form"
[ "$(wc -l < "$SCRATCH/postal.txt")" -ge 4 ] || fail "too few of Postal's lines: $(cat "$SCRATCH/postal.txt")"
expect_eq "$(awk -F, 'NR > 1 { m += $2; k += $3; e += $4; c += $5; s += $6 } END { print m, k, e, c, s }' "$SCRATCH/postal.txt")" \
	"$(jqr "$report" '.loads[0] | "\([.outcomes[] | select(.class == "ok") | .count] | add) \(.counts.bytes / 1024 | floor) 0 \(.counts.connections) 0"')" "sums of Postal's lines"
refused '--postal: expected a duration' smtp 127.0.0.1:19025 --postal yes
quick "smtp without a list" 0 smtp 127.0.0.1:19025 --count 5 --expect 'smtp.ok == 5'

# Targets: a default port, IPv6 with and without brackets.
for target in '127.0.0.1 127.0.0.1:53' '::1 [::1]:53' '[::1] [::1]:53' '[::1]:19053 [::1]:19053'; do
	quick "dns ${target% *}" 1 dns "${target% *}" --count 1 --timeout 200ms --expect 'dns.scheduled == 2'
	expect_eq "$(jqr "$report" .scenario.target)" "${target#* }" "dns ${target% *}: target"
done

# What can't be meant.
refused 'name the target' tcp
refused '127\.0\.0\.1" names no port' tcp 127.0.0.1
refused 'one target is enough.*"b"' tcp a b
refused 'names a port already' tcp 127.0.0.1:19000 --port 5
refused 'is not loopback.*--authorize 192\.0\.2\.1/32' dns 192.0.2.1
refused 'both "rate" and "burst" are given' tcp 127.0.0.1:19000 --rate 1 --burst 4
refused '--untl: unknown option; did you mean "--until"' tcp 127.0.0.1:19000 --untl acked
refused '--until: .*did you mean "acked"' tcp 127.0.0.1:19000 --until acke
refused '--duration: expected a duration' tcp 127.0.0.1:19000 --duration 10
refused '--hold: it needs a value' tcp 127.0.0.1:19000 --hold
refused '-x: unknown option; known letters: .*-Q' dns 127.0.0.1 -x 5
refused '-D takes no value' dns 127.0.0.1 -D5
refused 'tcp\.failurs.*tcp\.failures' tcp 127.0.0.1:19000 --expect 'tcp.failurs == 0'

# Help is drawn from the same tables: every key, and no key twice.
for form in tcp dns smtp; do
	"$SQUALL" help "$form" > "$SCRATCH/help.txt"
	expect_eq "$(sed -n 's/^  \(--[a-z-]*\).*/\1/p' "$SCRATCH/help.txt" | sort | uniq -d)" "" "help $form: twice"
	"$SQUALL" help scenario | awk -v driver="driver \`$form\`" '/^#/ { here = index($0, driver) > 0 }
		here && /^\| `/ { gsub("`", "", $2); gsub("_", "-", $2); print $2 }' > "$SCRATCH/keys.txt"
	[ -s "$SCRATCH/keys.txt" ] || fail "the driver $form has no keys"
	while read -r key; do
		grep -qE -e "^  --$key( |$)" "$SCRATCH/help.txt" || fail "help $form does not name $key"
	done < "$SCRATCH/keys.txt"
done
