#!/usr/bin/env bash
# clang-tidy with the root's .clang-tidy over all C of the rooms.
set -euo pipefail
cd "${SQ_SOURCE_DIR:-$(dirname "$0")/../..}"

if ! command -v clang-tidy >/dev/null; then
	echo "clang-tidy is missing; install the package clang-tidy"
	exit 1
fi
# The compile commands are gcc's: clang must not stumble over warnings that it does not know.
if ! find base results scenarios analyzers loadgen cli -name '*.c' -print0 |
	xargs -0 -n 4 -P "$(nproc)" clang-tidy -p "${SQ_BUILD_DIR:-build-asan}" --quiet \
		--extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-error; then
	echo "clang-tidy found faults; mend them, or say beside them why they are none (NOLINT)"
	exit 1
fi
