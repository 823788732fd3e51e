#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# bench/compare.pl with programs that measure what they are told to: medians
# and ratios are right, rounds that disagree are marked, a program that fails is
# named, and a target is judged.
command -v perl >/dev/null || {
	echo "SKIP: no perl"
	exit 77
}
compare=$(cd "${top_srcdir:-.}" && pwd)/bench/compare.pl || exit 99
dir=$(mktemp -d "${TMPDIR:-/tmp}/pmheap-compare-XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 99' INT TERM
cd "$dir" || exit 99
status=0

# program NAME CODE VALUE...: measures pair, and nt64, as VALUE in each round.
program() {
	name=$1 code=$2
	shift 2
	{
		echo '#!/bin/sh'
		echo '[ "$1" != --list ] || { echo queue; exit; }'
		echo 'echo .'
		for value in "$@"; do
			echo 'read -r line || exit 1'
			printf "printf 'pair\\\\t%s\\\\n'\n" "$value"
			printf "printf 'nt64\\\\t%s\\\\n.\\\\n'\n" "$value"
		done
		echo 'read -r line'
		echo "exit $code"
	} >"$name"
	chmod +x "$name"
}

run() {
	perl "$compare" --bin . --scale quick --only queue --rounds 3 \
		--out results >out 2>err
	code=$?
}

# says PATTERN: a line of the output matches.
says() {
	grep -Eq -- "$1" out || {
		echo "FAIL: no '$1' in the output"
		cat out err
		status=1
	}
}

program limit 0 100 100 200
program on-pmheap 0 250 260 500
program on-pmemobj 0 2500 2080 5000
program on-malloc 0 10 100 10
run
[ "$code" = 0 ] || { echo "FAIL: exit code $code"; cat out err; status=1; }
says '^ +limit +100\.0 +100\.0 +200\.0'
says '^ +pmheap +260\.0 +250\.0 +500\.0 +2\.500 *$'
says '^ +pmemobj +2500 +2080 +5000 +25\.00 +10\.00 *$'
says '^ +malloc +10\.00 +10\.00 +100\.0 +0\.100\? +0\.040\? *$'
says '^lmdb: left out'
says '^W5 enqueue .* 260\.0  ns .* at most +450\.0  reached'
says '^W5 enqueue .* 10\.00  x faster than pmemobj .* reached'
says '^\?: rounds disagree by more than 2 x'
if ! grep -q "^queue	pair	pmemobj	2	2080$" results/rounds.tsv ||
	! grep -q "^queue	pair	pmheap	260	250	500$" results/medians.tsv
then
	echo "FAIL: the tables are wrong"
	cat results/*.tsv
	status=1
fi

# Verifying fails at the end; another ends in the second round.
program on-pmheap 1 250 260 500
program on-malloc 0 10
run
[ "$code" = 1 ] || { echo "FAIL: exit code $code"; status=1; }
says '^pmheap: FAILED in queue'
says '^malloc: FAILED in queue'
says '^W5 enqueue .*not measured'
if grep -Eq '^ +(pmheap|malloc) ' out; then
	echo "FAIL: figures of a program that failed"
	status=1
fi
exit $status
