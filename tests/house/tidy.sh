#!/usr/bin/env bash
# clang-tidy with the root's .clang-tidy over all C of the rooms.  Other tests run beside it: it takes what
# they leave of the processors (the scheduler's idle class keeps none of them waiting).
set -euo pipefail
cd "${SQ_SOURCE_DIR:-$(dirname "$0")/../..}"

if ! command -v clang-tidy >/dev/null; then
	echo "clang-tidy is missing; install the package clang-tidy"
	exit 1
fi
idle=(chrt --idle 0)
"${idle[@]}" true 2>/dev/null || idle=(nice -n 19)
# The compile commands are gcc's: clang must not stumble over warnings that it does not know.
# The analyzer is nearly all of the time.  37,500 nodes of a function's paths reach as many blocks of our code
# as its 225,000 do (all but 1 of 708), and take a fifth of the time.
if ! find base results scenarios analyzers loadgen cli -name '*.c' -print0 |
	"${idle[@]}" xargs -0 -n 4 -P "$(nproc)" clang-tidy -p "${SQ_BUILD_DIR:-build-asan}" --quiet \
		--extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-error \
		--extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=max-nodes=37500; then
	echo "clang-tidy found faults; mend them, or say beside them why they are none (NOLINT)"
	exit 1
fi
