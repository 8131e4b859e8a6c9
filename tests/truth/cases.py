"""The labelled runs: scenarios whose causes of failure are known because they were put there, with counts
that come from outside of squall's account: what a sink counted itself, what nft and tc say at the run's
end, what was programmed.

A row of SINGLES, PAIRS, HEALTHY, BESIDE or UNSEEN is a kind of run; a new mechanism is a new row."""

import json

SHAPES = ("burst", "even", "poisson")
LEVELS = (0, 1, 2)
QUEUES = {"accept-queue-overflow", "syn-backlog-overflow", "receive-buffer-full", "interface-queue-full",
          "send-buffer-full"}
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


# ---- one cause ----
# Each gives the scenario, and a function of the run: {(mechanism, host): so many failures}.

def accept_queue_silent(level, shape):
    """Nothing is ever accepted: backlog + 1 get in."""
    load = tcp(shape, (200, 320, 512)[level])
    if shape == "burst":
        load["arrivals"] = {"burst": (200, 320, 512)[level], "every": "2s", "phase": "0s"}
    server = {"sysctl": {"net.core.somaxconn": 128}, "run": [tcp_sink(backlog=128, never_accept=True, greeting="")]}
    del server["run"][0]["greeting"]
    return scenario([load], server), lambda run: {("accept-queue-overflow", "server"): run.load("storm").scheduled - 129}


def accept_queue_reset(level, shape):
    """1 ms an accept, abort_on_overflow: what the sink did not accept failed, and of nothing else."""
    load = tcp(shape, (1800, 2400, 3200)[level], until="greeting", threads=2)
    server = {"sysctl": {"net.core.somaxconn": 128, "net.ipv4.tcp_abort_on_overflow": 1},
              "run": [tcp_sink(backlog=128, accept_delay="1ms")]}
    return (scenario([load], server, links=shaped("10mbit", 200000, "server")),
            lambda run: {("accept-queue-overflow", "server"): run.load("storm").failures})


def syn_backlog(level, shape):
    """97 half-open connections are three quarters of tcp_max_syn_backlog 128, and one; what keeps them so
    is a filter that counts."""
    n = (150, 200, 300)[level]
    half = {"name": "half-open", "driver": "tcp", "from": "far", "target": "198.19.0.2:9000", "duration": "1s", "timeout": "3s",
            "count": n, "arrivals": {"burst": n, "every": "1s", "phase": "0s"}}
    visitors = tcp(shape, 100, name="visitors", until="greeting", at="1s")
    server = {"sysctl": {"net.core.somaxconn": 128, "net.ipv4.tcp_max_syn_backlog": 128, "net.ipv4.tcp_syncookies": 0},
              "nft": ruleset("input", "ip saddr 198.19.0.1 tcp flags & (syn | rst) == 0 counter drop"),
              "run": [tcp_sink(backlog=128)]}
    s = scenario([visitors, half], server)
    s["world"]["hosts"]["far"] = {"sysctl": QUIET}
    s["world"]["links"].append({"between": ["far", "server"]})
    return s, lambda run: {("syn-backlog-overflow", "server"): n - 97 + run.load("visitors").scheduled,
                           ("packet-filter", "server"): 97}


def receive_buffer_server(level, shape):
    server = {"run": [dns_sink(receive_buffer=8192, capacity=1000)]}
    return (scenario([dns(shape, (2000, 3000, 4000)[level])], server),
            lambda run: {("receive-buffer-full", "server"): run.load("queries").scheduled - run.sink("dns")["queries"]})


def receive_buffer_client(level, shape):
    """All of each 50 ms at once, whatever the shape: due times are rounded up to that."""
    n = (60, 120, 200)[level]
    load = dns(shape, 20 * n, receive_buffer=2304, sockets=1, tick="50ms", arrivals=arrivals(shape, 20 * n, 50))
    return (scenario([load], {"run": [dns_sink(receive_buffer="4MiB")]}),
            lambda run: {("receive-buffer-full", "client"): run.sink("dns")["answered"] - run.load("queries").ok})


def interface_queue_server(level, shape):
    return (scenario([dns(shape, (1500, 2500, 4000)[level])], {"run": [dns_sink(receive_buffer="4MiB")]},
                     links=shaped("400kbit", 6000, "server")),
            lambda run: {("interface-queue-full", "server"): run.tc("server")})


def interface_queue_client(level, shape):
    return (scenario([dns(shape, (1000, 2000, 4000)[level])], {"run": [dns_sink(receive_buffer="4MiB")]},
                     links=shaped("100kbit", 3000, "client")),
            lambda run: {("interface-queue-full", "client"): run.tc("client")})


def send_buffer_server(level, shape):
    """What the sink could not send it says itself."""
    return (scenario([dns(shape, (1500, 2500, 4000)[level])], {"run": [dns_sink(receive_buffer="4MiB", send_buffer=4608)]},
                     links=shaped("400kbit", 3000000, "server")),
            lambda run: {("send-buffer-full", "server"): sum(run.sink("dns")["send_errors"].values())})


def send_buffer_client(level, shape):
    return (scenario([dns(shape, (1000, 2000, 4000)[level], send_buffer=4608, sockets=1)], {"run": [dns_sink(receive_buffer="4MiB")]},
                     links=shaped("400kbit", 3000000, "client")),
            lambda run: {("send-buffer-full", "client"): run.load("queries").scheduled - run.sink("dns")["queries"]})


def filter_datagrams(level, shape):
    server = {"nft": ruleset("input", "udp dport 53 %s counter drop" % one_in((10, 4, 2)[level])),
              "run": [dns_sink(receive_buffer="4MiB")]}
    return scenario([dns(shape, 2000)], server), lambda run: {("packet-filter", "server"): run.nft("server")}


def filter_connects(level, shape):
    server = {"nft": ruleset("input", "%s %s counter drop" % (SYN, one_in((10, 4, 2)[level]))), "run": [tcp_sink()]}
    return scenario([tcp(shape, 600)], server), lambda run: {("packet-filter", "server"): run.nft("server")}


def filter_rejects(level, shape):
    server = {"nft": ruleset("input", "%s %s counter reject with tcp reset" % (SYN, one_in((10, 4, 2)[level]))), "run": [tcp_sink()]}
    return scenario([tcp(shape, 600)], server), lambda run: {("packet-filter", "server"): run.nft("server")}


def filter_of_its_own(level, shape):
    client = {"nft": ruleset("output", "udp dport 53 %s counter drop" % one_in((10, 4, 2)[level]))}
    return (scenario([dns(shape, 2000)], {"run": [dns_sink(receive_buffer="4MiB")]}, client),
            lambda run: {("packet-filter", "client"): run.nft("client")})


def wrong_source(level, shape):
    load = dns(shape, (200, 600, 2000)[level], source="127.0.0.1")
    return (scenario([load], {"run": [dns_sink()]}),
            lambda run: {("wrong-source-address", "client"): run.load("queries").scheduled - run.sink("dns")["queries"]})


def ports_of_ours(level, shape):
    """100 ports for connections that are held."""
    client = {"sysctl": {"net.ipv4.ip_local_port_range": "40000 40099"}}
    return (scenario([tcp(shape, (200, 300, 500)[level], until="connected", hold="3s")], {"run": [tcp_sink()]}, client),
            lambda run: {("ephemeral-ports-exhausted", "client"): run.load("storm").scheduled - run.sink("tcp")["accepted"]})


def descriptors_of_ours(level, shape):
    load = tcp(shape, (200, 300, 500)[level], until="connected", hold="3s")
    return (scenario([load], {"run": [tcp_sink()]}, {"nofile": 64}),
            lambda run: {("descriptor-limit", "client"): run.load("storm").scheduled - run.sink("tcp")["accepted"]})


def slow_reader(level, shape):
    """1 KiB each 100 ms of 1 MiB: nobody is done in time."""
    load = tcp(shape, (30, 50, 80)[level], until="answer", send_size="1MiB", timeout="3s")
    server = {"sysctl": {"net.ipv4.tcp_rmem": "4096 131072 6291456"},
              "run": [{"sink": "tcp", "listen": "0.0.0.0:9000", "read": "slow", "read_bytes": 1024, "read_every": "100ms",
                       "request_bytes": 1048576, "reply_bytes": 1}]}
    return (scenario([load], server, {"sysctl": {"net.ipv4.tcp_wmem": "4096 16384 4194304"}}),
            lambda run: {("slow-reader", "server"): run.load("storm").scheduled - run.sink("tcp")["replies"]})


def stalled_server(level, shape):
    """SIGSTOP for a second: its accept queue overflows, and is not to blame."""
    stop = ("pid=$(ss -tlnpH 'sport = :9000' | sed 's/.*pid=\\([0-9]*\\).*/\\1/'); sleep 1.5; kill -STOP $pid; sleep 1.5; "
            "kill -CONT $pid; exec sleep 600")
    server = {"sysctl": {"net.core.somaxconn": 128}, "run": [tcp_sink(backlog=128), {"argv": ["sh", "-c", stop]}]}
    load = tcp(shape, (200, 300, 400)[level], until="greeting", duration="4s", timeout="500ms")
    return scenario([load], server), lambda run: {("server-stalled", "server"): run.load("storm").failures}


# ---- settings of the whole machine: such runs are alone, and need --allow-global ----

def globally(s, **sysctl):
    """What no namespace has for itself, by the last part of its name."""
    places = {"tcp_max_orphans": "net.ipv4.", "tcp_mem": "net.ipv4.", "nf_conntrack_max": "net.netfilter."}
    s["world"]["sysctl"] = {places.get(name, "net.ipv4.neigh.default.") + name: value for name, value in sysctl.items()}
    return s


def answers_and_closes(wmem, size, **load):
    """Clients that ask for an answer which the server hands to its kernel and closes upon; what the kernel still holds then is an orphan."""
    load = dict(dict(until="closed", send="x", answer_size=size, timeout="8s"), **load)
    server = {"sysctl": {"net.ipv4.tcp_wmem": wmem},
              "run": [tcp_sink(greeting="", request_bytes=1, reply_bytes=size, close_after=1)]}
    return load, server


def orphan_limit(level, shape):
    """Slow readers' answers, of which 64 may wait: exact, for the kernel's own count of connections that it gave up is
    that of the clients' resets."""
    more, server = answers_and_closes("4096 262144 4194304", 65536, read="slow", read_piece="8KiB", pause="100ms", receive_buffer="4KiB")
    return (globally(scenario([tcp(shape, (200, 250, 300)[level], **more)], server), tcp_max_orphans=64),
            lambda run: {("orphan-limit", "server"): run.mib("server", "TCPAbortOnMemory")})


def tcp_memory(level, shape):
    """150 answers of 24 KiB behind a slow link, more than TCP may hold in all; exact alike."""
    more, server = answers_and_closes("262144 262144 4194304", 24576)
    links = {"shape": {"rate": "20mbit", "burst": 16000, "limit": 8000000, "host": "server"}}
    load = tcp(shape, 1000, count=150, **more)
    return (globally(scenario([load], server, links=links), tcp_mem=("200 300 400", "150 250 300", "100 150 200")[level]),
            lambda run: {("tcp-memory", "server"): run.mib("server", "TCPAbortOnMemory")})


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


def neighbour_table(level, shape):
    """Exact: each refused send is a query that the sink never got, or a SYN of one connect."""
    return (neighbours(shape, 128, (64, 48, 32)[level]),
            lambda run: {("neighbour-table-full", "client"): run.loads()[0].scheduled - run.sink("dns")["queries"] - run.sink("tcp")["accepted"]})


def conntrack_table(level, shape):
    """Exact: who got no place is never accepted, and has sent one SYN by its time-out."""
    server = {"nft": ["table inet track { chain in { type filter hook input priority 0; ct state new accept; }; }"], "run": [tcp_sink(greeting="")]}
    load = tcp(shape, 200, until="connected", hold="10s")
    return (globally(scenario([load], server), nf_conntrack_max=(150, 100, 50)[level]),
            lambda run: {("conntrack-full", "server"): run.load("storm").scheduled - run.sink("tcp")["accepted"]})


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


def resolver_quota(level, shape):
    """Exact: unbound may wait for so many, the server that it asks is silent, and no name is asked for twice.  (The
    others time out too, and no counter of unbound's says why.)"""
    n = (50, 100, 200)[level]
    load = dns(shape, 600, timeout="2s")
    return (unbound(load, SILENT, n), lambda run: {("resolver-quota", "server"): run.load("queries").scheduled - n})


def upstream_fails(level, shape):
    """Exact: it was programmed to fail each query."""
    load = dns(shape, (100, 300, 600)[level], duration="1s", names=["n{1-600}.example.test"], timeout="3s")
    return named(load, FAILING), lambda run: {("upstream-failure", "server"): run.load("queries").scheduled}


def upstream_silent(level, shape):
    """It was programmed never to answer, and named waits longer than anybody asks: all time out."""
    load = dns(shape, (50, 100, 200)[level], duration="1s", names=["n{1-200}.example.test"], timeout="3s")
    return named(load, SILENT), lambda run: {("upstream-failure", "server"): run.load("queries").scheduled}


def relay_lookups(level, shape):
    """Postfix behind a name server that fails, is silent, or is not there.  Exact: each message stands in its deferred queue."""
    load = {"name": "mail", "driver": "smtp", "duration": "500ms", "timeout": "5s", "target": "server:25",
            "recipients": ["user@a{1-60}.example.test"], "arrivals": arrivals(shape, (60, 80, 120)[level])}
    argv = ["sh", "-ec", "mount -t tmpfs none /mnt; mkdir /mnt/etc /mnt/queue /mnt/data; chown postfix /mnt/data; "
            "printf '%s\\n' 'nameserver 198.19.0.2' 'options timeout:1 attempts:2' > /mnt/resolv.conf; mount --bind /mnt/resolv.conf /etc/resolv.conf; "
            "cp /usr/share/postfix/master.cf.dist /mnt/etc/master.cf; printf '%s\\n' \"$@\" > /mnt/etc/main.cf; "
            "postconf -c /mnt/etc -F '*/*/chroot = n'; exec postfix -c /mnt/etc start-fg", "postfix",
            "compatibility_level = 3.6", "queue_directory = /mnt/queue", "data_directory = /mnt/data", "maillog_file = /mnt/mail.log",
            "maillog_file_prefixes = /mnt", "myhostname = relay.example.test", "mydestination =", "mynetworks = 198.18.0.0/15",
            "inet_protocols = ipv4", "smtpd_peername_lookup = no", "smtpd_relay_restrictions = permit_mynetworks, reject",
            "local_recipient_maps =", "alias_maps =", "alias_database ="]
    s = behind(load, argv, (FAILING, SILENT, [])[level], {"source": "postfix", "log": "/mnt/mail.log", "queue": "/mnt/queue"},
               wait_port=25, wait="60s")
    s["idle"] = "5s" if level == 1 else "2s"
    return s, lambda run: {("relay-dns-failure", "server"): run.deferred("server")}


# ---- the server's processor ----

WORKER = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
s.bind(("0.0.0.0", 53))
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
    return {"argv": ["taskset", "-c", "0", "python3", "-c", WORKER, str(first), str(then)]}


def saturated_by_work(level, shape):
    """More comes than one thread can work off, though the other processors are idle: what failed waited behind the others.
    No counter counts it, and when it began is known to a reading: a tenth will do."""
    load = dns(shape, (300, 400, 600)[level], duration="3500ms", timeout="300ms", at="800ms")
    return (scenario([load], {"run": [working(0.0003, 0.006)]}),
            lambda run: {("cpu-saturation", "server"): run.load("queries").failures})


def saturated_by_others(level, shape):
    """The server's own work is a third of a processor, which it must share with others."""
    load = dns(shape, 300, duration="3500ms", timeout="300ms", at="800ms")
    return (scenario([load], {"run": [working(0.0012, 0.0012), {"argv": ["sh", "-c", HOGS, "hogs", str((4, 6, 8)[level])]}]}),
            lambda run: {("cpu-saturation", "server"): run.load("queries").failures})


SINGLES = [accept_queue_silent, accept_queue_reset, syn_backlog, receive_buffer_server, receive_buffer_client,
           interface_queue_server, interface_queue_client, send_buffer_server, send_buffer_client, filter_datagrams,
           filter_connects, filter_rejects, filter_of_its_own, wrong_source, ports_of_ours, descriptors_of_ours,
           slow_reader, stalled_server, orphan_limit, tcp_memory, neighbour_table, conntrack_table, resolver_quota, upstream_fails,
           upstream_silent, relay_lookups, saturated_by_work, saturated_by_others]

# In CI labs of these are run one by one (e2e/labs_limits, e2e/postfix_dns, e2e/server_counters).
LONG = {orphan_limit, tcp_memory, neighbour_table, resolver_quota, upstream_fails, upstream_silent, relay_lookups, saturated_by_others}

# What no counter counts one for one (a closed window, a process that stands, or has no time): a tenth will do.
INEXACT = {"slow-reader", "server-stalled", "cpu-saturation"}


# ---- two causes ----

def buffer_and_queue(level, shape):
    """The sink's small buffer, and the slow link that its answers take."""
    server = {"run": [dns_sink(receive_buffer=65536, capacity=2000)]}
    return (scenario([dns(shape, 4000)], server, links=shaped("100kbit", 3000, "server")),
            lambda run: {("receive-buffer-full", "server"): run.load("queries").scheduled - run.sink("dns")["queries"],
                         ("interface-queue-full", "server"): run.tc("server")})


def filter_and_buffer(level, shape):
    server = {"nft": ruleset("input", "udp dport 53 %s counter drop" % one_in(4)),
              "run": [dns_sink(receive_buffer=8192, capacity=1000)]}

    def truth(run):
        dropped = run.nft("server")
        return {("packet-filter", "server"): dropped,
                ("receive-buffer-full", "server"): run.load("queries").scheduled - dropped - run.sink("dns")["queries"]}
    return scenario([dns(shape, 3000)], server), truth


def filter_and_accept_queue(level, shape):
    """Of 300 SYNs a fourth is dropped, 129 of the others get in."""
    server = {"sysctl": {"net.core.somaxconn": 128}, "nft": ruleset("input", "%s %s counter drop" % (SYN, one_in(4))),
              "run": [{"sink": "tcp", "listen": "0.0.0.0:9000", "backlog": 128, "never_accept": True}]}
    return (scenario([tcp(shape, 500)], server),
            lambda run: {("packet-filter", "server"): run.nft("server"),
                         ("accept-queue-overflow", "server"): run.load("storm").scheduled - run.nft("server") - 129})


def filter_and_accept_queue_three_syns(level, shape):
    """The same with three SYNs each: a connect from a port that four divides meets the filter each time."""
    server = {"sysctl": {"net.core.somaxconn": 128}, "nft": ruleset("input", "%s tcp sport & 3 == 0 counter drop" % SYN),
              "run": [{"sink": "tcp", "listen": "0.0.0.0:9000", "backlog": 128, "never_accept": True}]}
    load = tcp(shape, 300, duration="3s", timeout="2500ms", ports="20000-29999")
    return (scenario([load], server),
            lambda run: {("packet-filter", "server"): run.nft("server") / 3,
                         ("accept-queue-overflow", "server"): run.load("storm").scheduled - run.nft("server") / 3 - 129})


def filter_and_busy_server(level, shape):
    """1 ms an accept; successes that came in late cost the queue's counter too."""
    server = {"sysctl": {"net.core.somaxconn": 128}, "nft": ruleset("input", "%s %s counter drop" % (SYN, one_in(4))),
              "run": [tcp_sink(backlog=128, accept_delay="1ms")]}
    return (scenario([tcp(shape, 2400, until="greeting", threads=2)], server, links=shaped("10mbit", 200000, "server")),
            lambda run: {("packet-filter", "server"): run.nft("server"),
                         ("accept-queue-overflow", "server"): run.load("storm").failures - run.nft("server")})


def filter_and_queue_of_its_own(level, shape):
    client = {"nft": ruleset("output", "udp dport 53 %s counter drop" % one_in(4))}
    return (scenario([dns(shape, 2000)], {"run": [dns_sink(receive_buffer="4MiB")]}, client, shaped("100kbit", 3000, "client")),
            lambda run: {("packet-filter", "client"): run.nft("client"), ("interface-queue-full", "client"): run.tc("client")})


def buffers_of_both(level, shape):
    """Bursts overflow the server's buffer, and its answers the client's."""
    load = dns(shape, 8000, receive_buffer=2304, sockets=1, tick="50ms", arrivals=arrivals(shape, 8000, 50))
    return (scenario([load], {"run": [dns_sink(receive_buffer=65536)]}),
            lambda run: {("receive-buffer-full", "server"): run.load("queries").scheduled - run.sink("dns")["queries"],
                         ("receive-buffer-full", "client"): run.sink("dns")["answered"] - run.load("queries").ok})


def queue_and_filter(level, shape):
    """Its answers meet a full queue, a fourth of the queries a filter."""
    server = {"nft": ruleset("input", "udp dport 53 %s counter drop" % one_in(4)), "run": [dns_sink(receive_buffer="4MiB")]}
    return (scenario([dns(shape, 3000)], server, links=shaped("400kbit", 6000, "server")),
            lambda run: {("packet-filter", "server"): run.nft("server"), ("interface-queue-full", "server"): run.tc("server")})


def sending_and_filter(level, shape):
    client = {"nft": ruleset("output", "udp dport 53 %s counter drop" % one_in(4))}
    load = dns(shape, 3000, send_buffer=4608, sockets=1)
    return (scenario([load], {"run": [dns_sink(receive_buffer="4MiB")]}, client, shaped("400kbit", 3000000, "client")),
            lambda run: {("packet-filter", "client"): run.nft("client"),
                         ("send-buffer-full", "client"): run.load("queries").scheduled - run.nft("client") - run.sink("dns")["queries"]})


def two_protocols(level, shape):
    """A full accept queue and a small receive buffer, of one host."""
    server = {"sysctl": {"net.core.somaxconn": 128},
              "run": [{"sink": "tcp", "listen": "0.0.0.0:9000", "backlog": 128, "never_accept": True},
                      dns_sink(receive_buffer=8192, capacity=1000)]}
    queries = dns(shape, 3000)
    s = scenario([tcp(shape, 320), queries], server)
    return s, lambda run: {("accept-queue-overflow", "server"): run.load("storm").scheduled - 129,
                           ("receive-buffer-full", "server"): run.load("queries").scheduled - run.sink("dns")["queries"]}


def quota_and_upstream(level, shape):
    """named may wait for 50 queries, of a server that is silent: it refuses what is beyond (RecLimitDropped is what it says
    itself; near the quota it gives up older ones too, uncounted), and the rest waits in vain."""
    load = dns(shape, 600, timeout="3s")
    if shape == "burst":  # a second one would push out what waits of the first
        load["arrivals"] = {"burst": 300, "every": "1s", "phase": "0s"}
    return (named(load, SILENT, 50),
            lambda run: {("resolver-quota", "server"): run.counter("server", "bind.RecLimitDropped"),
                         ("upstream-failure", "server"): run.load("queries").code("timeout")})


def upstream_and_filter(level, shape):
    """A fourth of the queries is dropped on its way in; each of the others fails behind."""
    s = named(dns(shape, 300, duration="1s", timeout="2s"), FAILING)
    s["world"]["hosts"]["server"]["nft"] = ruleset("input", "ip saddr 198.18.0.1 udp dport 53 %s counter drop" % one_in(4))
    return s, lambda run: {("packet-filter", "server"): run.nft("server"),
                           ("upstream-failure", "server"): run.load("queries").scheduled - run.nft("server")}


def upstream_and_socket_buffer(level, shape):
    """What its own socket can't take is no query of named's: the client's small send buffer before a failing upstream."""
    s = named(dns(shape, 2000, send_buffer=4608, sockets=1, timeout="2s"), FAILING)
    s["world"]["links"][0].update(shaped("400kbit", 3000000, "client"))
    return s, lambda run: {("send-buffer-full", "client"): run.load("queries").scheduled - run.counter("server", "bind.Requestv4"),
                           ("upstream-failure", "server"): run.counter("server", "bind.Requestv4")}


def conntrack_and_filter(level, shape):
    """A filter takes a fourth of the SYNs on the client, where they are in nobody's table; 50 of the others get a place."""
    s, _ = conntrack_table(2, shape)
    s["world"]["hosts"]["client"]["nft"] = ruleset("output", "%s %s counter drop" % (SYN, one_in(4)))
    return s, lambda run: {("packet-filter", "client"): run.nft("client"),
                           ("conntrack-full", "server"): run.load("storm").scheduled - run.nft("client") - run.sink("tcp")["accepted"]}


def neighbours_and_filter(level, shape):
    """Hosts that the client has no room to know, and a filter before those that it knows."""
    s = neighbours(shape, 192, 96)
    s["world"]["hosts"]["server"]["nft"] = ruleset("input", "%s %s counter drop" % (SYN if shape == "burst" else "udp dport 53", one_in(2)))
    return s, lambda run: {("packet-filter", "server"): run.nft("server"),
                           ("neighbour-table-full", "client"): run.loads()[0].scheduled - run.nft("server") - run.sink("dns")["queries"] -
                           run.sink("tcp")["accepted"]}


def orphans_and_filter(level, shape):
    """Answers that are given up, and a fourth of the SYNs that were never let in."""
    s, _ = orphan_limit(2, shape)
    s["world"]["hosts"]["server"]["nft"] = ruleset("input", "%s %s counter reject with tcp reset" % (SYN, one_in(4)))
    return s, lambda run: {("packet-filter", "server"): run.nft("server"),
                           ("orphan-limit", "server"): run.mib("server", "TCPAbortOnMemory")}


PAIRS = [buffer_and_queue, filter_and_buffer, filter_and_accept_queue, filter_and_accept_queue_three_syns, filter_and_busy_server,
         filter_and_queue_of_its_own, buffers_of_both, queue_and_filter, sending_and_filter, two_protocols, quota_and_upstream,
         upstream_and_filter, upstream_and_socket_buffer, conntrack_and_filter, neighbours_and_filter, orphans_and_filter]


# ---- one cause, met in an unusual way ----


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


def read_each_second(level, shape):
    """All of the burst lies between two readings."""
    s, truth = accept_queue_silent(level, shape)
    s["capture"] = [{"source": "linux", "interval": "1s"}]
    return s, truth


def counted_before(level, shape):
    """The filter has dropped others' packets before, and the queue of another port has overflowed."""
    s, truth = filter_datagrams(level, shape)
    s["load"][0]["at"] = "1500ms"
    early = dns(shape, 1000, name="early", target="server:53")
    s["load"].append(early)
    return s, lambda run: {("packet-filter", "server"): run.nft("server")}


ODD = [read_each_second, counted_before, *map(over_ipv6, (
    accept_queue_silent, accept_queue_reset, receive_buffer_server, interface_queue_server, send_buffer_client, filter_datagrams, filter_connects))]


# ---- nothing fails ----

def healthy_connects(level, shape):
    return scenario([tcp(shape, (200, 400, 600)[level], until="greeting")],
                    {"sysctl": {"net.core.somaxconn": 1024}, "run": [tcp_sink(backlog=1024)]}), None


def healthy_near_the_edge(level, shape):
    """A burst that the backlog just holds."""
    load = tcp(shape, 200, until="greeting", arrivals=arrivals(shape, (500, 550, 600)[level]))
    return scenario([load], {"sysctl": {"net.core.somaxconn": 128}, "run": [tcp_sink(backlog=128, accept_delay="500us")]}), None


def healthy_requests(level, shape):
    load = tcp(shape, (100, 200, 300)[level], until="closed", send="hello", rounds=3)
    return scenario([load], {"run": [tcp_sink(greeting="", request_bytes="5B", reply="world", close_after=3)]}), None


def healthy_queries(level, shape):
    return scenario([dns(shape, (500, 1000, 3000)[level])], {"run": [dns_sink(receive_buffer="4MiB")]}), None


def healthy_mail(level, shape):
    load = {"name": "mail", "driver": "smtp", "duration": "1s", "timeout": "3s", "target": "server:25",
            "arrivals": arrivals(shape, (50, 100, 200)[level])}
    return scenario([load], {"run": [{"sink": "smtp", "listen": "0.0.0.0:25"}]}), None


def healthy_slow_link(level, shape):
    """A shaped link with room for all."""
    return scenario([dns(shape, (100, 200, 300)[level])], {"run": [dns_sink(receive_buffer="4MiB")]},
                    links=shaped("10mbit", 200000, "server")), None


HEALTHY = [healthy_connects, healthy_near_the_edge, healthy_requests, healthy_queries, healthy_mail, healthy_slow_link]


# ---- what is beside it, and what no counter shows ----
# The last of the three: {load: mechanisms that may be named for it}; none of QUEUES may, nor any other.

def other_port_overflows(level, shape):
    """Port 9001's SYNs vanish uncounted while port 9000's queue overflows."""
    server = {"sysctl": {"net.core.somaxconn": 128}, "nft": ruleset("input", "tcp dport 9001 drop"),
              "run": [{"sink": "tcp", "listen": "0.0.0.0:9000", "backlog": 128, "never_accept": True}]}
    victim = tcp(shape, 200, name="victim", target="server:9001")
    return (scenario([tcp(shape, 400), victim], server),
            lambda run: {("accept-queue-overflow", "server"): run.load("storm").scheduled - 129}, {"victim": set()})


def other_socket_overflows(level, shape):
    """Port 54's sink drops by itself, while port 53's buffer overflows."""
    server = {"run": [dns_sink(receive_buffer=8192, capacity=1000), dns_sink(listen="0.0.0.0:54", drop_percent=50, receive_buffer="4MiB")]}
    victim = dns(shape, 1000, name="victim", target="server:54")
    return (scenario([dns(shape, 3000), victim], server),
            lambda run: {("receive-buffer-full", "server"): run.load("queries").scheduled - run.sinks("dns")[0]["queries"]},
            {"victim": set()})


def healthy_beside_overflow(level, shape):
    """Nothing of this load fails, whatever happens at the next port."""
    server = {"sysctl": {"net.core.somaxconn": 128},
              "run": [{"sink": "tcp", "listen": "0.0.0.0:9000", "backlog": 128, "never_accept": True},
                      tcp_sink(listen="0.0.0.0:9002")]}
    fine = tcp(shape, 200, name="fine", target="server:9002", until="greeting")
    return (scenario([tcp(shape, 400), fine], server),
            lambda run: {("accept-queue-overflow", "server"): run.load("storm").scheduled - 129}, {"fine": set()})


def own_time_outs(level, shape):
    """A server that never answers: closing the sockets that timed out raises TCPAbortOnData."""
    load = tcp(shape, 200, until="answer", send="hello", answer_size="64KiB", timeout="500ms")
    server = {"run": [{"sink": "tcp", "listen": "0.0.0.0:9000", "request_bytes": "5B", "reply_bytes": "1KiB"}]}
    return scenario([load], server), lambda run: {}, {"storm": {"server-stalled"}}


def uncounted_filter_of_connects(level, shape):
    server = {"nft": ruleset("input", "%s %s drop" % (SYN, one_in(2))), "run": [tcp_sink()]}
    return scenario([tcp(shape, 400)], server), lambda run: {}, {"storm": set()}


def uncounted_filter_of_datagrams(level, shape):
    server = {"nft": ruleset("input", "udp dport 53 %s drop" % one_in(2)), "run": [dns_sink(receive_buffer="4MiB")]}
    return scenario([dns(shape, 1000)], server), lambda run: {}, {"queries": set()}


def sink_that_drops(level, shape):
    return scenario([dns(shape, 1000)], {"run": [dns_sink(receive_buffer="4MiB", drop_percent=30)]}), lambda run: {}, {"queries": set()}


def paused_sink(level, shape):
    """It stops accepting for longer than anybody waits; its queue has room for all."""
    server = {"sysctl": {"net.core.somaxconn": 4096},
              "run": [tcp_sink(backlog=4096, pause_at="300ms", pause_for="2s")]}
    return (scenario([tcp(shape, 300, until="greeting", timeout="500ms")], server), lambda run: {},
            {"storm": {"server-stalled"}})


def stopped_server(level, shape):
    """A process that gets SIGSTOP in mid-run; its receive buffer has room for all."""
    server = {"run": [{"argv": ["sh", "-c", "SQUALL sink dns --listen 0.0.0.0:53 --receive-buffer 4MiB & sink=$!; sleep 1; "
                                            "kill -STOP $sink; sleep 2; kill -CONT $sink; wait"]}]}
    return (scenario([dns(shape, 300, duration="2s", timeout="400ms", at="300ms")], server), lambda run: {},
            {"queries": {"server-stalled"}})


def throttled_server(level, shape):
    """A control group gives it 2 ms of processor in 100."""
    server = {"run": [{"argv": ["sh", "-c", "echo $$ > CGROUP/cgroup.procs; exec SQUALL sink dns --listen 0.0.0.0:53 "
                                            "--receive-buffer 16MiB"]}]}
    return (scenario([dns(shape, 6000, duration="1s", timeout="150ms", at="500ms")], server), lambda run: {},
            {"queries": {"server-stalled", "cpu-saturation", "cpu-throttled"}})


def closed_port(level, shape):
    return (scenario([tcp(shape, 300, target="server:9009")], {"run": [tcp_sink()]}), lambda run: {},
            {"storm": {"port-closed"}})


def stopped_bystander(level, shape):
    """A process of the server's that has nothing to do with it is stopped all the time; an uncounted filter makes connects fail."""
    s, truth, may = uncounted_filter_of_connects(level, shape)
    s["world"]["hosts"]["server"]["run"].append({"argv": ["sh", "-c", "sleep 600 & kill -STOP $!; wait"]})
    return s, truth, may


def stopped_bystander_of_queries(level, shape):
    s, truth, may = uncounted_filter_of_datagrams(level, shape)
    s["world"]["hosts"]["server"]["run"].append({"argv": ["sh", "-c", "sleep 600 & kill -STOP $!; wait"]})
    return s, truth, may


def busy_bystander(level, shape):
    """A process of the server's host is busy all the time, and for a while two more; a sink drops by itself."""
    s, truth, may = sink_that_drops(level, shape)
    s["world"]["hosts"]["server"]["run"].append({"argv": ["timeout", "20", "sh", "-c", "while :; do :; done"]})
    return s, truth, may


def busy_generator(level, shape):
    """A million queries in half a second are more than one thread can send, and an uncounted filter drops them all: it is the
    load that is at its end, and the server idle."""
    server = {"nft": ruleset("input", "udp dport 53 drop"), "run": [dns_sink(receive_buffer="4MiB")]}
    return (scenario([dns(shape, 2000000, timeout="300ms")], server), lambda run: {}, {"queries": {"generator-limit"}})


def narrow_ports(level, shape):
    """150 ports for connections that are held in a queue which has room for them."""
    server = {"sysctl": {"net.core.somaxconn": 4096}, "run": [{"sink": "tcp", "listen": "0.0.0.0:9000", "backlog": 4096, "never_accept": True}]}
    client = {"sysctl": {"net.ipv4.ip_local_port_range": "40000 40149"}}
    return (scenario([tcp(shape, 400, until="connected", hold="3s")], server, client), lambda run: {},
            {"storm": {"ephemeral-ports-exhausted"}})


def other_port_filtered(level, shape):
    """Port 54's queries meet a filter that counts; port 53's sink drops by itself."""
    server = {"nft": ruleset("input", "udp dport 54 %s counter drop" % one_in(2)),
              "run": [dns_sink(receive_buffer="4MiB", drop_percent=30), dns_sink(listen="0.0.0.0:54", receive_buffer="4MiB")]}
    victim = dns(shape, 1000, name="victim", target="server:53")
    return (scenario([dns(shape, 1000, target="server:54"), victim], server), lambda run: {("packet-filter", "server"): run.nft("server")}, {"victim": set()})


def others_before(level, shape):
    """A filter that has ended its work when this load's failures begin."""
    server = {"nft": ruleset("input", "udp dport 54 counter drop"),
              "run": [dns_sink(receive_buffer="4MiB", drop_percent=30)]}
    early = dns(shape, 1000, name="early", target="server:54", timeout="400ms")
    victim = dns(shape, 1000, name="victim", target="server:53", at="2s")
    return scenario([early, victim], server), lambda run: {("packet-filter", "server"): run.nft("server")}, {"victim": set()}


BESIDE = [other_port_overflows, other_socket_overflows, healthy_beside_overflow, other_port_filtered, others_before]
UNSEEN = [own_time_outs, uncounted_filter_of_connects, uncounted_filter_of_datagrams, sink_that_drops, paused_sink,
          stopped_server, throttled_server, closed_port, narrow_ports, stopped_bystander, stopped_bystander_of_queries,
          busy_bystander, busy_generator, *map(over_ipv6, (
              own_time_outs, uncounted_filter_of_connects, uncounted_filter_of_datagrams, paused_sink, closed_port))]

# Processor time is what they are about: none of them beside another run.
TIMED = {saturated_by_work, saturated_by_others, busy_bystander, busy_generator}
