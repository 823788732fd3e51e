# SPDX-License-Identifier: BSD-3-Clause
#
# Sites.pm: finds everything in the library's sources that crash consistency
# may rest on, and what each becomes when it is removed or weakened. One site
# is one mutant; it is named file:function:operator:ordinal, so that lines that
# move do not change its name.
package Sites;

use strict;
use warnings;

# Calls that are left out, and what stands in their place.
my %removed = (
	fence => [qr/log_fence|med_fence/, '0'],
	drain => [qr/pmem_drain/, '(void)0'],
	flush => [qr/med_flush|med_flush_once|pmem_flush|file_flush|alloc_flush/,
		  '(void)0'],
	sync => [qr/msync|fsync|fdatasync|sync_dir/, '0'],
	barrier => [qr/AO_nop_full|__atomic_(?:signal|thread)_fence/,
		    '(void)0'],
	sort => [qr/qsort/, '(void)0'],
	reserve => [qr/log_checkpoint_all|log_flush_upto|lane_need/, '0'],
	poison => [qr/log_poison|header_add_lost/, '(void)0'],
	publish => [qr/lane_publish|write_other_header/, '(void)0'],
	spin => [qr/spin_lock/, '(void)0'],
);

# What judges bytes of a medium, and its answer when all is well.
my $says_yes = qr/range_in|region_holds|alloc_rec_is_valid|slab_fits|
		  mask_is_valid|bytes_are_zero|rest_is_zero/x;
my $says_no = qr/rec_validate|header_check_maps|check_version|check_sizes|
		 check_zones/x;

my %weaker = (
	AO_store_release => 'AO_store', AO_store_full => 'AO_store',
	AO_load_acquire => 'AO_load',
	AO_fetch_and_add1_full => 'AO_fetch_and_add1',
	AO_fetch_and_sub1_full => 'AO_fetch_and_sub1',
	AO_compare_and_swap_full => 'AO_compare_and_swap',
	AO_test_and_set_acquire => 'AO_test_and_set',
);

# Sources in which every rejecting condition and every comparison of sequence
# numbers, generations and checksums is tried.
my $judging = qr{^(?:tx/(?:scan|recover|record)|region/(?:header|change)|
		 alloc/(?:apply|open))\.c$}x;
my $ordering = qr{^(?:tx/(?:scan|recover|checkpoint|flush|log|multi|open)|
		  region/(?:header|change))\.c$}x;
my $number = qr/seq|checksum|sum|gen|watermark|want|last|lost|floor|settled|
		durable|inflight/x;
my $rejects = qr/^\s*(?:return\s+(?:-1|err_set|MALFORMED|TORN|damaged|false|
		 JUDGED_|FOREIGN|BAD_SUM|OTHER_ORDER|NEWER)|
		 goto\s+(?:bad|fail)|break|continue|\{?\s*err_set)/x;

# Comments, strings and directives become blanks; offsets stay.
sub blank {
	my ($text) = @_;
	$text =~ s{(/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+')}
		  {(my $b = $1) =~ s/[^\n]/ /g; $b}gse;
	$text =~ s{^(#(?:[^\n]*\\\n)*[^\n]*)}
		  {(my $b = $1) =~ s/[^\n]/ /g; $b}gme;
	return $text;
}

# [name, start, end] of the bodies of all functions.
sub functions {
	my ($code) = @_;
	my @found;
	while ($code =~ /^\{\n(.*?)^\}/gms) {
		my ($start, $end) = ($-[0], $+[0]);
		# The last name at the left margin that a parenthesis follows.
		my ($name) = substr($code, 0, $start) =~
			/.*^\w[^\n(]*?(\w+)\(/ms;
		push @found, [$name, $start, $end];
	}
	return @found;
}

# Offset after the parenthesis that closes the one at $at.
sub after_paren {
	my ($code, $at) = @_;
	my $depth = 0;
	pos($code) = $at;
	while ($code =~ /([()])/g) {
		$depth += $1 eq '(' ? 1 : -1;
		return pos($code) if $depth == 0;
	}
	die "parentheses do not match\n";
}

# Pieces of $code[$from, $to) between $separator outside of parentheses, as
# [from, to].
sub split_top {
	my ($code, $from, $to, $separator) = @_;
	my ($depth, $at, @parts) = (0, $from);
	pos($code) = $from;
	while ($code =~ /\G(?:([(\[])|([)\]])|($separator)|.)/gs) {
		last if $-[0] >= $to;
		$depth++ if defined $1;
		$depth-- if defined $2;
		if (defined $3 && $depth == 0) {
			push @parts, [$at, $-[3]];
			$at = $+[3];
		}
	}
	push @parts, [$at, $to];
	for (@parts) {
		my $text = substr($code, $_->[0], $_->[1] - $_->[0]);
		my ($lead) = $text =~ /^(\s*)/;
		my ($tail) = $text =~ /(\s*)$/;
		$_ = [$_->[0] + length $lead, $_->[1] - length $tail];
	}
	return @parts;
}

sub args_of {
	my ($code, $paren) = @_;
	my $end = after_paren($code, $paren);
	return map { substr($code, $_->[0], $_->[1] - $_->[0]) }
		split_top($code, $paren + 1, $end - 1, ',');
}

# Calls of what matches $names, with what replaces the whole call.
sub calls {
	my ($f, $op, $names, $with) = @_;
	my $code = $f->{code};
	while ($code =~ /(?<![\w>.])((?:$names))\s*\(/g) {
		my ($start, $name, $paren) = ($-[1], $1, $+[0] - 1);
		my @args = args_of($code, $paren);
		my $new = ref $with ? $with->($name, @args) : $with;
		add($f, $op, [$start, after_paren($code, $paren), $new])
			if defined $new;
	}
}

sub removals {
	my ($f) = @_;
	for my $op (sort keys %removed) {
		calls($f, $op, @{$removed{$op}});
	}
	calls($f, 'judge', $says_yes, '1');
	calls($f, 'judge', $says_no, '0');
	# The backend's functions, called through the table.
	my $code = $f->{code};
	while ($code =~ /[\w>.-]+->(flush|fence)\s*\(/g) {
		add($f, $1, [$-[0], after_paren($code, $+[0] - 1),
			     $1 eq 'fence' ? '0' : '(void)0']);
	}
	while ($code =~ /\bPM_WRITE_FLUSH\b/g) {
		add($f, 'plain', [$-[0], $+[0], 'PM_WRITE_PLAIN']);
	}
	calls($f, 'cached', qr/pmem_memcpy|stream_lines/, sub {
		return "memcpy($_[1], $_[2], $_[3])";
	});
	calls($f, 'cached', qr/pmem_memset/, sub {
		return "memset($_[1], $_[2], $_[3])";
	});
	calls($f, 'cached', qr/_mm_stream_si128/, sub {
		return "_mm_store_si128($_[1], $_[2])";
	});
}

sub atomics {
	my ($f) = @_;
	my $code = $f->{code};
	for my $name (sort keys %weaker) {
		while ($code =~ /\b$name(?=\()/g) {
			add($f, $name, [$-[0], $+[0], $weaker{$name}]);
		}
	}
	while ($code =~ /\b__ATOMIC_(ACQUIRE|RELEASE|ACQ_REL)\b/g) {
		add($f, lc $1, [$-[0], $+[0], '__ATOMIC_RELAXED']);
	}
	calls($f, 'torn', qr/AO_fetch_and_(?:add|sub)1(?:_full)?/, sub {
		my $step = $_[0] =~ /add/ ? '++' : '--';
		return "((*($_[1]))$step)";
	});
	calls($f, 'torn', qr/AO_compare_and_swap_full/, sub {
		return "(*($_[1]) == ($_[2]) && (*($_[1]) = ($_[3]), 1))";
	});
	calls($f, 'torn', qr/AO_test_and_set_acquire/, sub {
		return "(*($_[1]) ? AO_TS_SET : (*($_[1]) = 1, AO_TS_CLEAR))";
	});
	calls($f, 'torn', qr/__atomic_fetch_(?:or|and)/, sub {
		my $sign = $_[0] =~ /or/ ? '|' : '&';
		return "(*($_[1]) = *($_[1]) $sign ($_[2]))";
	});
	calls($f, 'torn', qr/AO_CLEAR/, sub {
		return "(*($_[1]) = AO_TS_CLEAR)";
	});
}

# All that a function does with one mutex is left out; or all that a file does,
# if it locks in one function and unlocks in another.
sub mutexes {
	my ($f) = @_;
	my (%edits, %kinds, %rest, @order, @files);
	my $code = $f->{code};
	while ($code =~ /\bpthread_mutex_(un)?lock\s*\(/g) {
		my ($un, $start, $paren) = ($1, $-[0], $+[0] - 1);
		my ($lock) = args_of($code, $paren);
		my $key = function_at($f, $start) . " $lock";
		push @order, $key unless $edits{$key};
		$kinds{$key}{$un // ''} = $lock;
		push @{$edits{$key}}, [$start, after_paren($code, $paren),
				       '0'];
	}
	for (@order) {
		my ($lock) = values %{$kinds{$_}};
		if (keys %{$kinds{$_}} == 2) {
			add($f, 'mutex', @{$edits{$_}});
			next;
		}
		push @files, $lock unless $rest{$lock};
		push @{$rest{$lock}}, @{$edits{$_}};
	}
	add($f, 'mutex-of-the-file', @{$rest{$_}}) for @files;
}

# Is the term one that the operator judge does, or no matter of a medium?
sub elsewhere {
	my ($f, $term) = @_;
	my $text = substr($f->{code}, $term->[0], $term->[1] - $term->[0]);
	return $text =~ /^!?(?:$says_yes|$says_no)\(/ ||
		$text =~ /^!\w+(?:(?:->|\.)\w+)*$/ ||	# out of memory
		$text =~ /^window_|^c->/;
}

# Disjuncts of a condition that rejects, conjuncts of one that accepts.
sub conditions {
	my ($f, $seen) = @_;
	my $code = $f->{code};
	while ($code =~ /\bif\s*\(/g) {
		my $paren = $+[0] - 1;
		my $end = after_paren($code, $paren);
		next unless substr($code, $end, 200) =~ $rejects;
		for (split_top($code, $paren + 1, $end - 1, qr/\|\|/)) {
			$seen->{$_->[0]} = 1;
			add($f, 'check', [@$_, '0'])
				unless elsewhere($f, $_);
		}
	}
	while ($code =~ /\breturn\s([^;]*?)\s\?\s(0|-1)\s:\s(?:-1|0|[A-Z]+);/gs) {
		my ($from, $to, $good) = ($-[1], $+[1], $2 eq '0');
		my $between = $good ? qr/&&/ : qr/\|\|/;
		for (split_top($code, $from, $to, $between)) {
			$seen->{$_->[0]} = 1;
			add($f, 'check', [@$_, $good ? '1' : '0'])
				unless elsewhere($f, $_);
		}
	}
	while ($code =~ /\breturn\s([^;?]*?&&[^;?]*?);/gs) {
		for (split_top($code, $-[1], $+[1], qr/&&/)) {
			$seen->{$_->[0]} = 1;
			add($f, 'check', [@$_, '1'])
				unless elsewhere($f, $_);
		}
	}
}

# An operand: names, members, calls, subscripts, and what multiplies them.
my $operand = qr/\w+(?:->\w+|\.\w+|\[[^\]]*\])*
	(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?/x;

# x < y becomes x * 0 < 0 * y: never true; and x * 0 <= 0 * y: always.
sub comparisons {
	my ($f, $seen) = @_;
	my $code = $f->{code};
	while ($code =~ /($operand)\s([<>!=]=|[<>])\s($operand)/g) {
		my ($x, $sign, $y, $from, $to) = ($1, $2, $3, $-[0], $+[0]);
		pos($code) = $-[3];
		next unless "$x $y" =~ $number;
		next if substr($code, 0, $from) =~ /for \([^)]*$/;
		next if $seen->{$from};
		if ($sign =~ /^[!=]=$/) {
			# Only to be taken for right.
			add($f, 'equal', [$from, $to,
				$sign eq '==' ? "($x * 0 == 0 * $y)"
					      : "($x * 0 != 0 * $y)"]);
			next;
		}
		add($f, 'never', [$from, $to, "($x * 0 < 0 * $y)"]);
		add($f, 'always', [$from, $to, "($x * 0 <= 0 * $y)"]);
	}
}

sub function_at {
	my ($f, $at) = @_;
	my ($found) = grep { $at >= $_->[1] && $at < $_->[2] }
		@{$f->{functions}};
	return $found ? $found->[0] : undef;
}

sub add {
	my ($f, $op, @edits) = @_;
	my $function = function_at($f, $edits[0][0]);
	return unless $function;
	my $n = ++$f->{count}{"$function:$op"};
	my $line = 1 + (substr($f->{text}, 0, $edits[0][0]) =~ tr/\n//);
	push @{$f->{mutants}}, {
		name => "$f->{file}:$function:$op:$n",
		file => $f->{file}, op => $op, line => $line,
		edits => \@edits,
		text => (split /\n/, $f->{text})[$line - 1] =~ s/^\s+//r,
	};
}

sub slurp {
	my ($path) = @_;
	open my $in, '<', $path or die "$path: $!\n";
	local $/;
	return <$in>;
}

# Changes that no operator makes: read from a file of named edits.
sub named {
	my ($dir, $path) = @_;
	my @found;
	for my $edit (split /^== /m, slurp($path) =~ s/^#[^\n]*\n//gmr) {
		my ($name, $file, $body) = $edit =~ /^(\S+) (\S+)\n(.*)/s
			or next;
		my ($old, $new) = ('', '');
		for (split /^/, $body) {
			$old .= $1 if /^[- ](.*\n)/s;
			$new .= $1 if /^[+ ](.*\n)/s;
		}
		my $text = slurp("$dir/$file");
		my $at = index $text, $old;
		die "$path: $name: $file has not got these lines any more\n"
			if $at < 0 || index($text, $old, $at + 1) >= 0;
		push @found, {
			name => "$file:$name", file => $file, op => 'named',
			line => 1 + (substr($text, 0, $at) =~ tr/\n//),
			text => $name, edits => [[$at, $at + length $old, $new]],
		};
	}
	return @found;
}

# All mutants of the sources in $dir.
sub all {
	my ($dir, $named, @files) = @_;
	my @mutants;
	for my $file (sort @files) {
		my $text = slurp("$dir/$file");
		my $code = blank($text);
		my $f = { file => $file, text => $text, code => $code,
			  functions => [functions($code)], mutants => [] };
		my %seen;
		removals($f);
		atomics($f);
		mutexes($f);
		conditions($f, \%seen) if $file =~ $judging;
		comparisons($f, \%seen) if $file =~ $ordering;
		push @mutants, @{$f->{mutants}};
	}
	return @mutants, named($dir, $named);
}

# The text of the mutant's file with its change.
sub changed {
	my ($dir, $mutant) = @_;
	my $text = slurp("$dir/$mutant->{file}");
	for (sort { $b->[0] <=> $a->[0] } @{$mutant->{edits}}) {
		substr($text, $_->[0], $_->[1] - $_->[0]) = $_->[2];
	}
	return $text;
}

1;
