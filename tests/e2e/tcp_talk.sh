# What a TCP connection does beside connecting, before nginx (requests and answers, TLS) and squall's own sinks (the rest):
# what is counted here is what the server counted.
. "$(dirname "$0")/lib.sh"
need nginx nginx-light

cd "$SCRATCH"
certificate ca
certificate stranger
certificate www.example.test ca
cat > nginx.conf <<C
daemon off; worker_processes 1; pid $SCRATCH/nginx.pid; error_log $SCRATCH/error.log; user root;
events { worker_connections 10000; }
http { log_format l '\$server_port \$connection \$request_length'; access_log $SCRATCH/access.log l; keepalive_requests 100000;
  client_body_temp_path $SCRATCH; proxy_temp_path $SCRATCH; fastcgi_temp_path $SCRATCH; uwsgi_temp_path $SCRATCH; scgi_temp_path $SCRATCH;
  ssl_certificate $SCRATCH/www.example.test.pem; ssl_certificate_key $SCRATCH/www.example.test.key; ssl_session_timeout 1h;
  server { listen 0.0.0.0:80 backlog=4096; return 200 "hello"; }
  server { listen 0.0.0.0:443 ssl backlog=4096; return 200 "hello"; } }
C
nginx='{"argv": ["nginx", "-p", "'$SCRATCH'", "-c", "'$SCRATCH'/nginx.conf"], "wait_port": 80}'
discard='{"sink": "tcp", "listen": "0.0.0.0:9000"}'
greeter='{"sink": "tcp", "listen": "0.0.0.0:9001", "greeting": "hello\n"}'
smtp='{"sink": "smtp", "listen": "0.0.0.0:25"}'

run() { # NAME SERVER PORT LOAD STATUS [IDLE]
	local name=$1 status=0
	jq -n --argjson server "$2" --argjson port "$3" --argjson load "$4" --arg idle "${6:-100ms}" '{name: "talk", target: "server:\($port)", idle: $idle,
		world: {hosts: {client: {}, server: {sysctl: {"net.core.somaxconn": 4096}, run: [$server]}}, links: [{between: ["client", "server"]}]},
		load: [{name: "t", driver: "tcp", duration: "1s", timeout: "3s", arrivals: {rate: 200}} + $load]}' > "$name.json"
	"$SQUALL" run "$name.json" --out "$name" --allow-exec --quiet > "$name.txt" 2>&1 || status=$?
	expect_eq "$status" "$5" "$name: status ($(cat "$name.txt"))"
	outcomes=$(jqr "$name/run.json" '[.loads[0].outcomes[] | select(.count > 0) | "\(.code) \(.phase) \(.count)"] | sort | join(", ")')
}
count() { jqr "$1/run.json" ".loads[0].counts.$2"; }
sink() { jqr "$1/run.json" ".servers[0].counts.$2"; }
get='"send": "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "answer": "HTTP/1.1 200 OK"'

# ---- requests and answers ----
run closes "$nginx" 80 '{"until": "closed", "close": "fin", "send": "GET / HTTP/1.0\r\n\r\n", "answer": "HTTP/1.1 200 OK"}' 0
expect_eq "$outcomes" "ok  200" "one request, and nginx's close"
expect_eq "$(wc -l < access.log)" 200 "nginx's requests"
: > access.log
run first "$nginx" 80 "{$get, \"until\": \"answer\", \"arrivals\": {\"rate\": 1}}" 0
size=$(count first bytes_received)
: > access.log
run rounds "$nginx" 80 "{$get, \"until\": \"answer\", \"rounds\": 10, \"answer_size\": $size}" 0
expect_eq "$outcomes" "ok  200" "ten requests a connection"
expect_eq "$(count rounds rounds) $(count rounds bytes_received)" "2000 $((2000 * size))" "rounds, and what was received"
expect_eq "$(wc -l < access.log) $(cut -d' ' -f2 access.log | sort -u | wc -l)" "2000 200" "nginx's requests and connections"
run mismatch "$nginx" 80 '{"until": "answer", "send": "GET / HTTP/1.0\r\n\r\n", "answer": "HTTP/1.1 404"}' 1
expect_eq "$outcomes" "mismatch answer 200" "an answer that was not expected"
run slow_send "$nginx" 80 "{$get, \"until\": \"answer\", \"send_piece\": \"9B\", \"pause\": \"50ms\"}" 0
expect_eq "$outcomes" "ok  200" "requests in pieces"
took=$(jqr slow_send/run.json '.loads[0].phases[] | select(.name == "request").latency.p50_s')
awk "BEGIN { exit !($took > 0.095 && $took < 0.2) }" || fail "27 bytes in pieces of 9 took $took s, not twice 50 ms"

# A request that takes its time, and an echo of it: the answer begins long before the request is out.
run echo '{"sink": "tcp", "listen": "0.0.0.0:9000", "echo": true, "receive_buffer": "64KiB"}' 9000 \
	'{"until": "answer", "send_size": "1MiB", "answer_size": "1MiB", "rounds": 3, "rate_limit": "80mbit", "receive_buffer": "64KiB", "arrivals": {"rate": 20}}' 0
expect_eq "$outcomes, $(count echo rounds) rounds, $(count echo bytes_received) bytes" "ok  20, 60 rounds, $((60 * 1048576)) bytes" "an echo of 1 MiB"

# ---- TLS ----
tls='"tls": true, "tls_ca": "'$SCRATCH'/ca.pem", "tls_name": "www.example.test"'
run full "$nginx" 443 "{$tls, \"tls_resume\": false}" 0
expect_eq "$outcomes, $(count full tls_full) full" "ok  200, 200 full" "handshakes"
# A ticket is read with the answer.
run resumed "$nginx" 443 "{$tls, $get, \"until\": \"answer\", \"arrivals\": {\"rate\": 100}}" 0
expect_eq "$outcomes" "ok  100" "requests over TLS"
[ "$(count resumed tls_resumed)" -gt 90 ] || fail "only $(count resumed tls_resumed) of 100 sessions were resumed"
run tls_closes "$nginx" 443 "{$tls, \"until\": \"closed\", \"close\": \"fin\", \"send\": \"GET / HTTP/1.0\\r\\n\\r\\n\", \"answer\": \"HTTP/1.1 200\"}" 0
expect_eq "$outcomes" "ok  200" "requests over TLS, and the close"
run stranger "$nginx" 443 "{\"tls\": true, \"tls_ca\": \"$SCRATCH/stranger.pem\"}" 1
expect_eq "$outcomes" "certificate tls 200" "a stranger's certificate"
run plain "$nginx" 80 '{"tls": true}' 1
expect_eq "$outcomes" "tls tls 200" "TLS to a server that has none"

# ---- who speaks first, who closes, and how ----
run greeted "$smtp" 25 '{"until": "closed", "greeted": true, "send": "QUIT\r\n", "answer": "221", "close": "fin"}' 0
expect_eq "$outcomes" "ok  200" "QUIT after the banner"
run half "$discard" 9000 '{"until": "closed", "rounds": 0, "close": "half"}' 0
expect_eq "$outcomes" "ok  200" "a half-close that the server answers"
expect_eq "$(sink half accepted) $(sink half resets)" "200 0" "connections and resets at the server"
run unread "$greeter" 9001 '{"hold": "700ms", "read": "never", "close": "fin", "duration": "2s", "count": 200}' 0
expect_eq "$outcomes" "ok  200" "connections that read nothing"
expect_eq "$(sink unread resets)" 200 "their FINs, turned into RSTs by what was unread"
run read "$greeter" 9001 '{"hold": "2s", "close": "fin", "duration": "4s", "count": 200}' 0
expect_eq "$outcomes, $(sink read resets) resets, $(count read bytes_received) bytes" "ok  200, 0 resets, 1200 bytes" "the same, read"
run slow_read "$greeter" 9001 '{"hold": "400ms", "read": "slow", "read_piece": "2B", "pause": "50ms", "close": "fin", "duration": "2s", "count": 200}' 0
expect_eq "$outcomes, $(count slow_read bytes_received) bytes" "ok  200, 1200 bytes" "read in pieces of two"

# ---- traffic ----
run bulk "$discard" 9000 '{"hold": "1s", "bulk": true, "close": "fin", "rate_limit": "8mbit", "arrivals": {"rate": 4}, "duration": "2500ms"}' 0 3s
expect_eq "$outcomes" "ok  10" "bulk connections"
sent=$(count bulk bytes_sent)
expect_eq "$(sink bulk bytes_received)" "$((sent + 10))" "bytes at the server: the stream, and the byte before it"
[ "$sent" -gt 8000000 ] && [ "$sent" -lt 18000000 ] || fail "10 connections at 8 Mbit/s took $sent bytes in a second each, socket buffers included"
run ports "$discard" 9000 '{"hold": "10s", "ports": "20000-20049", "arrivals": {"rate": 100}}' 0
expect_eq "$outcomes" "EADDRNOTAVAIL connect 50, ok  50" "50 ports, 100 connections"
