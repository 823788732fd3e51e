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
	at_most('relaxed durability, W2', 'write', 'ns', 60,
		just('word', 'relaxed')),
);

1;
