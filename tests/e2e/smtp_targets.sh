# Servers that other people wrote, beside Postfix: Dovecot's LMTP, Exim and OpenSMTPD each take 200
# messages of a load, and count as many in their own logs.
#
# Exim and OpenSMTPD cannot be installed beside Postfix.  Their packages are unpacked instead, each into
# a root directory of its own, where they find their users, files and libraries at the usual places.
. "$(dirname "$0")/lib.sh"
need apt-get apt
need /usr/lib/dovecot/lmtp dovecot-lmtpd
[ "$(id -u)" = 0 ] || fail "the servers change to users of their own; run this as root"

# ---- servers out of packages ----

download() { # PACKAGE: it, and those of its dependencies that are not installed
	apt-get install --yes --download-only --no-install-recommends -o DPkg::Lock::Timeout=60 \
		-o APT::Sandbox::User=root -o Dir::Cache::Archives="$SCRATCH/$1/packages" "$1" > "$SCRATCH/apt.log" 2>&1
}

# PROGRAM with its libraries and its USERS in the new root directory $root; $uid is the first one's.
unpack() { # PACKAGE PROGRAM USERS...
	local package program=$2 user
	root=$SCRATCH/$1 uid=61001
	mkdir -p "$root/packages/partial" "$root/dev" "$root/etc" "$root/run" "$root/tmp"
	download "$1" || { apt-get update > /dev/null && download "$1"; } || fail "no package $1: $(cat "$SCRATCH/apt.log")"
	shift 2
	for package in "$root/packages"/*.deb; do
		dpkg-deb -x "$package" "$root"
	done
	LD_LIBRARY_PATH=$(find "$root" -name '*.so.*' -printf '%h:') ldd "$root$program" | grep -o '/[^ ]*' |
		grep -v "^$root/" | xargs cp -L --parents -t "$root"
	mknod -m 666 "$root/dev/null" c 1 3
	for user in root:0 $(printf '%s\n' "$@" | awk -v uid="$uid" '{ print $1 ":" uid++ }'); do
		echo "${user%:*}:x:${user#*:}:${user#*:}::/:/usr/sbin/nologin" >> "$root/etc/passwd"
		echo "${user%:*}:x:${user#*:}:" >> "$root/etc/group"
	done
}

certificate mail.example.test
tls="\"tls_ca\": \"$SCRATCH/mail.example.test.pem\", \"tls_name\": \"mail.example.test\""

# ---- runs ----

target() { # NAME PORT ARGV EXPECTATIONS LOADS...: mail to that server, which may relay it to a sink
	local name=$1 port=$2 argv=$3 expectations=$4 load loads=()
	shift 4
	for load; do
		loads+=("{ \"driver\": \"smtp\", \"connections\": 20, \"messages_per_connection\": 10, \"count\": 200, \"duration\": \"20s\", \"timeout\": \"10s\", \"arrivals\": { \"rate\": 200 }, $load }")
	done
	cat > "$SCRATCH/$name.json" <<J
{ "name": "$name", "target": "mail:$port", "idle": "3s",
  "world": { "hosts": { "client": {}, "mail": { "run": [ { "argv": $argv, "wait_port": $port, "wait": "30s" } ] },
      "next": { "run": [ { "sink": "smtp", "listen": "0.0.0.0:25" } ] } },
    "links": [ { "between": [ "client", "mail" ] }, { "between": [ "mail", "next" ] } ] },
  "load": [ $(IFS=,; echo "${loads[*]}") ], "expect": [ $expectations ] }
J
	"$SQUALL" run "$SCRATCH/$name.json" --out "$SCRATCH/$name-run" --allow-exec --quiet || {
		status=$?
		jq .expectations "$SCRATCH/$name-run/run.json" || true
		tail -n 20 "$SCRATCH/$name-run"/servers/*.log || true
		fail "$name: status $status"
	}
	r="$SCRATCH/$name-run/run.json"
	expect_eq "$(jqr "$r" '.findings | length')" 0 "findings at $name"
}

# Dovecot: of three recipients it does not know one, which it says at RCPT, and one's mailbox is full,
# which it says behind the text (LMTP).
mkdir "$SCRATCH/boxes"
chown 61001:61001 "$SCRATCH/boxes"
for name in user full; do
	echo "$name:{plain}:61001:61001::$SCRATCH/boxes/$name::userdb_quota_rule=*:bytes=$([ $name = full ] && echo 1 || echo 0)"
done > "$SCRATCH/boxes.passwd"
cat > "$SCRATCH/dovecot.conf" <<C
base_dir = $SCRATCH/dovecot
state_dir = $SCRATCH/dovecot
log_path = $SCRATCH/dovecot.log
protocols = lmtp
ssl = yes
ssl_cert = <$SCRATCH/mail.example.test.pem
ssl_key = <$SCRATCH/mail.example.test.key
auth_username_format = %n
mail_location = maildir:~/mail
mail_plugins = quota
plugin {
  quota = maildir:all
}
passdb {
  driver = passwd-file
  args = $SCRATCH/boxes.passwd
}
userdb {
  driver = passwd-file
  args = $SCRATCH/boxes.passwd
}
service lmtp {
  inet_listener lmtp {
    port = 24
  }
}
C
target dovecot 24 "[ \"dovecot\", \"-F\", \"-c\", \"$SCRATCH/dovecot.conf\" ]" '"lmtp.ok == 200", "lmtp.failures == 0"' \
	"\"name\": \"lmtp\", \"lmtp\": true, \"starttls_percent\": 50, $tls, \"recipients_per_message\": 3, \"recipients\": [ \"user@example.test\", \"nobody@example.test\", \"full@example.test\" ]"
expect_eq "$(jqr "$r" '.loads[0].counts | "\(.recipients) \(.recipients_refused) \(.recipients_undelivered)"')" "400 200 200" "recipients accepted, refused at RCPT, and behind the text"
expect_eq "$(find "$SCRATCH/boxes/user/mail/new" -type f | wc -l)" 200 "messages in the user's maildir"
expect_eq "$(grep -c 'lmtp(user).*saved mail to INBOX' "$SCRATCH/dovecot.log")" 200 "messages that Dovecot says it saved"
[ "$(jqr "$r" '.loads[0].counts.tls_full')" -gt 0 ] || fail "no TLS with Dovecot"

# Exim: AUTH PLAIN, half of the sessions by STARTTLS; AUTH LOGIN within TLS from the first byte on.
# All goes on to a sink.
unpack exim4-daemon-light /usr/sbin/exim4 Debian-exim
cp "$SCRATCH/mail.example.test.pem" "$root/etc/exim4/cert.pem"
cp "$SCRATCH/mail.example.test.key" "$root/etc/exim4/key.pem"
mkdir -p "$root/var/log/exim4" "$root/var/spool/exim4"
chown "$uid:$uid" "$root/etc/exim4/key.pem" "$root/var/log/exim4" "$root/var/spool/exim4"
cat > "$root/etc/exim4/exim4.conf" <<C
primary_hostname = mail.example.test
disable_ipv6 = true
daemon_smtp_ports = 25 : 465
tls_on_connect_ports = 465
smtp_accept_max = 100
host_lookup =
acl_smtp_rcpt = rcpt
tls_advertise_hosts = *
tls_certificate = /etc/exim4/cert.pem
tls_privatekey = /etc/exim4/key.pem
begin acl
rcpt:
  accept authenticated = *
  deny
begin routers
next:
  driver = manualroute
  route_list = * 198.19.0.2
  transport = next
begin transports
next:
  driver = smtp
  port = 25
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_set_id = \$auth2
  server_condition = \${if and {{eq{\$auth2}{tester}} {eq{\$auth3}{secret}}}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_set_id = \$auth1
  server_condition = \${if and {{eq{\$auth1}{tester}} {eq{\$auth2}{secret}}}}
C
all_delivered='"delivery.delivered == delivery.accepted", "delivery.lost == 0", "delivery.duplicated == 0", "delivery.corrupted == 0"'
account="\"user\": \"tester\", \"password\": \"secret\", $tls"
target exim 25 "[ \"chroot\", \"$root\", \"/usr/sbin/exim4\", \"-bdf\", \"-q1m\" ]" "\"plain.ok == 200\", \"login.ok == 200\", $all_delivered" \
	"\"name\": \"plain\", \"auth\": \"plain\", \"starttls_percent\": 50, $account" \
	"\"name\": \"login\", \"auth\": \"login\", \"target\": \"mail:465\", \"tls\": true, $account"
log=$root/var/log/exim4/mainlog
expect_eq "$(grep -c ' <= .* A=plain:tester ' "$log")" 200 "messages that Exim received with AUTH PLAIN"
expect_eq "$(grep -c ' <= .* X=TLS.* A=login:tester ' "$log")" 200 "messages that Exim received with AUTH LOGIN, by TLS"
expect_eq "$(grep -c ' => .* T=next ' "$log")" 400 "messages that Exim says it delivered"
secured=$(grep -c ' <= .* X=TLS.* A=plain:tester ' "$log")
[ "$secured" -gt 0 ] && [ "$secured" -lt 200 ] || fail "$secured of 200 messages to Exim by STARTTLS"

# OpenSMTPD, which announces no PIPELINING: two recipients are two deliveries to it.  Without TLS, since
# that of version 6.8 fails with OpenSSL 3 (its issue 1171).  The limits are pauses between its own
# connections, and how many deliveries wait before it puts more of them aside.
unpack opensmtpd /usr/sbin/smtpd opensmtpd opensmtpq
mkdir -p "$root/var/lib/opensmtpd/empty" "$root/var/run" "$root/var/spool"
cat > "$root/etc/smtpd.conf" <<C
mta limit task-hiwat 1000
mta limit conn-delay-route 0
mta limit conn-delay-relay 0
mta limit reconn-delay-route 0
listen on 0.0.0.0 port 25 hostname mail.example.test
action next relay host smtp://198.19.0.2 helo mail.example.test
match from any for any action next
C
target opensmtpd 25 "[ \"chroot\", \"$root\", \"/usr/sbin/smtpd\", \"-d\" ]" "\"two.ok == 200\", $all_delivered" \
	"\"name\": \"two\", \"recipients_per_message\": 2"
log=$(echo "$SCRATCH"/opensmtpd-run/servers/mail-*.log)
expect_eq "$(grep -c ' smtp message .* nrcpt=2 ' "$log")" 200 "messages that OpenSMTPD says it received"
expect_eq "$(grep -c ' mta delivery .* result="Ok"' "$log")" 400 "recipients that OpenSMTPD says it delivered to"
expect_eq "$(jqr "$r" '.delivery.recipients | "\(.accepted) \(.delivered) \(.copies)"')" "400 400 0" "recipients accepted and delivered to, and copies"
