"""What the labelled runs are built of: shapes of arrival, loads, built-in targets, filters, real resolvers, and settings of
the whole machine.  Nothing here knows a cause; singles.py, blameless.py and cases.py put them together."""

import json

SHAPES = ("burst", "even", "poisson")
LEVELS = (0, 1, 2)
QUIET = {"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1}


def arrivals(shape, rate, every_ms=200):
    """So many a second: evenly, at random, or all of each 200 ms at once."""
    if shape == "burst":
        return {"burst": max(1, rate * every_ms // 1000), "every": "%dms" % every_ms, "phase": "0s"}
    return {"poisson" if shape == "poisson" else "rate": rate}


def scenario(loads, server, client=None, links=None):
    """A client and a server with a witness each, which asks nft and tc what they counted."""
    hosts = {"client": client or {}, "server": server}
    for name, host in hosts.items():
        host["sysctl"] = dict(QUIET, **host.get("sysctl", {}))
        host["run"] = host.get("run", []) + [{"argv": ["sh", "WITNESS", name]}]
    return {"name": "truth", "idle": "300ms", "target": loads[0].pop("target", "server:9000"), "load": loads,
            "world": {"hosts": hosts, "links": [dict({"between": ["client", "server"]}, **(links or {}))]}}


def tcp(shape, rate, **more):
    return dict({"name": "storm", "driver": "tcp", "duration": "1s", "timeout": "800ms", "arrivals": arrivals(shape, rate)}, **more)


def dns(shape, rate, **more):
    return dict({"name": "queries", "driver": "dns", "names": ["n{0-999}.example.test"], "duration": "500ms",
                 "timeout": "1s", "target": "server:53", "arrivals": arrivals(shape, rate)}, **more)


def tcp_sink(**more):
    return dict({"sink": "tcp", "listen": "0.0.0.0:9000", "greeting": "x\n"}, **more)


def dns_sink(**more):
    return dict({"sink": "dns", "listen": "0.0.0.0:53"}, **more)


def shaped(rate, limit, host):
    return {"shape": {"rate": rate, "limit": limit, "host": host}}


def ruleset(hook, match):
    return ["table inet truth { chain c { type filter hook %s priority 0; %s; }; }" % (hook, match)]


def one_in(k):
    return "numgen inc mod %d == 0" % k


SYN = "tcp dport 9000 tcp flags & (syn | ack) == syn"


def over_ipv6(kind):
    """The same run over IPv6: other functions of the kernel's, and the same counters of TCP's."""
    def six(level, shape):
        s, *rest = kind(level, shape)
        text = json.dumps(s).replace("server:", "[fd00:198::2]:").replace("0.0.0.0:", "[::]:")
        s = json.loads(text)
        for number, name in enumerate(("client", "server")):
            s["world"]["hosts"][name]["addresses"] = ["fd00:198::%d/64" % (number + 1)]
            for key in QUIET:
                s["world"]["hosts"][name]["sysctl"].pop(key, None)
        return (s, *rest)
    six.__name__ = kind.__name__ + "_over_ipv6"
    return six


# ---- settings of the whole machine: such runs are alone, and need --allow-global ----

def globally(s, **sysctl):
    """What no namespace has for itself, by the last part of its name."""
    places = {"tcp_max_orphans": "net.ipv4.", "tcp_mem": "net.ipv4.", "nf_conntrack_max": "net.netfilter.", "netdev_max_backlog": "net.core."}
    s["world"]["sysctl"] = {places.get(name, "net.ipv4.neigh.default.") + name: value for name, value in sysctl.items()}
    return s


def answers_and_closes(wmem, size, **load):
    """Clients that ask for an answer which the server hands to its kernel and closes upon; what the kernel still holds then is an orphan."""
    load = dict(dict(until="closed", send="x", answer_size=size, timeout="8s"), **load)
    server = {"sysctl": {"net.ipv4.tcp_wmem": wmem},
              "run": [tcp_sink(greeting="", request_bytes=1, reply_bytes=size, close_after=1)]}
    return load, server


def neighbours(shape, n, most):
    """n hosts of one link are talked to, of which the table takes so many (the whole machine's others among them): by queries, or
    by connects, since a burst of queries leaves by one socket and so goes to one host."""
    connects = shape == "burst"
    make = tcp if connects else dns
    load = make(shape, n, count=n, duration="1s", **({} if connects else {"sockets": n}))
    server = {"addresses": ["198.18.64.1-198.18.64.%d/16" % n], "run": [tcp_sink(), dns_sink()]}
    s = scenario([load], server)
    s["load"][0]["target"] = ["198.18.64.%d:%d" % (i + 1, 9000 if connects else 53) for i in range(n)]
    return globally(s, gc_thresh1=most // 4, gc_thresh2=most // 2, gc_thresh3=most)


# ---- resolvers and relays: real ones, before a sink that says what it was programmed to ----

def behind(load, argv, upstream, capture, **wait):
    """A server that asks a host "upstream", which is 198.19.0.2."""
    s = scenario([load], {"run": [dict({"argv": argv}, **wait)]})
    s["world"]["hosts"]["upstream"] = {"sysctl": dict(QUIET, **{"net.ipv4.icmp_ratelimit": 0}), "run": upstream}
    s["world"]["links"].append({"between": ["server", "upstream"]})
    s["capture"] = [{"source": "linux"}, dict({"host": "server"}, **capture)]
    return s


def in_a_place_of_its_own(program, text, lines):
    """A shell that writes its lines to a file in a tmpfs and becomes the program."""
    return ["sh", "-ec", "mount -t tmpfs none /mnt; printf '%%s\\n' \"$@\" > /mnt/%s.conf; %s" % (program, text), program] + lines


def named(load, upstream, quota=10000):
    argv = in_a_place_of_its_own("named", "exec named -f -n 1 -U 1 -c /mnt/named.conf", [
        "options { directory \"/mnt\"; pid-file none; session-keyfile none; listen-on { 198.18.0.2; }; listen-on-v6 { none; };",
        "recursion yes; recursive-clients %d; dnssec-validation no; forward only; forwarders { 198.19.0.2; }; };" % quota,
        "controls { }; statistics-channels { inet 127.0.0.1 port 8053; };",
        "logging { channel log { file \"/mnt/named.log\"; }; category default { log; }; };"])
    return behind(load, argv, upstream, {"source": "bind", "log": "/mnt/named.log"}, wait_port=53)


def unbound(load, upstream, quota):
    argv = in_a_place_of_its_own("unbound", "exec unbound -d -c /mnt/unbound.conf", [
        "server:", "username: \"\"", "chroot: \"\"", "directory: /mnt", "pidfile: \"\"", "use-syslog: no", "logfile: /mnt/unbound.log",
        "interface: 198.18.0.2", "access-control: 198.18.0.0/15 allow", "num-threads: 1", "num-queries-per-thread: %d" % quota,
        "module-config: iterator", "local-zone: \"test.\" nodefault", "remote-control:", "control-enable: yes",
        "control-interface: /mnt/unbound.ctl", "forward-zone:", "name: \".\"", "forward-addr: 198.19.0.2"])
    return behind(load, argv, upstream, {"source": "unbound", "command": "unbound-control -c /mnt/unbound.conf stats_noreset"}, wait_port=53)


SILENT = [dns_sink(drop_percent=100)]
FAILING = [dns_sink(rcode="SERVFAIL")]


# ---- the server's processor ----

WORKER = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
s.bind(("0.0.0.0", 53))
ready = socket.create_server(("0.0.0.0", 53))  # a connection tells that it has begun
began = None
while True:
    query, peer = s.recvfrom(512)
    now = time.monotonic()
    began = began or now
    end = time.thread_time() + float(sys.argv[1 if now < began + 1.5 else 2])
    while time.thread_time() < end:
        pass
    s.sendto(query[:2] + bytes((0x81, 0x80)) + query[4:], peer)
"""
HOGS = "sleep 2.5; for i in $(seq $1); do taskset -c 0 timeout 2 sh -c 'while :; do :; done' & done; exec sleep 600"


def working(first, then):
    """A server of one thread that works so many seconds for each query, and so many from 1.5 s on.  Its buffer holds all that comes."""
    return {"argv": ["taskset", "-c", "0", "python3", "-c", WORKER, str(first), str(then)], "wait_port": 53, "wait": "10s"}
