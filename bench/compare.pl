#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# bench/compare.pl: lets the programs in bench/ take turns, workload by workload
# and round by round, and prints medians, the least and the most, and ratios
# to the floor and to libpmheap. What a ratio is made of was measured in one
# round; where the ratios of rounds disagree by more than a factor of 2 it is
# marked. In the end: where libpmheap must get, and whether it does.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Figures;
use Plot;
use Results;
use Getopt::Long;
use IPC::Open2;

my %opt = (scale => 'full', rounds => 0, dir => '/dev/shm', bin => 'bench');

sub usage {
	my $out = shift;
	print $out <<"END";
Usage: compare.pl [OPTION]...
Measures libpmheap beside its peers and this machine's own floor.

  --scale SCALE  tiny, quick or full (full)
  --rounds N     rounds (7; quick: 3; tiny: 1)
  --only WORKS   these workloads, with commas: @{[map { $_->{name} } @works]}
  --systems S    these systems, with commas: @{[map { $_->{name} } @systems]}
  --dir DIR      where pools are made (/dev/shm)
  --disk DIR     a folder on a disk; without one its workloads are left out
  --bin DIR      where the programs are (bench)
  --out DIR      results as tables and plots go there
END
	exit($out == \*STDOUT ? 0 : 2);
}

GetOptions(\%opt, 'scale=s', 'rounds=i', 'only=s', 'systems=s', 'dir=s',
	   'disk=s', 'bin=s', 'out=s', 'help') && !@ARGV or usage(\*STDERR);
usage(\*STDOUT) if $opt{help};
my %rounds = (tiny => 1, quick => 3, full => 7);
$rounds{$opt{scale}} or usage(\*STDERR);
$opt{rounds} ||= $rounds{$opt{scale}};
my $failures = 0;
my %running;

# Whatever ends this program ends what it started.
$SIG{INT} = $SIG{TERM} = sub { exit 1 };
$SIG{PIPE} = 'IGNORE';
END {
	my $code = $?;
	kill 'TERM', map { $_->{pid} } values %running;
	$? = $code;
}

sub chosen {
	my ($list, $name) = @_;
	return !defined $list || grep { $_ eq $name } split /,/, $list;
}

# The systems that were built, with the workloads that they know.
sub systems_found {
	my @found;
	for my $s (@systems) {
		next unless chosen($opt{systems}, $s->{name});
		my $program = "$opt{bin}/$s->{program}";
		unless (-x $program) {
			my $why = $s->{needs} ?
				": $s->{needs} was not there" : '';
			print "$s->{name}: left out, not built$why\n";
			next;
		}
		my %knows = map { chomp; $_ => 1 } `$program --list`;
		if ($s->{works}) {
			my %only = map { $_ => 1 } @{$s->{works}};
			delete $knows{$_} for grep { !$only{$_} } keys %knows;
		}
		push @found, { %$s, path => $program, knows => \%knows };
	}
	return @found;
}

# Figures up to the dot that ends them; undef: the program has ended.
sub answer {
	my $run = shift;
	my %figures;
	while (defined(my $line = readline $run->{from})) {
		chomp $line;
		return \%figures if $line eq '.';
		my ($name, $value) = split /\t/, $line;
		$figures{$name} = $value;
	}
	return undef;
}

sub system_failed {
	my ($work, $run) = @_;
	print "$run->{name}: FAILED in $work->{name}\n";
	$failures++;
	$run->{failed} = 1;
}

sub system_start {
	my ($work, $system) = @_;
	my $dir = $work->{disk} ? $opt{disk} : $opt{dir};
	my @command = ($system->{path}, '--work', $work->{name}, '--serve',
		       '--scale', $opt{scale}, '--dir', $dir,
		       @{$system->{args}});
	push @command, '--disk' if $work->{disk};
	my %run = (name => $system->{name});
	$run{pid} = open2($run{from}, $run{to}, @command);
	$run{to}->autoflush(1);
	$running{$run{pid}} = \%run;
	system_failed($work, \%run) unless answer(\%run);
	return \%run;
}

# The end of its input makes it verify what it did.
sub system_stop {
	my ($work, $run) = @_;
	close $run->{to};
	waitpid $run->{pid}, 0;
	delete $running{$run->{pid}};
	system_failed($work, $run) if $? && !$run->{failed};
}

sub system_run {
	my ($work, $run) = @_;
	return if $run->{failed};
	print { $run->{to} } "run\n";
	my $figures = answer($run);
	return system_failed($work, $run) unless $figures;
	push @{$run->{rounds}}, $figures;
}

# One system at a time has all the memory.
sub work_run_alone {
	my ($work, $rounds, @found) = @_;
	my %rounds = map { $_->{name} => [] } @found;
	for my $round (1 .. $rounds) {
		for my $system (@found) {
			my $run = system_start($work, $system);
			system_run($work, $run);
			system_stop($work, $run);
			push @{$rounds{$system->{name}}}, @{$run->{rounds}}
				unless $run->{failed};
		}
	}
	return \%rounds;
}

# Who is first changes from round to round.
sub work_run {
	my ($work, @found) = @_;
	my $rounds = $work->{rounds} && $work->{rounds} < $opt{rounds} ?
		$work->{rounds} : $opt{rounds};
	@found = grep { $_->{knows}{$work->{name}} } @found;
	return work_run_alone($work, $rounds, @found) if $work->{alone};
	my @runs = map { system_start($work, $_) } @found;
	for my $round (1 .. $rounds) {
		system_run($work, $_) for @runs;
		push @runs, shift @runs;
	}
	system_stop($work, $_) for @runs;
	return { map { $_->{name} => $_->{rounds} }
		 grep { !$_->{failed} } @runs };
}

# The processor and the like: what figures depend on.
sub machine_print {
	my ($processor) = map { /^model name\s*:\s*(.*)/ ? $1 : () }
		file_lines('/proc/cpuinfo');
	my ($kernel) = file_lines('/proc/sys/kernel/osrelease');
	my ($load) = file_lines('/proc/loadavg');
	my ($huge) = file_lines('/sys/kernel/mm/transparent_hugepage/enabled');
	my $n = grep { /^processor\s*:/ } file_lines('/proc/cpuinfo');
	print "processor   ", $processor // 'unknown', ", $n of them\n",
	      "kernel      ", $kernel // 'unknown', ", load ", $load // '?',
	      "\nhuge pages  ", $huge // 'unknown',
	      "\npools in    $opt{dir}, flush instructions forced\n",
	      "rounds      $opt{rounds}, scale $opt{scale}\n";
	print "disk        $opt{disk}, ", file_system($opt{disk}), "\n"
		if $opt{disk};
}

sub file_system {
	open my $in, '-|', 'stat', '-f', '-c', '%T', '--', shift or
		return 'unknown';
	chomp(my $type = <$in> // 'unknown');
	return $type;
}

# Why a workload on a disk cannot be; '' if it can.
sub disk_lacks {
	return 'no folder on a disk was named' unless $opt{disk};
	my $type = file_system($opt{disk});
	return $type =~ /^(tmpfs|ramfs)$/ ? "$opt{disk} is in memory" : '';
}

sub file_lines {
	my $name = shift;
	open my $in, '<', $name or return ();
	chomp(my @lines = <$in>);
	return @lines;
}

machine_print();
my @found = systems_found() or die "no program of these is in $opt{bin}\n";
my %results;
for my $work (@works) {
	next unless chosen($opt{only}, $work->{name});
	my $lacks = $work->{disk} ? disk_lacks() : '';
	if ($lacks) {
		print "\n$work->{name}: left out, $lacks\n";
		next;
	}
	$results{$work->{name}} = work_run($work, @found);
	results_print($work, $results{$work->{name}}, \@found);
}
targets_print(\@targets, \%results) if $opt{scale} ne 'tiny';
if ($opt{out}) {
	results_save($opt{out}, \@works, \%results);
	my @plots = results_plot($opt{out}, \%results,
				 map { $_->{name} } @found);
	print "Pictures: ", @plots ? join(', ', @plots) :
		'none, there is no gnuplot', ".\n";
}
print "\n$failures programs failed.\n" if $failures;
exit($failures ? 1 : 0);
