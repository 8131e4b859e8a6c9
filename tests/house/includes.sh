#!/usr/bin/env bash
# Includes point only down: base < results < scenarios < analyzers < loadgen < cli.
# Spelled from the root, so that a line tells the room.  A unit test knows its room and those below,
# and helpers in its own folder.
set -euo pipefail
cd "${SQ_SOURCE_DIR:-$(dirname "$0")/../..}"

find base results scenarios analyzers loadgen cli tests/unit -name '*.[ch]' -print0 |
	xargs -0 awk '
	BEGIN {
		n = split("base results scenarios analyzers loadgen cli", rooms, " ")
		for (i = 1; i <= n; i++)
			level[rooms[i]] = i
	}
	FNR == 1 {
		path = FILENAME
		sub(/^tests\/unit\//, "", path)
		room = path
		sub(/\/.*/, "", room)
	}
	/^[ \t]*#[ \t]*include[ \t]*"/ {
		split($0, part, "\"")
		other = part[2]
		if (FILENAME ~ /^tests/ && other !~ /\//)
			next
		sub(/^tests\/unit\//, "", other)
		sub(/\/.*/, "", other)
		where = FILENAME ":" FNR ": "
		if (!(other in level)) {
			print where "\"" part[2] "\" is not spelled from the root; write \"ROOM/...\""
			bad = 1
		} else if (level[other] > level[room]) {
			print where room " must not know " other "; move what both need down"
			bad = 1
		}
	}
	END { exit bad }
'
