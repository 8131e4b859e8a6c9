"""The labelled runs in which something may not be blamed: nothing fails, or what fails is another load's, or no counter
shows why.  What a reader would get wrong: the failures of the latter are as real as any; to name a cause that merely
happened beside them is the error that is looked for."""

from worlds import *

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


def uncounted_filter_beside_bulk(level, shape):
    """Two streams fill the link, whose queue drops for them as it should; connects fail for another reason."""
    server = {"nft": ruleset("input", "%s %s drop" % (SYN, one_in(2))), "run": [tcp_sink(), tcp_sink(listen="0.0.0.0:9001")]}
    bulk = tcp("even", 1, name="bulk", target="server:9001", hold="3s", duration="3s", bulk=True, arrivals={"closed": 2})
    link = {"shape": {"rate": "20mbit", "limit": 400000, "burst": 15000, "host": "client"}}
    return scenario([tcp(shape, 200, at="1s"), bulk], server, links=link), lambda run: {}, {"storm": set()}


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
UNSEEN = [own_time_outs, uncounted_filter_of_connects, uncounted_filter_of_datagrams, uncounted_filter_that_resets,
          uncounted_filter_beside_bulk, sink_that_drops, paused_sink, stopped_server, throttled_server, closed_port,
          narrow_ports, stopped_bystander, stopped_bystander_of_queries, busy_bystander, busy_generator, *map(over_ipv6, (
              own_time_outs, uncounted_filter_of_connects, uncounted_filter_of_datagrams, paused_sink, closed_port))]
