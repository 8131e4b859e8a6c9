# The workflow files of docs/ci do what they say: their commands, as they stand there, in a project with a server
# that a commit slows down.
. "$(dirname "$0")/lib.sh"
need git git
need xmllint libxml2-utils
files=$SQ_SOURCE_DIR/docs/ci

mkdir -p "$SCRATCH/bin" "$SCRATCH/squall.git/build" "$SCRATCH/project/tests"
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x@example.test GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@example.test
commit() { git -C "$1" add -A && git -C "$1" commit -qm "$2"; }
# sudo, and a squall whose quickstart has nothing to build.
printf '#!/bin/sh\nexec "$@"\n' > "$SCRATCH/bin/sudo"
printf '#!/bin/sh\n' > "$SCRATCH/squall.git/quickstart"
cp "$SQUALL" "$SCRATCH/squall.git/build/squall"
chmod 755 "$SCRATCH/bin/sudo" "$SCRATCH/squall.git/quickstart"
git -C "$SCRATCH/squall.git" init -q
commit "$SCRATCH/squall.git" squall

# A server that accepts one connection in so many milliseconds.
server() { printf '#!/bin/sh\nexec "%s" sink tcp --listen 0.0.0.0:9000 --greeting x --accept-delay %s\n' "$SQUALL" "$1" > "$SCRATCH/project/server.sh"; }
printf 'server: server.sh\n\tcp server.sh server && chmod 755 server\n' > "$SCRATCH/project/Makefile"
printf 'server\n/squall/\n' > "$SCRATCH/project/.gitignore"
jq -n '{name: "load", idle: "20ms", target: "server:9000", world: {hosts: {client: {}, server: {run: [
		{argv: ["./server"], wait_port: 9000}]}}, links: [{between: ["client", "server"]}]},
	load: [{name: "storm", driver: "tcp", until: "greeting", duration: "150ms", timeout: "1s", arrivals: {closed: 1}}]}' \
	> "$SCRATCH/project/tests/load.json"
cd "$SCRATCH/project"
git init -q -b main
server 5ms && commit . before
git clone -q --bare . "$SCRATCH/origin.git"
git remote add origin "$SCRATCH/origin.git"
git checkout -qb slower
server 8ms && commit . slower

# Runs a file's commands as the runner does, each in a shell of its own that stops at the first failure.
commands() { # FILE
	/usr/bin/python3 -c '
import sys, yaml
jobs = yaml.safe_load(open(sys.argv[1]))
job = jobs["jobs"]["gate"] if "jobs" in jobs else jobs["network-regression"]
for text in job["script"] if "script" in job else [step["run"] for step in job["steps"] if "run" in step]:
    sys.stdout.write(text + "\0")' "$SQ_SOURCE_DIR/docs/ci/$1" |
		sed -z "s#\${{ vars.SQUALL_REPOSITORY }}#$SCRATCH/squall.git#; s#\${{ github.base_ref }}#main#; s#\${{ github.sha }}#$(git rev-parse HEAD)#"
}
job() { # WANTED-STATUSES FILE WHAT
	local command statuses='' status
	rm -rf gate gate.xml
	while read -rd '' command; do
		status=0; PATH=$SCRATCH/bin:$PATH bash -e -o pipefail -c "$command" > "$SCRATCH/said" 2>&1 < /dev/null || status=$?
		statuses+=$status
	done < <(commands "$2")
	expect_eq "$statuses" "$1" "$2, $3: statuses ($(cat "$SCRATCH/said"))"
	[ -s gate/gate.json ] || fail "$2, $3: no gate.json for the artifact"
	xmllint --noout --schema "$SQ_SOURCE_DIR/tests/e2e/junit.xsd" gate.xml 2> "$SCRATCH/said" || fail "JUnit: $(cat "$SCRATCH/said")"
}
failed() { python3 -c 'import sys, xml.etree.ElementTree as t; print(" ".join(c.get("name") for c in t.parse("gate.xml").iter("testcase") if c.find("failure") is not None))'; }

export SCENARIO=tests/load.json BASELINE=tests/baseline GITHUB_STEP_SUMMARY=$SCRATCH/summary.md
job 0010 github.yml "a slower commit"
[[ $(failed) == *storm.rate.ok* ]] || fail "github.yml names $(failed)"
grep -q -- '^- storm.rate.ok: worse' "$GITHUB_STEP_SUMMARY" || fail "the summary: $(cat "$GITHUB_STEP_SUMMARY")"

# The server of the checkout, and the baseline in it.
ln -s "$SQUALL" "$SCRATCH/bin/squall"
git checkout -q main
job 00 gitlab.yml "the first job, which stores"
job 00 gitlab.yml "the second, which cannot decide"
expect_eq "$(wc -l < tests/baseline/load.jsonl)" 2 "sessions stored"
for _ in 1 2; do cat tests/baseline/load.jsonl; done > "$SCRATCH/more"
cat "$SCRATCH/more" >> tests/baseline/load.jsonl
git checkout -q slower
job 01 gitlab.yml "a slower commit"
[[ $(failed) == *storm.rate.ok* ]] || fail "gitlab.yml names $(failed)"
