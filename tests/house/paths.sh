#!/usr/bin/env bash
# No file of the tree names the machine that it was written on, or a package registry: a clone must
# work anywhere.  (The words are cut in two here, so that this file passes its own test.)
set -euo pipefail
cd "${SQ_SOURCE_DIR:-$(dirname "$0")/../..}"

words=(-e '/wo''rk/' -e '/tmp/''build-' -e '/ho''me/[a-z]'
	-e 'deb\.deb''ian\.org' -e 'registry\.np''mjs' -e 'py''pi\.org')
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
	files=(git ls-files -z --cached --others --exclude-standard)
else # an archive of the tree
	files=(find . -path './build*' -prune -o -path ./.git -prune -o -path ./runs -prune -o -type f -print0)
fi
found=$("${files[@]}" | xargs -0 grep -nIsE "${words[@]}" || true)
if [ -n "$found" ]; then
	echo "$found"
	echo "a path or a host of somebody's machine; make it relative, or a setting"
	exit 1
fi
