"""What the benches share: processes pinned to a processor, what they cost, when packets came, and the
report.  A bench is a file beside this one: its parts put figures into a round's row by name, its bars
compare them.

The generators run on processor 0, their servers on processor 1, all of a round's after one another and
every other round in the opposite order, so that a machine that drifts drifts for all of them.  A peer
that has no figure has no row: it is never written down as 0.

CPU is what wait4(2) says of a process and all that it waited for: exact to the microsecond, where the
busy columns of /proc/stat are samples at the clock's tick, which timers run in step with."""
import argparse, contextlib, json, os, platform, re, shutil, signal, statistics, struct, subprocess, sys, tempfile, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SQUALL = os.environ.get("SQUALL", TOP + "/build/squall")
os.environ["PATH"] += ":/usr/sbin:/sbin"


def fail(text):
    sys.exit("bench: " + text)


def enter_network():
    """Goes on in a network namespace of its own, which ends with this process; without root in a user
    namespace too."""
    if "SQUALL_BENCH_INSIDE" not in os.environ:
        os.environ["SQUALL_BENCH_INSIDE"] = "yes"
        os.execvp("unshare", ["unshare", "--net"] + ["--map-root-user"] * (os.geteuid() != 0) + [sys.executable] + sys.argv)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with open("/proc/sys/net/core/somaxconn", "w") as f:
        f.write("65535")


def pinned(cpu, argv, space=None):
    return (["ip", "netns", "exec", space] if space else []) + ["taskset", "-c", str(cpu)] + argv


def reap(p):
    """User and system seconds of a process and of all that it waited for, once it has ended."""
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def said_by(argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def find(text, pattern):
    """The one number that a program's output is read for."""
    found = re.search(pattern, text)
    return int(found.group(1)) if found else None


class Bench:
    """One sitting.  Used by "with": servers end, and the scratch folder goes, whatever happens."""

    def __init__(self, doc, name, title, parts, short, seconds=5):
        a = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
        a.add_argument("--rounds", type=int, default=5)
        a.add_argument("--seconds", type=int, default=seconds)
        a.add_argument("--out", default="%s/docs/bench/%s" % (TOP, name))
        a.add_argument("--only", help="parts, of " + ",".join(parts))
        a.add_argument("--short", action="store_true",
                       help="one round of one second, without peers: shows that the bench works, and measures nothing")
        args = a.parse_args()
        self.name, self.title, self.out = name, title, args.out
        self.rounds, self.seconds = (1, 1) if args.short else (args.rounds, args.seconds)
        self.peers = not args.short
        self.only = args.only.split(",") if args.only else short if args.short else list(parts)
        if not set(self.only) <= set(parts):
            fail("--only %s: the parts are %s" % (args.only, ", ".join(parts)))
        self.undo = contextlib.ExitStack()
        self.scratch = tempfile.mkdtemp(prefix="squall-bench.")
        self.undo.callback(shutil.rmtree, self.scratch, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.undo.close()

    def need(self, *tools):
        if os.cpu_count() < 2:
            fail("it needs two processors")
        for tool in tools + (SQUALL, "taskset"):
            if not shutil.which(tool):
                fail(tool + " is missing; the first lines of --help say what is needed")

    # ---- processes ----

    def serve(self, name, argv, port, space=None):
        """Starts a server, and comes back when it listens."""
        log = "%s/%s.log" % (self.scratch, name)
        if not space and listens(os.getpid(), port):
            fail("port %d is taken" % port)
        p = subprocess.Popen(pinned(1, argv, space), stdout=open(log, "w"), stderr=subprocess.STDOUT)
        self.undo.callback(stop, p)
        while not listens(p.pid, port):
            if p.poll() is not None:
                fail("%s does not start: %s" % (name, open(log).read()))
            time.sleep(0.02)
        return p

    def peer(self, argv, space=None):
        """Output of a generator, and its CPU."""
        p = subprocess.Popen(pinned(0, argv, space), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = p.stdout.read()
        return said, reap(p)

    def squall(self, args, space=None):
        """The load of the report, and the CPU of all processes: capture and report are in it."""
        out = tempfile.mkdtemp(dir=self.scratch)
        p = subprocess.Popen(pinned(0, [SQUALL, self.name] + args + ["--set", "/idle=100ms", "--out", out + "/run", "--quiet"], space),
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        said = p.stderr.read()
        cpu = reap(p)
        try:
            with open(out + "/run/run.json") as f:
                load = json.load(f)["loads"][0]
        except FileNotFoundError:
            fail("squall %s: %s" % (" ".join(args), said))
        if load["scheduled"] != sum(o["count"] for o in load["outcomes"]):
            fail("squall: scheduled is not the sum of the outcomes")
        load["ok"] = sum(o["count"] for o in load["outcomes"] if o["class"] == "ok")
        return load, cpu

    # ---- packets ----

    def traced(self, what, command):
        """The packets on loopback that a filter lets through while a command runs, and its result."""
        path = self.scratch + "/arrivals.pcap"
        p = subprocess.Popen(pinned(1, ["tcpdump", "-i", "lo", "-n", "-s", "128", "-B", "65536", "-Z", "root",
                                        "--time-stamp-precision=nano", "-w", path, what]), stderr=subprocess.PIPE, text=True)
        said = p.stderr.readline()
        while said and "listening on" not in said:
            said = p.stderr.readline()
        try:
            result = command()
            time.sleep(1.2)  # the kernel hands packets over in blocks, a second late at most
        finally:
            p.send_signal(signal.SIGINT)
        said = p.communicate()[1]
        if find(said, r"(\d+) packets? dropped by kernel") != 0:
            fail("tcpdump: " + said)
        return packets(path), result

    # ---- the whole ----

    def sit(self, parts, versions, bars, limits):
        """All rounds, the report after each of them, and the exit status: were the bars held?  In its
        short form that is not asked."""
        about, rows, held = machine(versions), [], False
        for i in range(self.rounds):
            self.forward = i % 2 == 0
            rows.append({})
            for name in self.only:
                parts[name](self, rows[-1])
            held = report(self, about, rows, bars, limits)
            print("round %d of %d" % (i + 1, self.rounds), file=sys.stderr)
        print(open(self.out + ".md").read())
        return 0 if held or not self.peers else 1

    def in_turn(self, *generators):
        for measure in generators if self.forward else reversed(generators):
            measure()


def listens(pid, port):
    """Whether anyone does, in the network that the process is in.  NSD listens before it has read its
    zone; queries wait."""
    try:
        rows = [row.split() for name in ("tcp", "tcp6") for row in open("/proc/%d/net/%s" % (pid, name))]
    except OSError:
        return False
    return any(row[1].endswith(":%04X" % port) and row[3] == "0A" for row in rows)


def stop(p):
    if p.poll() is None:
        p.send_signal(signal.SIGTERM)
        p.wait(10)


def packets(path):
    """[(ns, its bytes, its length on the wire)] of a pcap of nanoseconds."""
    with open(path, "rb") as f:
        data = f.read()
    at, found = 24, []
    while at + 16 <= len(data):
        s, ns, kept, full = struct.unpack_from("<IIII", data, at)
        found.append((s * 10**9 + ns, data[at + 16:at + 16 + kept], full))
        at += 16 + kept
    return found


def windows(times, seconds, rate, lead_ns=0):
    """Rate error, and the share of 10 ms windows that have what is due within 5 %.  The first window
    begins lead_ns before the first arrival: half a window where arrivals come in bursts of one a
    window, which would else lie on its edge."""
    first, width, due = times[0] - lead_ns, 10**7, rate / 100
    n = [0] * (seconds * 100)
    for t in times:
        if (t - first) // width < len(n):
            n[(t - first) // width] += 1
    return abs(sum(n) / seconds / rate - 1), sum(0.95 * due <= x <= 1.05 * due for x in n) / len(n)


# ---- the report ----

def machine(versions):
    model = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
    return {"kernel": platform.release(), "cpu": model.group(1) if model else platform.machine(),
            "processors": os.cpu_count(), "load_average": os.getloadavg()[0], "versions": versions}


def version(argv):
    said = said_by(argv).strip()
    return said.splitlines()[0][:80] if said else ""


def package(name):
    return name + " " + said_by(["dpkg-query", "-W", "-f", "${Version}", name])


def compared(rows, medians, bars, limits):
    """What a bar compares, what it got, how and with what.  A bar's is the median of the rounds' ratios
    of two figures, a limit's the median of one; without a how it is for information."""
    for what, a, b, how, bar in bars:
        ratios = [r[a] / r[b] for r in rows if a in r and r.get(b)]
        if ratios:
            yield what, statistics.median(ratios), how, bar
    for what, key, how, bar in limits:
        if key in medians:
            yield what, medians[key], how, bar


def judge(got, how, bar):
    if how is None:
        return {"bar": "", "held": None}
    return {"bar": "%s %g" % (how, bar), "held": got >= bar if how == ">=" else got <= bar}


def report(bench, about, rows, bars, limits):
    names = sorted({k for r in rows for k in r})
    medians = {k: statistics.median(r[k] for r in rows if k in r) for k in names}
    held = [dict({"what": what, "got": got}, **judge(got, how, bar)) for what, got, how, bar in compared(rows, medians, bars, limits)]
    os.makedirs(os.path.dirname(os.path.abspath(bench.out)), exist_ok=True)
    with open(bench.out + ".json", "w") as f:
        json.dump({"machine": about, "seconds": bench.seconds, "rounds": rows, "medians": medians, "bars": held}, f, indent=1)
        f.write("\n")
    with open(bench.out + ".md", "w") as f:
        f.write("# %s\n\nMade by `tests/bench/%s`, which says what is measured and how: medians of %d rounds of %d s, "
                "ratios taken round by round.\n\n%s, %d processors, Linux %s, load average %.2f before the first round; %s.\n\n"
                % (bench.title, bench.name, len(rows), bench.seconds, about["cpu"], about["processors"], about["kernel"],
                   about["load_average"], ", ".join(about["versions"])))
        f.write("| what | got | bar | held |\n| --- | --- | --- | --- |\n")
        for h in held:
            f.write("| %s | %.3g | %s | %s |\n" % (h["what"], h["got"], h["bar"], {True: "yes", False: "**no**", None: ""}[h["held"]]))
        f.write("\n| figure | median | least | most |\n| --- | --- | --- | --- |\n")
        for k in names:
            v = [r[k] for r in rows if k in r]
            f.write("| %s | %.4g | %.4g | %.4g |\n" % (k, medians[k], min(v), max(v)))
    return all(h["held"] is not False for h in held)
