# SPDX-License-Identifier: BSD-3-Clause
# bench/Figures.pm: what compare measures. The systems, the workloads with
# their figures, and where libpmheap must get.
package Figures;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT = qw(@systems @works @targets);

# Name, program, options; works: only these.
our @systems = (
	{ name => 'limit' },
	{ name => 'pmheap' },
	{ name => 'resident', program => 'on-pmheap',
	  args => ['--resident'], works => ['walk'] },
	{ name => 'relaxed', program => 'on-pmheap',
	  args => ['--relaxed'], works => ['write'] },
	{ name => 'budget', program => 'on-pmheap',
	  args => [qw(--budget 64)], works => ['budget'] },
	{ name => 'pmemobj', needs => 'libpmemobj-dev' },
	{ name => 'lmdb', needs => 'liblmdb-dev' },
	{ name => 'sqlite', needs => 'libsqlite3-dev' },
	{ name => 'jemalloc', needs => 'libjemalloc-dev' },
	{ name => 'malloc' },
);
for (@systems) {
	$_->{program} //= $_->{name} eq 'limit' ? 'limit' : "on-$_->{name}";
	$_->{args} //= [];
}

# Figures: name, what it is, unit, the floor's figure (a sum if several).
# rounds: fewer than usual, for what takes long. disk: files are on a disk.
# alone: each system has all the memory.
our @works = (
	{ name => 'write', title => 'transactions on random bytes', figures => [
		['nt64', 'append 64 B to a log, NT stores + fence', 'ns'],
		['clwb64', 'the same by stores + clwb + fence', 'ns'],
		['miss', 'one load that misses the caches', 'ns'],
		['word', 'W2 transaction of 8 B', 'ns', 'word'],
		['lines', 'W3 transaction of 8 x 64 B', 'ns', 'lines'],
		['block', 'W4 transaction of 4 KiB', 'ns', 'block'] ] },
	{ name => 'alloc', title => 'objects of 64 B', figures => [
		['nt64', 'append 64 B to a log, NT stores + fence', 'ns'],
		['pair', 'W1 alloc + free, each durable', 'ns', 'nt64'],
		['pair_in_tx', 'alloc + free, 100 pairs a transaction', 'ns'],
		['publish', 'W1c alloc and publish in a slot', 'ns',
		 'nt64'] ] },
	{ name => 'mixed', title => 'objects of 16..512 B, 1,000 a transaction',
	  figures => [
		['alloc', 'W1b alloc', 'ns'],
		['free', 'W1b free, in random order', 'ns'] ] },
	{ name => 'queue', title => 'queue of 64 B nodes', figures => [
		['nt64', 'append 64 B to a log, NT stores + fence', 'ns'],
		['pair', 'W5 enqueue + dequeue, each durable', 'ns',
		 'nt64'] ] },
	{ name => 'map', title => 'hash map (a table in LMDB and SQLite)',
	  figures => [
		['nt64', 'append 64 B to a log, NT stores + fence', 'ns'],
		['insert', 'W6 insert, durable', 'ns', 'nt64'],
		['lookup', 'W6 lookup', 'ns'],
		['remove', 'W6 remove, durable', 'ns', 'nt64'] ] },
	{ name => 'walk', title => 'reading by references, per node',
	  figures => [
		['cached', 'W7 list that stays in the cache', 'ns'],
		['sequential', 'W7 long list in order', 'ns'],
		['random', 'W7 long list in random order', 'ns'],
		['tree', 'W7 balanced tree', 'ns'] ] },
	{ name => 'fat', title => 'loads through references, each', figures => [
		['plain', 'plain addresses', 'ns'],
		['one', 'fat pointers into one region', 'ns'],
		['two', 'fat pointers into two in turn', 'ns'] ] },
	{ name => 'threads', title => 'threads on data of their own, ' .
		'an operation of all', figures => [
		['nt64', 'append 64 B to a log each, threads: %n', 'ns'],
		['word', 'W2 transaction of 8 B, threads: %n', 'ns',
		 'nt64.%n'],
		['queue', 'W5 enqueue + dequeue, threads: %n', 'ns',
		 'nt64.%n'],
		['map', 'W6 insert + lookup + remove, threads: %n', 'ns',
		 'nt64.%n'] ] },
	{ name => 'open', title => 'opening a pool', figures => [
		['clean', 'W8 that was closed, %n objects', 'ms'],
		['first', 'W8 first transaction then, %n objects', 'us'],
		['crashed', 'W8 after a crash, %n objects', 'ms'],
		['entries', 'entries in the log at the crash, %n', 'n'] ] },
	{ name => 'space', title => 'bytes for a byte', rounds => 1,
	  alone => 1, figures => [
		['same', 'W9 objects of 64 B', 'x'],
		['random', 'W9 objects of 16..1024 B', 'x'] ] },
	{ name => 'budget', title => 'random words of a large pool, with ' .
		'64 MiB of DRAM and without a limit', rounds => 3, figures => [
		['word', 'W2 transaction of 8 B', 'ns'],
		['dram', 'DRAM of the working copy', 'MiB'] ] },
	{ name => 'disk', title => 'on a disk: a commit of 8 B', disk => 1,
	  figures => [
		['fdatasync', 'write and fdatasync of 4 KiB', 'us'],
		['commit', 'durable commit, threads: %n', 'us',
		 'fdatasync'] ] },
	{ name => 'grow', title => 'a map with so many items', rounds => 2,
	  alone => 1, figures => [
		['fill', 'inserts, 1,000 a transaction, %n', 'ns'],
		['insert', 'insert, durable, %n', 'ns'],
		['lookup', 'lookup, %n', 'ns'],
		['remove', 'remove, durable, %n', 'ns'] ] },
);

# In a target's sub $v->(SYSTEM, FIGURE) is the figure in one round.
sub times_floor {
	my ($figure, @floor) = @_;
	return sub {
		my $v = shift;
		my $sum = 0;
		$sum += $v->('limit', $_) for @floor;
		return $v->('pmheap', $figure) / $sum;
	};
}

sub times_of {
	my ($system, $figure, $own) = @_;
	return sub {
		my $v = shift;
		return $v->($own // 'pmheap', $figure) /
		       $v->($system, $figure);
	};
}

sub faster_than {
	my ($system, $figure) = @_;
	return sub {
		my $v = shift;
		return $v->($system, $figure) / $v->('pmheap', $figure);
	};
}

sub just {
	my ($figure, $system) = @_;
	return sub { $_[0]->($system // 'pmheap', $figure) };
}

sub over {
	my ($base, $figure) = @_;
	return sub { $_[0]->('pmheap', $figure) - $_[0]->('pmheap', $base) };
}

# How much more two threads do than one; at most so much is asked for.
sub scaling {
	my ($system, $figure, $most) = @_;
	return sub {
		my $times = $_[0]->($system, "$figure.1") /
			    $_[0]->($system, "$figure.2");
		return $most && $times > $most ? $most : $times;
	};
}

# Row: what, workload, unit of the value, at_most or at_least, value.
sub at_most {
	my ($what, $work, $unit, $limit, $value) = @_;
	return { what => $what, work => $work, unit => $unit,
		 sense => 'at most', limit => $limit, value => $value };
}

sub at_least {
	my ($what, $work, $unit, $limit, $value) = @_;
	return { what => $what, work => $work, unit => $unit,
		 sense => 'at least', limit => $limit, value => $value };
}

sub ahead {
	my ($what, $work, $figure, $limit, $peer) = @_;
	$peer //= 'pmemobj';
	return at_least($what, $work, "x faster than $peer", $limit,
			faster_than($peer, $figure));
}

our @targets = (
	at_most('W2 transaction of 8 B', 'write', 'x (NT log + a miss)', 1.5,
		times_floor('word', 'nt64', 'miss')),
	ahead('W2 transaction of 8 B', 'write', 'word', 6),
	at_most('W3 transaction of 8 x 64 B', 'write', 'x floor', 2,
		times_floor('lines', 'lines')),
	ahead('W3 transaction of 8 x 64 B', 'write', 'lines', 12),
	at_most('W4 transaction of 4 KiB', 'write', 'x floor', 2,
		times_floor('block', 'block')),
	ahead('W4 transaction of 4 KiB', 'write', 'block', 2.5),
	at_most('W1 alloc + free, durable', 'alloc', 'x NT log', 2.6,
		times_floor('pair', 'nt64')),
	ahead('W1 alloc + free, durable', 'alloc', 'pair', 4),
	at_most('alloc + free in a transaction', 'alloc', 'ns', 54,
		just('pair_in_tx')),
	ahead('alloc + free in a transaction', 'alloc', 'pair_in_tx', 8),
	at_most('W1b alloc', 'mixed', 'ns', 80, just('alloc')),
	ahead('W1b alloc', 'mixed', 'alloc', 5),
	at_most('W1b free', 'mixed', 'ns', 120, just('free')),
	ahead('W1b free', 'mixed', 'free', 5),
	at_most('W5 enqueue + dequeue', 'queue', 'ns', 450, just('pair')),
	ahead('W5 enqueue + dequeue', 'queue', 'pair', 8),
	at_most('W6 insert', 'map', 'ns', 330, just('insert')),
	ahead('W6 insert', 'map', 'insert', 8),
	at_most('W6 lookup', 'map', 'x malloc', 1.1,
		times_of('malloc', 'lookup')),
	ahead('W6 lookup', 'map', 'lookup', 1.5),
	at_most('W6 remove', 'map', 'ns', 280, just('remove')),
	ahead('W6 remove', 'map', 'remove', 8),
	at_most('W7 walk, cached', 'walk', 'x malloc', 1.03,
		times_of('malloc', 'cached')),
	at_most('W7 walk, sequential, resident', 'walk', 'x malloc', 1.03,
		times_of('malloc', 'sequential', 'resident')),
	at_most('W7 walk, random', 'walk', 'x malloc', 1.03,
		times_of('malloc', 'random')),
	at_most('W7 walk, tree', 'walk', 'x malloc', 1.03,
		times_of('malloc', 'tree')),
	map({ (at_most("fat pointer over a plain one, $_->[2]", 'fat', 'ns',
		       $_->[1], over('plain', $_->[0])),
	       ahead("fat pointer, $_->[2]", 'fat', $_->[0], 1.5)) }
		['one', 1.5, 'one region'], ['two', 3, 'two regions']),
	map({ at_least("2 threads, $_->[1]", 'threads', 'x one thread',
		       scaling('limit', 'nt64', 1.6),
		       scaling('pmheap', $_->[0])) }
		['word', 'W2'], ['queue', 'W5'], ['map', 'W6']),
	at_most('open clean, 1 M objects', 'open', 'ms', 5,
		just('clean.1000000')),
	ahead('open clean, 1 M objects', 'open', 'clean.1000000', 2),
	at_most('open after a crash', 'open', 'ms', 50,
		just('crashed.1000000')),
	ahead('open after a crash', 'open', 'crashed.1000000', 2),
	at_most('space, 1 M x 64 B', 'space', 'x', 1.03, just('same')),
	at_most('space, random 16..1024 B', 'space', 'x', 1.13,
		just('random')),
	at_most('disk, strict, 1 thread', 'disk', 'x fdatasync', 1.25,
		times_floor('commit.1', 'fdatasync')),
	at_least('disk, strict, 8 threads', 'disk', 'x the rate of 1', 4,
		 sub { $_[0]->('pmheap', 'commit.1') /
		       $_[0]->('pmheap', 'commit.8') }),
	map({ (ahead('disk, strict, 1 thread', 'disk', 'commit.1', 1, $_),
	       ahead('disk, strict, 8 threads', 'disk', 'commit.8', 1, $_)) }
		qw(sqlite lmdb)),
	at_most('64 MiB of DRAM, 1 GiB pool', 'budget', 'x without a limit', 3,
		times_of('pmheap', 'word', 'budget')),
	at_most('64 MiB of DRAM, 1 GiB pool', 'budget', 'MiB', 64,
		just('dram', 'budget')),
	at_most('relaxed durability, W2', 'write', 'ns', 60,
		just('word', 'relaxed')),
);

1;
