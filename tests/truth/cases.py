"""The labelled runs: scenarios whose causes of failure are known because they were put there, with counts
that come from outside of squall's account: what a sink counted itself, what nft and tc say at the run's
end, what was programmed.

A row of SINGLES (singles.py), PAIRS, ODD, HEALTHY, BESIDE or UNSEEN (blameless.py) is a kind of run; a new mechanism is a
new row."""

from blameless import *
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


def filter_and_accept_queue_mixed(level, shape):
    """The same, but the filter drops a fourth of the SYNs, whosever they are: most connects lose some to each."""
    server = {"sysctl": {"net.core.somaxconn": 128}, "nft": ruleset("input", "%s %s counter drop" % (SYN, one_in(4))),
              "run": [{"sink": "tcp", "listen": "0.0.0.0:9000", "backlog": 128, "never_accept": True}]}
    load = tcp(shape, 300, duration="3s", timeout="2500ms")
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


PAIRS = [buffer_and_queue, filter_and_buffer, filter_and_accept_queue, filter_and_accept_queue_three_syns,
         filter_and_accept_queue_mixed, filter_and_busy_server, filter_and_queue_of_its_own, buffers_of_both,
         queue_and_filter, sending_and_filter, two_protocols, quota_and_upstream, upstream_and_filter,
         upstream_and_socket_buffer, conntrack_and_filter, neighbours_and_filter, orphans_and_filter, filter_and_resets,
         filter_and_closed_port, generator_and_filter]


# ---- one cause, met in an unusual way ----

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

# Processor time is what they are about: none of them beside another run.
TIMED = {saturated_by_work, saturated_by_others, throttled_by_its_group, generator_and_filter, busy_bystander, busy_generator}
