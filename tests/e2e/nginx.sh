# nginx as a real target in a world: 20,000 connections at 2000/s, all served, and nginx's own count
# of accepted connections equal to ours.
. "$(dirname "$0")/lib.sh"
need nginx nginx-light

cat > "$SCRATCH/nginx.conf" <<C
daemon off; worker_processes 1; pid $SCRATCH/nginx.pid; error_log $SCRATCH/error.log; user root;
events { worker_connections 10000; }
http { access_log off; client_body_temp_path $SCRATCH; proxy_temp_path $SCRATCH; fastcgi_temp_path $SCRATCH;
  uwsgi_temp_path $SCRATCH; scgi_temp_path $SCRATCH;
  server { listen 0.0.0.0:80 backlog=4096; return 204; }
  server { listen unix:$SCRATCH/status.sock; location / { stub_status; } } }
C
cat > "$SCRATCH/nginx.json" <<J
{ "name": "nginx", "target": "server:80",
  "world": { "hosts": { "client": {}, "server": { "sysctl": { "net.core.somaxconn": 4096 },
      "run": [ { "argv": [ "nginx", "-p", "$SCRATCH", "-c", "$SCRATCH/nginx.conf" ], "wait_port": 80 } ] } },
    "links": [ { "between": [ "client", "server" ] } ] },
  "load": [ { "name": "steady", "driver": "tcp", "duration": "10s", "until": "acked", "arrivals": { "rate": "2000/s" } } ],
  "idle": "3s", "expect": [ "steady.ok == 20000", "steady.failures == 0" ] }
J
"$SQUALL" run "$SCRATCH/nginx.json" --out "$SCRATCH/refused" --quiet 2> "$SCRATCH/refused.txt" && fail "a program ran without --allow-exec"
expect_eq "$([ -e "$SCRATCH/refused" ] && echo there || echo none)" none "a refused run's folder"
"$SQUALL" run "$SCRATCH/nginx.json" --out "$SCRATCH/run" --allow-exec --quiet & run=$!
accepted=0
while kill -0 "$run" 2> /dev/null; do # the last answer while it lived, in the idle window after the load
	got=$(curl -s --max-time 1 --unix-socket "$SCRATCH/status.sock" http://x/ 2> /dev/null | awk 'NR == 3 { print $1 }' || true)
	[ -z "$got" ] || { accepted=$got; polls=$((${polls:-0} + 1)); }
	sleep 0.1
done
status=0; wait "$run" || status=$?
expect_eq "$status" 0 "status"
expect_eq "$(jqr "$SCRATCH/run/run.json" '[.loads[0].outcomes[] | select(.class == "ok") | .count] | add')" 20000 "served"
expect_eq "$((accepted - polls))" 20000 "nginx's accepted, less our own status requests"
