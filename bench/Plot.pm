# SPDX-License-Identifier: BSD-3-Clause
# bench/Plot.pm: pictures of what compare.pl measured, by gnuplot: operations
# side by side, and what changes with the heap's size and with threads.
package Plot;
use strict;
use warnings;
use Exporter 'import';
use Results qw(median);
our @EXPORT = qw(results_plot);

# Workload, figure, name below the axis.
my @operations = (
	[qw(alloc pair W1)], [qw(alloc publish W1c)], [qw(mixed alloc W1b)],
	[qw(write word W2)], [qw(write lines W3)], [qw(write block W4)],
	[qw(queue pair W5)], [qw(map insert), 'W6 insert'],
	[qw(map lookup), 'W6 lookup'], [qw(map remove), 'W6 remove'],
);

sub figure_median {
	my ($results, $work, $system, $figure) = @_;
	my @v = map { $_->{$figure} // () } @{$results->{$work}{$system} // []};
	return @v ? median(@v) : undef;
}

# A table with a column for each system, which gnuplot reads.
sub table_write {
	my ($path, $systems, @rows) = @_;
	open my $out, '>', $path or die "$path: $!\n";
	print $out join("\t", 'at', map { qq("$_") } @$systems), "\n";
	for my $row (@rows) {
		my ($at, @values) = @$row;
		print $out join("\t", qq("$at"), map { $_ // '?' } @values),
			"\n";
	}
	close $out or die "$path: $!\n";
}

# The systems that have any value in these rows, with their columns.
sub systems_in {
	my ($systems, @rows) = @_;
	return grep {
		my $column = $_;
		grep { defined $_->[$column] } @rows;
	} 1 .. @$systems;
}

sub gnuplot {
	my ($dir, $name, $title, $systems, $style, $settings, @rows) = @_;
	my @columns = systems_in($systems, @rows) or return ();
	table_write("$dir/$name.tsv", $systems, @rows);
	my $using = $style eq 'points' ? 'xtic(1)' : '';
	my @plots = map {
		my $c = $_ + 1;
		my $x = $using ? "$c:xtic(1)" : "(column(1)):$c";
		qq("$dir/$name.tsv" using $x with $style ) .
			qq(title "$systems->[$_ - 1]")
	} @columns;
	open my $to, '|-', 'gnuplot 2>/dev/null' or return ();
	print $to <<"END";
set terminal svg size 900,540
set output "$dir/$name.svg"
set datafile separator "\\t"
set datafile missing "?"
set key outside autotitle columnhead
set title "$title"
set logscale y
set grid y
$settings
plot @{[join ', ', @plots]}
END
	return close $to ? "$name.svg" : ();
}

# The numbers that a figure of a workload goes through.
sub numbers_of {
	my ($results, $work, $figure) = @_;
	my %seen;
	for my $rounds (values %{$results->{$work} // {}}) {
		for my $name (map { keys %$_ } @$rounds) {
			$seen{$1} = 1 if $name =~ /^\Q$figure\E\.(\d+)$/;
		}
	}
	return sort { $a <=> $b } keys %seen;
}

sub rows_by_number {
	my ($results, $systems, $work, $figure) = @_;
	return map {
		my $n = $_;
		[$n, map { figure_median($results, $work, $_, "$figure.$n") }
			@$systems]
	} numbers_of($results, $work, $figure);
}

# The names of the pictures.
sub results_plot {
	my ($dir, $results, @systems) = @_;
	return () unless grep { -x "$_/gnuplot" } split /:/, $ENV{PATH};
	my @rows = map {
		my ($work, $figure, $name) = @$_;
		[$name, map { figure_median($results, $work, $_, $figure) }
			@systems]
	} @operations;
	return (
		gnuplot($dir, 'operations', 'ns an operation', \@systems,
			'points', "set xtics rotate by -30\nset offsets " .
			'0.5, 0.5, 0, 0', @rows),
		gnuplot($dir, 'growth', 'ns an insert in a map of n items',
			\@systems, 'linespoints', 'set logscale x',
			rows_by_number($results, \@systems, 'grow', 'insert')),
		gnuplot($dir, 'threads', 'ns a transaction of 8 B, of all ' .
			'threads', \@systems, 'linespoints', 'set xtics 1',
			rows_by_number($results, \@systems, 'threads',
				       'word')));
}

1;
