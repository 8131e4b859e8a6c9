"""A run, and what is known of it from outside of squall's account: what sinks, nft, tc and /proc counted, of which a witness
on each host writes down what ends with the world.  explained() is the account itself, which is held against that."""

import json

WITNESS = """trap 'nft -j list ruleset > "DIR/$1.nft"; tc -s -j qdisc show > "DIR/$1.tc"; cat /proc/net/netstat > "DIR/$1.netstat"
find /mnt/queue/deferred -type f 2> /dev/null | wc -l > "DIR/$1.deferred"; exit' TERM
sleep 600 & wait
"""


class Load:
    def __init__(self, load):
        count = lambda test: sum(o["count"] for o in load["outcomes"] if test(o["class"]))
        self.name = load["name"]
        self.scheduled, self.ok = load["scheduled"], count(lambda c: c == "ok")
        self.failures = count(lambda c: c not in ("ok", "missed", "canceled"))
        self.outcomes = load["outcomes"]
        self.missed = count(lambda c: c in ("missed", "canceled"))

    def code(self, code):
        return sum(o["count"] for o in self.outcomes if o["code"] == code)


class Run:
    def __init__(self, folder):
        self.folder = folder
        with open(folder + "/run/run.json") as f:
            self.report = json.load(f)

    def load(self, name):
        return Load(next(l for l in self.report["loads"] if l["name"] == name))

    def loads(self):
        return [Load(l) for l in self.report["loads"]]

    def sinks(self, kind):
        return [s["counts"] for s in self.report["servers"] if s["what"] == "sink " + kind]

    def sink(self, kind):
        return self.sinks(kind)[0]

    def tc(self, host):
        with open("%s/%s.tc" % (self.folder, host)) as f:
            return sum(q.get("drops", 0) for q in json.load(f))

    def nft(self, host):
        with open("%s/%s.nft" % (self.folder, host)) as f:
            rules = [item["rule"] for item in json.load(f)["nftables"] if "rule" in item]
        return sum(e["counter"]["packets"] for r in rules for e in r["expr"] if "counter" in e)

    def mib(self, host, name):
        """A counter of /proc/net/netstat; a world's namespaces begin at 0."""
        with open("%s/%s.netstat" % (self.folder, host)) as f:
            lines = [line.split() for line in f]
        return next(int(values[names.index(name)]) for names, values in zip(lines[::2], lines[1::2]) if name in names)

    def counter(self, host, name):
        """What a server says of itself, through squall's reading of it: not a count of squall's own."""
        return sum(c["delta"] for c in self.report["counters"] if c["host"] == host and c["metric"] == name)

    def deferred(self, host):
        """Messages in its Postfix's queue that were tried."""
        with open("%s/%s.deferred" % (self.folder, host)) as f:
            return int(f.read())

    def explained(self, loads=None):
        """{(mechanism, host): failures}, of these loads; None is what no client saw."""
        sums = {}
        for f in self.report["findings"]:
            if loads is None or f["load"] in loads:
                key = f["mechanism"], f["host"]
                sums[key] = sums.get(key, 0) + f["explained"]
        return sums
