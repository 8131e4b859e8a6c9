#!/usr/bin/env bash
# Each header compiles alone: it includes what it uses, and no more is asked of who includes it.
set -euo pipefail
cd "${SQ_SOURCE_DIR:-$(dirname "$0")/../..}"

flags=$(pkg-config --cflags libuv jansson libmnl)
bad=0
while read -r header; do
	# Through standard input: a header as the main file would warn about its own guard.
	# shellcheck disable=SC2086
	if ! echo "#include \"$header\"" | "${SQ_C_COMPILER:-cc}" -x c -std=c11 -D_GNU_SOURCE \
		-Wall -Wextra -Werror -fsyntax-only -I. $flags -; then
		echo "$header does not compile alone; include what it uses"
		bad=1
	fi
done < <(find base results scenarios analyzers loadgen cli -name '*.h' | sort)
exit $bad
