"""The labelled runs: scenarios whose causes of failure are known because they were put there, with counts
that come from outside of squall's account: what a sink counted itself, what nft and tc say at the run's
end, what was programmed.

A row of SINGLES, PAIRS, HEALTHY, BESIDE or UNSEEN is a kind of run; a new mechanism is a new row."""

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


SINGLES = [accept_queue_silent, accept_queue_reset, syn_backlog, receive_buffer_server, receive_buffer_client,
           interface_queue_server, interface_queue_client, send_buffer_server, send_buffer_client, filter_datagrams,
           filter_connects, filter_rejects, filter_of_its_own, wrong_source, ports_of_ours, descriptors_of_ours,
           slow_reader, stalled_server]


# What no counter counts one for one (a closed window, a process that stands): a tenth will do.
INEXACT = {"slow-reader", "server-stalled"}


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


PAIRS = [buffer_and_queue, filter_and_buffer, filter_and_accept_queue, filter_and_accept_queue_three_syns, filter_and_busy_server, filter_and_queue_of_its_own, buffers_of_both,
         queue_and_filter, sending_and_filter, two_protocols]


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


BESIDE = [other_port_overflows, other_socket_overflows, healthy_beside_overflow]
UNSEEN = [own_time_outs, uncounted_filter_of_connects, uncounted_filter_of_datagrams, sink_that_drops, paused_sink,
          stopped_server, throttled_server, closed_port]
