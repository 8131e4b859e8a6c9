# Helpers of the end-to-end scripts; the first line of each is:  . "$(dirname "$0")/lib.sh"
#
# $SQUALL is the program, $SQ_SOURCE_DIR the tree.  $SCRATCH is a folder of the script's own, and
# $USER_SCRATCH one that as_user may write to; both go when the script succeeds, and are kept and
# named when it fails.  What a script must undo itself it gives to at_exit, not to trap.
# A tool that is missing is a failure, never a skip.
# shellcheck shell=bash
set -euo pipefail

SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/squall-e2e.XXXXXX")
USER_SCRATCH=$SCRATCH/user-scratch
exit_commands=()

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# Runs COMMAND (a line of shell) when the script ends, the last one given first.
at_exit() {
	exit_commands=("$1" "${exit_commands[@]}")
}

on_exit() {
	local status=$? command
	set +e
	for command in "${exit_commands[@]}"; do
		eval "$command"
	done
	if [ "$status" = 0 ]; then
		rm -rf "$SCRATCH"
	else
		echo "$(basename "$0"): status $status; its files are kept in $SCRATCH" >&2
	fi
	exit "$status"
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

need() { # COMMAND PACKAGE
	command -v "$1" >/dev/null || PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ||
		fail "$1 is missing; install the package $2"
}

# What can't be read is equal to nothing, not even to the empty text.
jqr() { # FILE EXPRESSION
	jq -r "$2" "$1" || {
		echo "nothing can be read of $1 with $2"
		return 1
	}
}

# (Two things that are not there are not equal either.)
expect_eq() { # GOT WANT WHAT
	[ "$2" != null ] || fail "$3: there is nothing to compare $1 with"
	[ "$1" = "$2" ] || fail "$3: got $1, want $2"
}

# Of numbers, one a line.
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
# Whether three of them are within bounds: then so is the median of five, whatever the other two are.
three_within() { # LEAST MOST
	awk -v least="$1" -v most="$2" '$1 >= least && $1 <= most { n++ } END { exit n < 3 }'
}

# Runs a command as nobody's user, in a folder and with a HOME of its own.
as_user() {
	if [ "$(id -u)" != 0 ]; then
		(cd "$USER_SCRATCH" && HOME=$USER_SCRATCH TMPDIR=$USER_SCRATCH "$@")
		return
	fi
	(cd "$USER_SCRATCH" && HOME=$USER_SCRATCH TMPDIR=$USER_SCRATCH \
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@")
}

# Runs a command of squall's that leaves a report, whose expectations must hold: that of NAME is $r.
ran() { # NAME COMMAND...
	local name=$1 status=0
	shift
	r="$USER_SCRATCH/$name/run.json"
	"$@" --out "$USER_SCRATCH/$name" --quiet || status=$?
	[ "$status" = 0 ] ||
		fail "$name: status $status; $(jqr "$r" '.expectations[] | select(.held != true) | "\(.text): \(.because)"')"
}

# The lab of that name as it fails, without its cure, run by COMMAND; analyzed again it has the same
# report, to the bit.
lab() { # NAME [COMMAND...]
	ran "$1" "${@:2}" "$SQUALL" lab run "$1" --no-cure
	cp "$r" "$SCRATCH/live.json"
	"$SQUALL" analyze "$USER_SCRATCH/$1" --quiet || fail "$1: analyze: status $?"
	cmp "$SCRATCH/live.json" "$r" || fail "$1: analyze made another report than the run"
}

# The PID namespace that the processes of a run are in, once there is one.
world_of() { # PID
	local guard keeper
	guard=$(pgrep -P "$1" | head -1) && keeper=$(pgrep -P "$guard" | head -1) && readlink "/proc/$keeper/ns/pid"
}
# The command lines of the processes in it, of which none is left after a run.
inhabitants() { # NAMESPACE
	local each
	for each in /proc/[0-9]*; do
		[ "$(readlink "$each/ns/pid" 2> /dev/null)" != "$1" ] || tr '\0' ' ' < "$each/cmdline" 2> /dev/null || true
	done
}

# A key and a certificate of a server of that name, $SCRATCH/NAME.key and NAME.pem, signed by AUTHORITY
# (a name that was given here before), or by itself.
certificate() { # NAME [AUTHORITY]
	local by=()
	need openssl openssl
	[ -z "${2:-}" ] || by=(-CA "$SCRATCH/$2.pem" -CAkey "$SCRATCH/$2.key")
	openssl req -x509 "${by[@]}" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
		-addext "subjectAltName=DNS:$1" -keyout "$SCRATCH/$1.key" -out "$SCRATCH/$1.pem" 2> "$SCRATCH/openssl.log" ||
		fail "no certificate for $1: $(cat "$SCRATCH/openssl.log")"
}

# An ssh of the script's own, in $SCRATCH/bin, which is for the caller's PATH: its key opens each sshd that sshd_settings is
# for, with the settings that ~/.ssh/config would have.  Started by: $sshd_program -D -e -f $SCRATCH/sshd.PORT
ssh_set_up() {
	need sshd openssh-server
	need ssh openssh-client
	sshd_program=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd)
	mkdir -p /run/sshd "$SCRATCH/bin"
	ssh-keygen -q -t ed25519 -N '' -f "$SCRATCH/key"
	ssh-keygen -q -t ed25519 -N '' -f "$SCRATCH/host"
	cp "$SCRATCH/key.pub" "$SCRATCH/authorized"
	cat > "$SCRATCH/ssh" <<-C
		Host *
		IdentityFile $SCRATCH/key
		IdentitiesOnly yes
		UserKnownHostsFile /dev/null
		StrictHostKeyChecking no
		LogLevel ERROR
	C
	printf '#!/bin/sh\nexec %s -F %s "$@"\n' "$(command -v ssh)" "$SCRATCH/ssh" > "$SCRATCH/bin/ssh"
	chmod +x "$SCRATCH/bin/ssh"
}
sshd_settings() { # PORT [LINE...]
	cat > "$SCRATCH/sshd.$1" <<-C
		Port $1
		HostKey $SCRATCH/host
		AuthorizedKeysFile $SCRATCH/authorized
		StrictModes no
		UsePAM no
		PermitRootLogin yes
		PidFile none
	C
	[ $# = 1 ] || printf '%s\n' "${@:2}" >> "$SCRATCH/sshd.$1"
}

# A Postfix of the script's own in $SCRATCH/etc, with its queue and its log ($SCRATCH/mail.log), that
# takes mail from the world's hosts and relays all of it to 198.19.0.2; arguments are further lines of
# its main.cf, of which the last one counts.  Started by: postfix -c $SCRATCH/etc start-fg
postfix_set_up() {
	need postfix postfix
	rm -rf "$SCRATCH/etc" "$SCRATCH/queue" "$SCRATCH/data" "$SCRATCH/mail.log"
	mkdir "$SCRATCH/etc" "$SCRATCH/queue" "$SCRATCH/data"
	chown postfix "$SCRATCH/data"
	cat > "$SCRATCH/etc/main.cf" <<C
compatibility_level = 3.6
queue_directory = $SCRATCH/queue
data_directory = $SCRATCH/data
maillog_file = $SCRATCH/mail.log
maillog_file_prefixes = $SCRATCH
myhostname = relay.example.test
mydestination =
mynetworks = 198.18.0.0/15
inet_protocols = ipv4
relayhost = [198.19.0.2]:25
disable_dns_lookups = yes
smtp_host_lookup = native
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
local_recipient_maps =
alias_maps =
alias_database =
C
	cat > "$SCRATCH/etc/master.cf" <<'C'
smtp     inet       n - n -     - smtpd
cleanup  unix       n - n -     0 cleanup
qmgr     unix       n - n 300   1 qmgr
rewrite  unix       - - n -     - trivial-rewrite
bounce   unix       - - n -     0 bounce
defer    unix       - - n -     0 bounce
trace    unix       - - n -     0 bounce
flush    unix       n - n 1000? 0 flush
smtp     unix       - - n -     - smtp
lmtp     unix       - - n -     - lmtp
discard  unix       - - n -     - discard
tlsmgr   unix       - - n 1000? 1 tlsmgr
error    unix       - - n -     - error
retry    unix       - - n -     - error
anvil    unix       - - n -     1 anvil
scache   unix       - - n -     1 scache
postlog  unix-dgram n - n -     1 postlogd
C
	printf '%s\n' "$@" >> "$SCRATCH/etc/main.cf"
}

# How many messages stand in that Postfix's queue.
postfix_queued() {
	local each
	each=$(find "$SCRATCH/queue/incoming" "$SCRATCH/queue/active" "$SCRATCH/queue/deferred" -type f -printf .) ||
		fail "no queue of Postfix's"
	echo "${#each}"
}

need jq jq
need setpriv util-linux
[ -x "${SQUALL:-}" ] || fail "SQUALL (${SQUALL:-unset}) is no program; run this through ctest"
chmod 755 "$SCRATCH"
mkdir "$USER_SCRATCH"
if [ "$(id -u)" = 0 ]; then
	chown 65534:65534 "$USER_SCRATCH"
fi
# The tree may lie where another user may not look.
if ! as_user test -x "$SQUALL"; then
	cp "$SQUALL" "$SCRATCH/squall"
	SQUALL=$SCRATCH/squall
	as_user test -x "$SQUALL" ||
		fail "a user cannot run programs in $SCRATCH (is it mounted noexec?); set TMPDIR to a folder where one can"
fi
# For the scripts that run squall from a shell of their own.
export SQUALL SQ_SOURCE_DIR SCRATCH USER_SCRATCH
