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

jqr() { # FILE EXPRESSION
	jq -r "$2" "$1"
}

expect_eq() { # GOT WANT WHAT
	[ "$1" = "$2" ] || fail "$3: got $1, want $2"
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
fi
# For the scripts that run squall from a shell of their own.
export SQUALL SQ_SOURCE_DIR SCRATCH USER_SCRATCH
