#!/usr/bin/env bash
# All C is as clang-format with the root's .clang-format leaves it.
set -euo pipefail
cd "${SQ_SOURCE_DIR:-$(dirname "$0")/../..}"

if ! command -v clang-format >/dev/null; then
	echo "clang-format is missing; install the package clang-format"
	exit 1
fi
if ! find base results scenarios analyzers loadgen cli tests -name '*.[ch]' -print0 |
	xargs -0 clang-format --dry-run -Werror; then
	echo "not formatted; run clang-format -i on these files"
	exit 1
fi
