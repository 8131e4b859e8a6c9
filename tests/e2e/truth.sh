# The truth suite in its short form: each mechanism once, pairs, healthy runs, and causes that no counter
# shows.  ./check --truth runs all of it.
. "$(dirname "$0")/lib.sh"
need python3 python3
need nft nftables
need tc iproute2

mkdir "$SCRATCH/truth"
python3 -B "$SQ_SOURCE_DIR/tests/truth/squall-truth" --short --jobs 3 --keep "$SCRATCH/truth" > "$SCRATCH/said" 2>&1 ||
	fail "status $?: $(cat "$SCRATCH/said")"
tail -n 10 "$SCRATCH/said"
