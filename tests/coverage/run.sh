#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# run.sh: builds everything again in coverage/ of the build tree, counted by
# gcov, runs coverage_tests there and prints how many lines and branches of each
# file of lib/ were reached. The lines that were not are in coverage/missed, and
# are printed if LIST is set. Fails if a test fails, below PMHEAP_COVERAGE per
# cent of the lines, and if a line is missed that tests/coverage/unreached does
# not excuse, or reached although it does (STALE).
#
# Processes that others kill write no counts, those that kill themselves do.
set -eu -o pipefail
src=${top_srcdir:?}
dir=${top_builddir:?}/coverage
cc=${CC:-gcc}
tests=${coverage_tests:?}
least=${PMHEAP_COVERAGE:-95}
# Counters are atomic: threads share them. gcc's fork() would begin at zero
# again, after what the child has done in its handlers.
flags='-O0 -g --coverage -fprofile-update=atomic -fno-builtin-fork'
export CK_TIMEOUT_MULTIPLIER=10
export PMHEAP_TEST_KILLS=${PMHEAP_TEST_KILLS:-12}
export PMHEAP_CRASH_STATES=${PMHEAP_CRASH_STATES:-20000}

for tool in gcov perl; do
	command -v $tool >/dev/null || {
		echo "SKIP: coverage: no $tool"
		exit 77
	}
done
mkdir -p "$dir"
"$cc" -O2 -c -o "$dir/leave.o" "$src/tests/coverage/leave.c"
# Static, so that a program has one set of counts; the recorder of crash-test is
# a shared object and is not built.
[ -f "$dir/config.status" ] ||
	(cd "$dir" && "$src/configure" --disable-shared CC="$cc" \
		CFLAGS="$flags" LDFLAGS="-Wl,$dir/leave.o" \
		>configure.out 2>&1) || {
	echo "coverage: configure fails, see $dir/configure.out" >&2
	exit 1
}
make -C "$dir" check TESTS= >"$dir/make.out" 2>&1 || {
	echo "coverage: the build fails, see $dir/make.out" >&2
	exit 1
}
find "$dir" -name '*.gcda' -delete
status=0
make -C "$dir" -k check TESTS="$tests" >"$dir/check.out" 2>&1 || {
	grep -E '^(FAIL|ERROR): ' "$dir/check.out" || true
	echo "coverage: tests fail, see $dir/check.out" >&2
	status=1
}

# Of inline functions in headers and objects built twice the sum is taken.
cd "$dir"
find lib -name '*.gcno' -exec gcov -b -t {} + 2>gcov.err |
	perl -e '
use strict;
my ($least, $src, $missed, %hit, %br, %text, %excuse, @bad, $f) = @ARGV;
my $at = 0;
# A file and the text of a line of it; the next line has the reason.
open my $list, "<", "$src/tests/coverage/unreached" or die "unreached: $!\n";
while (<$list>) {
	next unless m{^lib/};
	chomp;
	my $reason = <$list> // "";
	$reason =~ /^\t(either way: )?\S/ or die "unreached: no reason for $_\n";
	$excuse{$_}{n}++;
	$excuse{$_}{either} = defined $1;
}
while (<STDIN>) {
	if (/^\s*-:\s*0:Source:(.*)/) {
		$f = $1 =~ m{(?:^|/)(lib/[^.].*\.[ch])$} ? $1 : undef;
		$f = -e "$src/$f" ? $f : undef if defined $f;
	} elsif (!defined $f) {
		next;
	} elsif (/^\s*([0-9]+\*?|#####|=====|-):\s*(\d+):(.*)/) {
		($at, my $n, my $text) = ($2, $1, $3);
		next if $n eq "-" || $at == 0;
		$hit{$f}{$at} += $n =~ /^(\d+)/ ? $1 : 0;
		$text{$f}{$at} = $text;
	} elsif (/^branch\s+(\d+) (never|taken (\d+)%?)/) {
		$br{$f}{"$at $1"} += $3 // 0;
	}
}
sub row {
	my ($name, @n) = @_;
	printf "%-24s %6d %6d %6.1f%% %6d %6d %6.1f%%\n", $name, @n[0, 1],
		$n[0] ? 100 * $n[1] / $n[0] : 100, @n[2, 3],
		$n[2] ? 100 * $n[3] / $n[2] : 100;
}
open my $out, ">", $missed or die "$missed: $!\n";
printf "%-24s %6s %6s %7s %6s %6s %7s\n",
	"file", "lines", "hit", "", "branch", "taken", "";
my @sum = (0) x 4;
for $f (sort keys %hit) {
	my @n = (scalar keys %{$hit{$f}}, scalar(grep { $_ } values %{$hit{$f}}),
		scalar keys %{$br{$f}}, scalar(grep { $_ } values %{$br{$f}}));
	$sum[$_] += $n[$_] for 0 .. 3;
	row($f, @n);
	for (sort { $a <=> $b } keys %{$hit{$f}}) {
		my $n = $hit{$f}{$_};
		my $e = $excuse{"$f:" . ($text{$f}{$_} =~ s/^\s+//r)};
		$e->{$n ? "hit" : "missed"}++ if $e;
		next if $n;
		print $out "$f:$_:$text{$f}{$_}\n";
		push @bad, "MISSED: $f:$_:$text{$f}{$_}\n" 
			unless $e && $e->{missed} <= $e->{n};
	}
}
row("total", @sum);
for (sort keys %excuse) {
	my $e = $excuse{$_};
	push @bad, "STALE: $_\n" unless $e->{missed} || $e->{hit} && $e->{either};
}
print @bad;
exit !(!@bad && $sum[0] && 100 * $sum[1] >= $least * $sum[0]);
' "$least" "$src" "$dir/missed" || status=1
[ -z "${LIST:-}" ] || cat missed
echo "lines that were not reached: $dir/missed"
exit $status
