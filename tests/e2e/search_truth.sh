# Capacities that were programmed, with noise, are found: the short form of tests/truth/search-truth.
. "$(dirname "$0")/lib.sh"
need python3 python3

python3 -B "$SQ_SOURCE_DIR/tests/truth/search-truth" --short --keep "$SCRATCH/truth" > "$SCRATCH/said" 2>&1 ||
	fail "status $?: $(cat "$SCRATCH/said")"
cat "$SCRATCH/said"
