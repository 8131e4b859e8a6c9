# ./quickstart in a copy of the checkout, by an ordinary user: it builds, and one service of three
# fails for a reason that is told. As root, and where worlds are forbidden, the same holds. Packages
# that are missing are named with what they are for, and asked of apt-get alone.
. "$(dirname "$0")/lib.sh"
need cmake cmake
need make make

checkout=$USER_SCRATCH/squall
mkdir "$checkout"
tar -C "$SQ_SOURCE_DIR" --exclude=./.git --exclude='./build*' --exclude=./runs -cf - . | tar -C "$checkout" -xf -
[ "$(id -u)" != 0 ] || chown -R 65534:65534 "$checkout"

seen() { # REPORT WHO: what a newcomer should see
	expect_eq "$(jqr "$1" '[.expectations[].held] | length > 0 and all')" true "$2: expectations"
	expect_eq "$(jqr "$1" '[.loads[] | select(.name != "burst") | .outcomes[] | select(.class != "ok") | .count] | add // 0')" 0 "$2: failures of the healthy loads"
	expect_eq "$(jqr "$1" '.findings | map("\(.mechanism) \(.host) \(.explained)") | join(", ")')" "accept-queue-overflow server 191" "$2: findings"
	expect_eq "$(jqr "$1" '[.loads[] | ([.outcomes[].count] | add) == .scheduled] | all')" true "$2: sum"
}

# Built and run by somebody who may not install anything, since nothing is missing.
status=0; as_user "$checkout/quickstart" > "$SCRATCH/user.txt" 2>&1 || status=$?
expect_eq "$status" 0 "as a user: status; it said: $(tail -n 20 "$SCRATCH/user.txt")"
seen "$checkout/runs/quickstart/latest/run.json" "as a user"
grep -q "191 timeout@connect of burst: accept-queue-overflow on server" "$SCRATCH/user.txt" || fail "the summary does not say why"
grep -q "runs/quickstart/latest/run.json" "$SCRATCH/user.txt" || fail "the report is not named"

# As root; under 30 s, on the sanitized build too.
cd "$SCRATCH"
began=$(date +%s); status=0
"$SQUALL" run "$SQ_SOURCE_DIR/scenarios/quickstart.json" --out "$SCRATCH/root" --quiet || status=$?
expect_eq "$status" 0 "as root: status"
[ $(($(date +%s) - began)) -lt 30 ] || fail "it took $(($(date +%s) - began)) s"
seen "$SCRATCH/root/run.json" "as root"

# Where user namespaces are forbidden: on loopback (one of its own here, whose ports nobody has), with what
# that loses.
status=0; as_user unshare -Urn sh -c 'ip link set lo up; echo 0 > /proc/sys/user/max_user_namespaces; echo 0 > /proc/sys/user/max_net_namespaces; echo 0 > /proc/sys/user/max_pid_namespaces
	exec "$@"' sh "$checkout/build/squall" run "$checkout/scenarios/quickstart.json" --out "$USER_SCRATCH/loop" > "$SCRATCH/loop.txt" 2>&1 || status=$?
expect_eq "$status" 0 "without a world: status; it said: $(cat "$SCRATCH/loop.txt")"
seen "$USER_SCRATCH/loop/run.json" "without a world"
grep -q "running on loopback instead" "$SCRATCH/loop.txt" || fail "no word of loopback: $(cat "$SCRATCH/loop.txt")"
grep -q "not done: counters of client and server are one and the same" "$SCRATCH/loop.txt" || fail "no word of what loopback loses"

# Packages that are missing: named, explained, and installed by apt-get through sudo alone. The build
# is not wanted here, so cmake says no.
mkdir "$USER_SCRATCH/bin"
cat > "$USER_SCRATCH/bin/dpkg-query" <<'S'
#!/bin/sh
for package; do :; done
case $package in libmnl-dev | nftables) exit 1 ;; esac
echo install ok installed
S
for name in sudo cmake; do
	printf '#!/bin/sh\necho %s "$@" >> "%s/asked.txt"\n[ %s = sudo ]\n' "$name" "$USER_SCRATCH" "$name" > "$USER_SCRATCH/bin/$name"
done
printf '#!/bin/sh\n' > "$USER_SCRATCH/bin/apt-get"
chmod 755 "$USER_SCRATCH"/bin/*
status=0; as_user env PATH="$USER_SCRATCH/bin:$PATH" "$checkout/quickstart" > "$SCRATCH/install.txt" 2>&1 || status=$?
expect_eq "$status" 2 "a build that fails: status"
grep -q "^ *libmnl-dev  *[a-z]" "$SCRATCH/install.txt" && grep -q "^ *nftables  *[a-z]" "$SCRATCH/install.txt" || fail "no word of why: $(cat "$SCRATCH/install.txt")"
grep -q "password" "$SCRATCH/install.txt" || fail "sudo comes as a surprise: $(cat "$SCRATCH/install.txt")"
expect_eq "$(sed -n 's/^sudo //p' "$USER_SCRATCH/asked.txt" | paste -sd ';')" \
	"apt-get update -qq;env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libmnl-dev nftables" "what sudo was asked for"
