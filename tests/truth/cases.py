"""The labelled runs: scenarios whose causes of failure are known because they were put there, with counts
that come from outside of squall's account: what a sink counted itself, what nft and tc say at the run's
end, what was programmed.

A row of SINGLES (singles.py), PAIRS, ODD, HEALTHY, BESIDE or UNSEEN is a kind of run; a new mechanism is a new row."""

import json

from singles import *
from worlds import *

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
    if shape == "burst":  # small ones: beyond the quota a large one pushes out what waits, as many as it holds
        load["arrivals"] = {"burst": 20, "every": "33ms", "phase": "0s"}
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


def filter_and_resets(level, shape):
    """A fourth of the SYNs is dropped; whoever gets in is reset."""
    s, _ = server_resets(2, shape)
    s["world"]["hosts"]["server"]["nft"] = ruleset("input", "%s %s counter drop" % (SYN, one_in(4)))
    return s, lambda run: {("packet-filter", "server"): run.nft("server"), ("server-reset", "server"): run.sink("tcp")["resets_by_sink"]}


def filter_and_closed_port(level, shape):
    """A fourth of the queries is dropped before the kernel sees that nobody listens."""
    s, _ = closed_port_of_queries(2, shape)
    s["world"]["hosts"]["server"]["nft"] = ruleset("input", "udp dport 54 %s counter drop" % one_in(4))
    return s, lambda run: {("packet-filter", "server"): run.nft("server"),
                           ("port-closed", "server"): run.load("queries").scheduled - run.nft("server")}


def generator_and_filter(level, shape):
    """A million queries in half a second are more than one thread can send; what it did send its own filter refused."""
    client = {"nft": ruleset("output", "udp dport 53 counter drop")}
    return (scenario([dns(shape, 2000000, timeout="300ms")], {"run": [dns_sink()]}, client),
            lambda run: {("packet-filter", "client"): run.nft("client"),
                         ("generator-limit", "client"): run.load("queries").scheduled - run.nft("client")})


PAIRS = [buffer_and_queue, filter_and_buffer, filter_and_accept_queue, filter_and_accept_queue_three_syns, filter_and_busy_server,
         filter_and_queue_of_its_own, buffers_of_both, queue_and_filter, sending_and_filter, two_protocols, quota_and_upstream,
         upstream_and_filter, upstream_and_socket_buffer, conntrack_and_filter, neighbours_and_filter, orphans_and_filter,
         filter_and_resets, filter_and_closed_port, generator_and_filter]


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


def reader_dies(level, shape):
    """Who reads the server's counters is killed in mid-burst, and comes back: what was counted meanwhile lies in the gap."""
    s, truth = receive_buffer_server(level, shape)
    s["load"][0].update(at="500ms", duration="2s")
    s["capture"] = [{"source": "linux", "host": "client"}, {"source": "linux", "host": "server", "where": "exec:sh READER"}]
    return s, truth


ODD = [read_each_second, reader_dies, counted_before, *map(over_ipv6, (
    accept_queue_silent, accept_queue_reset, receive_buffer_server, interface_queue_server, send_buffer_client, server_resets, filter_datagrams,
    filter_connects))]


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
# The last of the three: {load: mechanisms that may be named for it}; no queue may, nor any other.

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


def uncounted_filter_that_resets(level, shape):
    """The filter resets sessions in the server's name; its program has reset none."""
    server = {"nft": ruleset("input", "tcp dport 9000 tcp flags & psh == psh reject with tcp reset"),
              "run": [tcp_sink(greeting="", request_bytes="5B", reply_bytes="1KiB")]}
    load = tcp(shape, 200, until="answer", send="hello", answer_size="1KiB")
    return scenario([load], server), lambda run: {}, {"storm": set()}


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
UNSEEN = [own_time_outs, uncounted_filter_of_connects, uncounted_filter_of_datagrams, uncounted_filter_that_resets, sink_that_drops, paused_sink,
          stopped_server, throttled_server, closed_port, narrow_ports, stopped_bystander, stopped_bystander_of_queries,
          busy_bystander, busy_generator, *map(over_ipv6, (
              own_time_outs, uncounted_filter_of_connects, uncounted_filter_of_datagrams, paused_sink, closed_port))]

# Processor time is what they are about: none of them beside another run.
TIMED = {saturated_by_work, saturated_by_others, throttled_by_its_group, generator_and_filter, busy_bystander, busy_generator}
