# SPDX-License-Identifier: BSD-3-Clause
# bench/Results.pm: prints and saves what compare.pl measured.
#
# The results of a workload are { SYSTEM => [ { FIGURE => value } of each
# round ] }.
package Results;
use strict;
use warnings;
use Exporter 'import';
use List::Util qw(min max);
our @EXPORT = qw(results_print targets_print results_save median);

# Ratios of rounds that differ by more than this are no ratio to speak of.
my $DISAGREE = 2;
my $MARK = '?';
my $marked = 0;

sub median {
	my @v = sort { $a <=> $b } @_;
	return $v[$#v / 2] if @v % 2;
	return ($v[@v / 2 - 1] + $v[@v / 2]) / 2;
}

sub number {
	my $v = shift;
	return '-' unless defined $v;
	return sprintf abs($v) >= 1000 ? '%.0f' : abs($v) >= 100 ? '%.1f' :
		       abs($v) >= 10 ? '%.2f' : '%.3f', $v;
}

# All rounds' values of a figure; none if it has no such figure.
sub values_of {
	my ($results, $system, $figure) = @_;
	return grep { defined } map { $_->{$figure} }
		@{$results->{$system} // []};
}

# Median of the ratios, with its mark if they disagree.
sub ratio_text {
	my @ratios = @_;
	return '' unless @ratios;
	return number(median(@ratios)) . mark(@ratios);
}

sub mark {
	my @v = @_;
	return '' if min(@v) > 0 && max(@v) <= $DISAGREE * min(@v);
	$marked++;
	return $MARK;
}

# Round by round: the figure of one over that (or the sum of those) of another.
sub ratios {
	my ($results, $system, $figure, $other, @others) = @_;
	my @a = @{$results->{$system} // []};
	my @b = @{$results->{$other} // []};
	my @out;
	for my $r (0 .. min($#a, $#b)) {
		my $sum = 0;
		for my $name (@others) {
			return () unless defined $b[$r]{$name};
			$sum += $b[$r]{$name};
		}
		return () unless defined $a[$r]{$figure} && $sum;
		push @out, $a[$r]{$figure} / $sum;
	}
	return @out;
}

# The names of figures that a workload counts through: "insert" gives
# "insert.10000", "insert.100000", ...
sub numbered {
	my ($results, $name) = @_;
	my %seen;
	for my $rounds (values %$results) {
		$seen{$_} = 1 for map { keys %$_ } @{$rounds // []};
	}
	return $name if $seen{$name};
	return sort { ($a =~ /(\d+)$/)[0] <=> ($b =~ /(\d+)$/)[0] }
		grep { /^\Q$name\E\.\d+$/ } keys %seen;
}

sub figure_print {
	my ($results, $order, $name, $what, $unit, $floor) = @_;
	printf "\n  %-46s %9s %9s %9s %9s %9s\n", "$what, $unit",
	       qw(median min max), $floor ? 'x floor' : '', 'x pmheap';
	for my $system (@$order) {
		my @v = values_of($results, $system, $name);
		next unless @v;
		my @floor = $floor && $system ne 'limit' ? ratio_text(
			ratios($results, $system, $name, 'limit', $floor)) :
			'';
		my $own = $system eq 'pmheap' ? '' : ratio_text(
			ratios($results, $system, $name, 'pmheap', $name));
		printf "    %-44s %9s %9s %9s %9s %9s\n", $system,
		       number(median(@v)), number(min @v), number(max @v),
		       $floor[0], $own;
	}
}

sub results_print {
	my ($work, $results, $found) = @_;
	my @order = map { $_->{name} } @$found;
	print "\n$work->{name}: $work->{title}\n";
	for my $f (@{$work->{figures}}) {
		my ($name, $what, $unit, $floor) = @$f;
		for my $full (numbered($results, $name)) {
			my ($n) = $full =~ /\.(\d+)$/;
			my $number = $n // '';
			figure_print($results, \@order, $full,
				     $what =~ s/%n/$number/r, $unit,
				     $floor ? $floor =~ s/%n/$number/r : '');
		}
	}
}

# The target's value in each round; none if something was not measured.
sub target_values {
	my ($target, $results, $value) = @_;
	my $work = $results->{$target->{work}} or return ();
	my $n = max(0, map { scalar @{$_ // []} } values %$work);
	my @out;
	for my $r (0 .. $n - 1) {
		my $v = eval { $value->(sub {
			my ($system, $figure) = @_;
			return $work->{$system}[$r]{$figure} //
				die "not measured\n";
		}) };
		push @out, $v if defined $v;
	}
	return @out;
}

sub verdict {
	my ($target, $value, $limit) = @_;
	return $target->{sense} eq 'at most' ? $value <= $limit :
		$value >= $limit;
}

sub targets_print {
	my ($targets, $results) = @_;
	my ($reached, $missed, $open) = (0, 0, 0);
	printf "\n%-41s %9s  %-22s %-9s %6s\n", 'where it must get',
	       'is', 'unit', '', 'limit';
	for my $t (@$targets) {
		my @v = target_values($t, $results, $t->{value});
		my $limit = $t->{limit};
		my $text = 'not measured';
		$limit = median(target_values($t, $results, $limit))
			if ref $limit && @v;
		if (@v) {
			my $good = verdict($t, median(@v), $limit);
			$text = $good ? 'reached' : 'NOT REACHED';
			$good ? $reached++ : $missed++;
		} else {
			$open++;
		}
		printf "%-41s %9s  %-22s %-9s %6s  %s\n", $t->{what},
		       ratio_text(@v), $t->{unit}, $t->{sense},
		       ref $limit ? '' : number($limit), $text;
	}
	print "\n$reached reached, $missed not reached, $open not measured.\n";
	print "$MARK: rounds disagree by more than $DISAGREE x ($marked ",
	      "times); run it again on a quiet machine.\n" if $marked;
}

# All rounds, and medians.
sub results_save {
	my ($dir, $works, $results) = @_;
	mkdir $dir;
	open my $all, '>', "$dir/rounds.tsv" or die "$dir/rounds.tsv: $!\n";
	open my $med, '>', "$dir/medians.tsv" or die "$dir/medians.tsv: $!\n";
	print $all join("\t", qw(work figure system round value)), "\n";
	print $med join("\t", qw(work figure system median min max)), "\n";
	for my $work (map { $_->{name} } @$works) {
		my $of = $results->{$work} or next;
		for my $system (sort keys %$of) {
			save_system($all, $med, $work, $system,
				    @{$of->{$system} // []});
		}
	}
	close $all or die "$dir/rounds.tsv: $!\n";
	close $med or die "$dir/medians.tsv: $!\n";
	print "\nTables are in $dir/.\n";
}

sub save_system {
	my ($all, $med, $work, $system, @rounds) = @_;
	my %seen = map { $_ => 1 } map { keys %$_ } @rounds;
	for my $figure (sort keys %seen) {
		my @v = map { $_->{$figure} // () } @rounds;
		print $all join("\t", $work, $figure, $system, $_ + 1,
				$v[$_]), "\n" for 0 .. $#v;
		print $med join("\t", $work, $figure, $system, median(@v),
				min(@v), max(@v)), "\n";
	}
}

1;
