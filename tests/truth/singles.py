"""One cause each, at three intensities.  A row gives the scenario, and a function of the run: {(mechanism, host): so many
failures}, from outside of squall's account."""

from worlds import *


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


def congested_link(level, shape):
    """Three, five and eight times what the link takes of answers: SYN-ACKs are dropped, and what got in loses its greeting."""
    load = tcp(shape, (1500, 2500, 4000)[level], until="greeting", duration="2s")
    return (scenario([load], {"run": [tcp_sink(backlog=4096)], "sysctl": {"net.core.somaxconn": 4096}}, links=shaped("1mbit", 10000, "server")),
            lambda run: {("link-congested", "server"): run.load("storm").failures})


def stalled_server(level, shape):
    """SIGSTOP for a second: its accept queue overflows, and is not to blame."""
    stop = ("pid=$(ss -tlnpH 'sport = :9000' | sed 's/.*pid=\\([0-9]*\\).*/\\1/'); sleep 1.5; kill -STOP $pid; sleep 1.5; "
            "kill -CONT $pid; exec sleep 600")
    server = {"sysctl": {"net.core.somaxconn": 128}, "run": [tcp_sink(backlog=128), {"argv": ["sh", "-c", stop]}]}
    load = tcp(shape, (200, 300, 400)[level], until="greeting", duration="4s", timeout="500ms")
    return scenario([load], server), lambda run: {("server-stalled", "server"): run.load("storm").failures}


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


def saturated_by_work(level, shape):
    """More comes than one thread can work off, though the other processors are idle: what failed waited behind the others.
    No counter counts it, and when it began is known to a reading: a tenth will do."""
    load = dns(shape, (300, 400, 600)[level], duration="3500ms", timeout="400ms", at="800ms")
    return (scenario([load], {"run": [working(0.0003, 0.006)]}),
            lambda run: {("cpu-saturation", "server"): run.load("queries").failures})


def saturated_by_others(level, shape):
    """The server's own work is a third of a processor, which it must share with others."""
    load = dns(shape, 300, duration="3500ms", timeout="400ms", at="800ms")
    return (scenario([load], {"run": [working(0.0012, 0.0012), {"argv": ["sh", "-c", HOGS, "hogs", str((4, 6, 8)[level])]}]}),
            lambda run: {("cpu-saturation", "server"): run.load("queries").failures})


def closed_port_of_queries(level, shape):
    """Exact: nobody listens there, and the kernel says so of each query, which no limit of ICMP's keeps back."""
    load = dns(shape, (200, 500, 1500)[level], target="server:54")
    return (scenario([load], {"sysctl": {"net.ipv4.icmp_ratemask": 0}, "run": [dns_sink()]}),
            lambda run: {("port-closed", "server"): run.load("queries").scheduled})


def closed_port_of_few_words(level, shape):
    """Exact: the kernel says so a few times a second, as it does by default."""
    load = dns(shape, (200, 500, 1500)[level], target="server:54")
    return (scenario([load], {"run": [dns_sink()]}), lambda run: {("port-closed", "server"): run.load("queries").scheduled})


def server_resets(level, shape):
    """Exact: the sink resets after four bytes, and counts it; the answer to fewer comes through."""
    load = tcp(shape, (100, 200, 400)[level], until="answer", send="hello", answer_size="1KiB")
    server = {"run": [tcp_sink(greeting="", reset_after="4B", request_bytes="5B", reply_bytes="1KiB")]}
    return scenario([load], server), lambda run: {("server-reset", "server"): run.sink("tcp")["resets_by_sink"]}


def throttled_by_its_group(level, shape):
    """A tenth of a processor, for connections of 1 ms each: it stands still nine tenths of the time.  As inexact."""
    server = {"cpu_percent": 10, "sysctl": {"net.core.somaxconn": 4096, "net.ipv4.tcp_max_syn_backlog": 4096},
              "run": [tcp_sink(backlog=4096, work="1ms")]}
    load = tcp(shape, (200, 300, 400)[level], until="greeting", duration="2s", timeout="500ms", at="500ms")
    return scenario([load], server), lambda run: {("cpu-throttled", "server"): run.load("storm").failures}


def softnet_backlog(level, shape):
    """Queries go to the other processor (RPS), whose backlog takes few.  What the sink did not get was lost there."""
    steer = "mount -t sysfs none /sys && echo 2 > /sys/class/net/eth0/queues/rx-0/rps_cpus"
    server = {"cpus": "0", "run": [{"argv": ["sh", "-c", steer], "once": True}, dns_sink(receive_buffer="4MiB")]}
    load = dns(shape, (2000, 4000, 8000)[level] if shape == "burst" else 20000)
    return (globally(scenario([load], server, {"cpus": "0"}), netdev_max_backlog=(2, 1, 0)[level]),
            lambda run: {("softnet-backlog-full", "client"): run.load("queries").scheduled - run.sink("dns")["queries"]})


SINGLES = [accept_queue_silent, accept_queue_reset, syn_backlog, receive_buffer_server, receive_buffer_client,
           interface_queue_server, interface_queue_client, send_buffer_server, send_buffer_client, filter_datagrams,
           filter_connects, filter_rejects, filter_of_its_own, wrong_source, ports_of_ours, descriptors_of_ours,
           closed_port_of_queries, closed_port_of_few_words, server_resets, slow_reader, congested_link, stalled_server, orphan_limit, tcp_memory, neighbour_table, conntrack_table,
           softnet_backlog, resolver_quota, upstream_fails,
           upstream_silent, relay_lookups, saturated_by_work, saturated_by_others,
           throttled_by_its_group]

# In CI labs of these are run one by one (e2e/labs_limits, e2e/postfix_dns, e2e/server_counters).
LONG = {orphan_limit, tcp_memory, neighbour_table, resolver_quota, upstream_fails, upstream_silent, relay_lookups, saturated_by_others,
        throttled_by_its_group}

# What no counter counts one for one (a closed window, a process that stands, or has no time): a tenth will do.
INEXACT = {"slow-reader", "server-stalled", "cpu-saturation", "cpu-throttled"}
