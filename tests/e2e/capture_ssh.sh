# Counters of another machine, through ssh: by squall there, and by nothing but sh and cat. That machine's
# clock is 300 ms off, and yet each burst's rise stands where the burst was, within the bound that the
# report states, which is under 5 ms; and it is the machine's own.  Whatever is read there, it is one ssh connection.
. "$(dirname "$0")/lib.sh"

ssh_set_up
mkdir "$SCRATCH/far"
ln -s "$(realpath "$SQUALL")" "$SCRATCH/far/squall"
# Two sources that run commands, each read by itself.
for tool in top:openbsd-4.4-top vmstat:openbsd-3.1-vmstat-m; do
	cp "$SQ_SOURCE_DIR/tests/texts/${tool#*:}.txt" "$SCRATCH"
	printf '#!/bin/sh\ncat %s\n' "$SCRATCH/${tool#*:}.txt" > "$SCRATCH/far/${tool%:*}"
done
printf '#!/bin/sh\necho OpenBSD\n' > "$SCRATCH/far/uname"
chmod +x "$SCRATCH"/far/{top,vmstat,uname}
sshd_settings 2201 "SetEnv PATH=$SCRATCH/far:/usr/bin:/bin"
sshd_settings 2202 "SetEnv PATH=/usr/bin:/bin"
# A program whose monotonic clock is 300 ms ahead.
cat > "$SCRATCH/ahead.py" <<'P'
import ctypes, os, sys
if ctypes.CDLL(None, use_errno=True).unshare(0x80) != 0:
    sys.exit("no time namespace: " + os.strerror(ctypes.get_errno()))
with open("/proc/self/timens_offsets", "w") as f:
    f.write("monotonic 0 300000000\nboottime 0 300000000\n")
if os.fork() == 0:
    os.execv(sys.argv[1], sys.argv[1:])
os.wait()
P
# A host of its own for each way to read, so that all three stand beside each other in one report.
jq -n --arg s "$SCRATCH" --arg sshd "$sshd_program" '
	def sshd($port): {argv: ["/usr/bin/python3", "\($s)/ahead.py", $sshd, "-D", "-e", "-f", "\($s)/sshd.\($port)"], wait_port: $port};
	{name: "far", target: "server:9000", bin: "10ms",
	world: {hosts: {client: {}, far: {}, shell: {}, server: {run: [{sink: "tcp", listen: "0.0.0.0:9000"}, sshd(2201), sshd(2202)]}},
		links: [{between: ["client", "server"], subnet: "198.18.0.0/24"}, {between: ["far", "server"], subnet: "198.18.1.0/24"},
			{between: ["shell", "server"], subnet: "198.18.2.0/24"}]},
	capture: [{source: "snmp", host: "server", interval: "10ms"},
		{source: "linux", host: "far", where: "ssh:root@198.18.1.2:2201", interval: "20ms"},
		({source: ("bsd_top", "bsd_vmstat_m"), host: "far", where: "ssh:root@198.18.1.2:2201", interval: "500ms"}),
		{source: "linux", host: "shell", where: "exec:ssh -p 2202 root@198.18.2.2 sh", interval: "20ms"}],
	load: [{name: "bursts", driver: "tcp", duration: "5s", arrivals: {burst: 40, every: "1s", phase: "437ms"}}]}' > "$SCRATCH/s.json"

status=0; "$SQUALL" run "$SCRATCH/s.json" --out "$SCRATCH/refused" 2> "$SCRATCH/refused.txt" || status=$?
expect_eq "$status" 2 "a far place without --allow-exec: status"
grep -q 'allow-exec' "$SCRATCH/refused.txt" || fail "no word of --allow-exec: $(cat "$SCRATCH/refused.txt")"

PATH=$SCRATCH/bin:$PATH "$SQUALL" run "$SCRATCH/s.json" --allow-exec --out "$SCRATCH/run" --quiet || fail "status $?; $(tail -n 5 "$SCRATCH"/run/servers/*.log)"
r="$SCRATCH/run/run.json"
expect_eq "$(jqr "$r" '.loads[0].outcomes | map("\(.code) \(.count)") | join(",")')" "ok 200" "the load"
expect_eq "$(jqr "$r" '.clocks | map("\(.host) \(.how)") | unique | join(",")')" "far ping,shell answer" "who read there, and how its times are known"
expect_eq "$(jqr "$r" '[.clocks[].bound_s < 0.005] | all')" true "bounds under 5 ms: $(jqr "$r" '.clocks | tostring')"
expect_eq "$(jqr "$r" '[.clocks[] | select(.host == "far") | .offset_s - 0.3 | fabs < 0.005] | all')" true "the offset that was found"
logins=$(cat "$SCRATCH"/run/servers/*.log | grep -c 'Accepted publickey')
expect_eq "$logins" 2 "logins of four readers at two places"
expect_eq "$(find "$SCRATCH" /tmp -maxdepth 1 -name 'squall-ssh.*' -newer "$SCRATCH/s.json" | wc -l)" 0 "folders left"
expect_eq "$(jqr "$r" '[.counters[] | select(.host == "far") | .source] | contains(["bsd_top", "bsd_vmstat_m"])')" true "both commands are read there"
expect_eq "$(jqr "$r" '.counters | map(select(.metric == "capture.took") | "\(.host) \(.source) \(.instance)") | group_by(.) | map(select(length > 1)[0]) | tostring')" "[]" "what the readings took is told twice"
expect_eq "$(jqr "$r" '[.absent[] | select(.host == "shell" and (.because | test("squall"))) | .source] | contains(["listeners", "qdisc", "udp"])')" true "what a shell can't read is told"
expect_eq "$(jqr "$r" '[.counters[] | select(.host == "far" and .metric == "listen.queue")] | length > 0')" true "squall there reads netlink too"
expect_eq "$(jqr "$r" '.environment | [.far, .shell] | map(.sysctls["net.core.somaxconn"]) | all(. != null)')" true "the far environments"
/usr/bin/python3 - "$SCRATCH/run" <<'P' || fail "a burst stands elsewhere than it was"
import json, sys
run = json.load(open(sys.argv[1] + "/run.json"))
t0 = next(r for r in map(json.loads, open(sys.argv[1] + "/spool/run.jsonl")) if r["k"] == "start")["t0_mono_ns"]
bound = {c["host"]: c["bound_s"] * 1e9 for c in run["clocks"]}
bound["server"] = 0
seen = {}
for host in bound:
    number, last, opens = {}, {}, 0
    for r in map(json.loads, open(f"{sys.argv[1]}/spool/capture-{host}.jsonl")):
        part = r.get("part", 0)
        if r["k"] == "metric" and r["metric"] == "Tcp.PassiveOpens":
            number[part] = r["i"]
        if r["k"] != "tick" or part not in number:
            continue
        v = dict(zip(r["v"][::2], r["v"][1::2]))
        if number[part] in v and v[number[part]] > opens:
            seen.setdefault(host, []).append((last[part] - t0, r["e"] - t0, v[number[part]] - opens))
            opens = v[number[part]]
        last[part] = r["e"]
for host, rises in seen.items():
    for k in range(5):
        due = k * 1e9 + 437e6
        # 40 connections take some ms; all that rose around the burst must have done so in that time.
        near = [x for x in rises if abs(x[1] - due) < 400e6]
        assert sum(n for _, _, n in near) == 40, (host, k, near)
        for begin, end, n in near:
            assert end + bound[host] >= due and begin - bound[host] <= due + 40e6, (host, k, due, begin, end)
assert set(seen) == {"far", "shell", "server"}, seen
P
