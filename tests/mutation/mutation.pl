#!/usr/bin/env perl
# SPDX-License-Identifier: BSD-3-Clause
#
# mutation.pl: the grade of the tests. Every site that Sites.pm finds in lib/ is
# removed or weakened in turn, the one source is compiled again, and programs
# that are linked with it try to notice. Each mutant is killed by one of them,
# or makes the same machine code as the original, or survives; a survivor must
# stand in tests/crash/survivors with its reason, and nothing else may.
#
#	mutation.pl [--list] [--only REGEX] [--set FILE] [--jobs N] [--states N]
#
# --set: only the mutants that FILE names. The environment says how to compile
# and link (tests/mutation/Makefile.inc).
use strict;
use warnings;

use File::Basename qw(dirname);
use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use Getopt::Long;
use POSIX qw(:sys_wait_h setpgid);
use Time::HiRes qw(time);

use FindBin;
use lib $FindBin::Bin;
use Sites;

my $top = $ENV{top_srcdir} // '.';
my $build = $ENV{top_builddir} // '.';
my $lib = "$top/lib";
my $survivors = "$top/tests/crash/survivors";
my %o = (only => '.', jobs => 1, states => $ENV{PMHEAP_MUTATION_STATES} // 2000);
GetOptions(\%o, 'list', 'only=s', 'set=s', 'jobs=i', 'states=i') or exit 2;

my @sources = grep { /\.[ch]$/ } split ' ', $ENV{MUTATION_SOURCES};
my @units = grep { /\.c$/ } map { s{^.*?lib/}{}r } @sources;
my $work = tempdir('pmheap-mutation-XXXXXX', TMPDIR => 1, CLEANUP => 1);
# For pools in memory; what a killed program leaves goes with it.
my $shm = tempdir('pmheap-mutation-XXXXXX', DIR => '/dev/shm', CLEANUP => 1);
$SIG{$_} = sub { exit 1 } for qw(INT TERM);

# Programs by name: what to link besides the library, with which libraries.
my %program = map { /^\s*(\S+?)=(.*)/ } split /;/,
	$ENV{MUTATION_PROGRAMS} =~ s/\.lo\b/.o/gr;

sub run_quietly {
	my ($log, @command) = @_;
	my $pid = fork // die "fork: $!\n";
	if ($pid == 0) {
		open STDOUT, '>>', $log;
		open STDERR, '>&', \*STDOUT;
		exec @command or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	return $? == 0;
}

# Every process whose program lies in $dir.
sub kill_all {
	my ($dir) = @_;
	for (glob '/proc/[0-9]*') {
		my $program = readlink "$_/exe" // next;
		kill 'KILL', m{(\d+)$} if index($program, "$dir/") == 0;
	}
}

# Runs a killer in a group of its own. '': it found nothing; else what it was.
sub verdict {
	my ($dir, $limit, $env, @command) = @_;
	my $pid = fork // die "fork: $!\n";
	if ($pid == 0) {
		setpgid(0, 0);
		$ENV{$_} = $env->{$_} for keys %$env;
		$ENV{PMHEAP_TEST_SHM} = $shm;
		chdir $dir;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$dir/out";
		open STDERR, '>&', \*STDOUT;
		exec @command or POSIX::_exit(127);
	}
	my $end = time + $limit;
	my $pause = 0.002;
	my $found;
	while (!defined $found) {
		my $status;
		if (waitpid($pid, WNOHANG) == $pid) {
			$status = $?;
			$found = $status == 0 ? '' : 'fails';
			$found = "signal " . ($status & 127) if $status & 127;
		} elsif (time > $end) {
			$found = 'hangs';
		} else {
			select undef, undef, undef, $pause;
			$pause *= 1.5 if $pause < 0.1;
		}
	}
	kill 'KILL', -$pid;
	waitpid $pid, WNOHANG;
	# What hangs may have put itself into another group, as Check does.
	kill_all($dir) if $found;
	return $found;
}

my @compile = split ' ', $ENV{MUTATION_COMPILE};
my @tsan = ('-fsanitize=thread', '-O1', '-g');

sub object {
	my ($dir, $unit) = @_;
	return "$dir/" . $unit =~ s{[/.]}{-}gr . '.o';
}

# Compiles units of $from (a tree of lib/, perhaps of one file) into $dir.
sub compile {
	my ($from, $dir, $flags, @list) = @_;
	for (@list) {
		run_quietly("$dir/log", $compile[0], "-I$from",
			    @compile[1 .. $#compile], @$flags, '-g0', '-w', '-c',
			    '-o', object($dir, $_), "$from/$_") or return 0;
	}
	return 1;
}

my @stress = qw(threads moments);

# The library for ThreadSanitizer, and the program that is run under it.
sub prepare_tsan {
	my $dir = "$work/tsan";
	make_path($dir);
	compile($lib, $dir, \@tsan, @units) &&
		!(grep { !run_quietly("$dir/log", @compile, @tsan, '-c', '-o',
				      "$work/$_-tsan.o",
				      "$top/tests/mutation/$_.c") } @stress) &&
		run_quietly("$dir/log", 'ar', 'rcs', "$work/tsan.a",
			    map { object($dir, $_) } @units)
		or die "no library for ThreadSanitizer:\n",
			Sites::slurp("$dir/log");
	my $found = tsan($dir);
	die "without any change fail $found\n" if $found;
}

# Is the object in $dir what the unit gives as it is?
sub is_same {
	my ($dir, $unit) = @_;
	my $as_is = "$dir/as-is";
	make_path($as_is);
	compile($lib, $as_is, [], $unit) or die "$unit does not compile\n";
	return Sites::slurp(object($as_is, $unit)) eq
		Sites::slurp(object($dir, $unit));
}

# Links a program with the mutant's objects in front of the library.
sub link_program {
	my ($dir, $name, $objects) = @_;
	my ($own, $libs) = split /\s*\|\s*/, $program{$name};
	my @flags = $name eq 'tsan' ? @tsan : ();
	my $archive = $name eq 'tsan' ? "$work/tsan.a" : $ENV{MUTATION_ARCHIVE};
	my @own = $name eq 'tsan' ? map { "$work/$_-tsan.o" } @stress
		: map { m{^/} ? $_ : "$build/$_" } split ' ', $own;
	# The explorer has a choice of its own of backends: all are simulated.
	my @mutant = grep { $name ne 'explore' || !/persist-choose-c\.o$/ }
		@$objects;
	run_quietly("$dir/log", @compile, @flags, '-o',
		    "$dir/$name", @own, @mutant, $archive,
		    split(' ', $libs // ''), split(' ', $ENV{MUTATION_LIBS}))
		or die "cannot link $name: " . Sites::slurp("$dir/log");
	return "$dir/$name";
}

# --- what notices -------------------------------------------------------------

my @workloads;	# of the explorer, those that find most first

# Crash states: the workloads one by one, until one of them fails.
sub explore {
	my ($dir, $objects, $mode, $times) = @_;
	my $program = -x "$dir/explore" ? "$dir/explore"
		: link_program($dir, 'explore', $objects);
	my $states = int $times * $o{states} / @workloads;
	for (@workloads) {
		my $found = verdict($dir, 120, {}, $program, '--workload', $_,
				    '--mode', $mode, '--states', $states);
		return "explore $_ $mode ($found)" if $found;
	}
	return '';
}

# Crash states of small worlds: every operation alone, or beside another thread.
sub small {
	my ($dir, $objects, @what) = @_;
	my $program = -x "$dir/explore" ? "$dir/explore"
		: link_program($dir, 'explore', $objects);
	my $found = verdict($dir, 400, {}, $program, @what, '--mode', 'adr');
	return $found ? "explore @what ($found)" : '';
}

# A test program, on a backend if it is one of the API tests.
sub test {
	my ($dir, $objects, $name, $backend, $limit, %env) = @_;
	my $program = -x "$dir/$name" ? "$dir/$name"
		: link_program($dir, $name, $objects);
	$env{PMHEAP_TEST_BACKEND} = $backend if $backend;
	my $found = verdict($dir, $limit // 60, \%env, $program);
	return $found ? "$name" . ($backend ? ".$backend" : '') . " ($found)"
		: '';
}

sub tsan {
	my ($dir, @changed) = @_;
	my $tsan_dir = "$dir/tsan-objects";
	make_path($tsan_dir);
	compile("$dir/lib", $tsan_dir, \@tsan, @changed)
		or die "does not compile with $tsan[0]\n";
	my $program = link_program($dir, 'tsan',
		[map { object($tsan_dir, $_) } @changed]);
	my $env = { TSAN_OPTIONS => 'halt_on_error=1 exitcode=66' };
	# Which threads meet is a matter of chance.
	for (1 .. 3) {
		my $found = verdict($dir, 120, $env, $program);
		return "threads under ThreadSanitizer ($found)" if $found;
	}
	return '';
}

# Tests of the API by what they are sharp for; then those for everything.
my %sharp = (
	qr{^base/|^alloc/} => [qw(alloc free)],
	qr{^tx/lock} => [qw(lock)],
	qr{^tx/(?:multi|scan)|^peers|^heap|^api_write} => [qw(lost)],
	qr{^tx/build} => [qw(free)],
	qr{^tx/(?:checkpoint|commit|log)} => [qw(sweep)],
	qr{^fork|^tx/(?:ctx|trim)} => [qw(fork lock)],
	qr{^tx/record|^persist/be_memory} => [qw(readonly)],
	qr{^heap|^api|^region/} => [qw(badinput region)],
	qr{^clone|^persist/(?:medium|filemap)} => [qw(region readonly)],
);
my @general = qw(tx multi growth large region idmap poison relaxed
		 api-threads);
my @lies = qw(header change checksum record extent idmap-unit badpool badlog);
my $threads = qr/^(?:AO_|acq|rel|torn|mutex|spin|barrier)/;

# In which order what is tried: the likely and the cheap first.
sub plan {
	my ($m) = @_;
	my $test = sub {
		my ($backend, @names) = @_;
		return map { my $name = $_;
			     sub { test(@_, $name, $backend) } } @names;
	};
	my @adr = sub { explore(@_, 'adr', 1) };
	my @page = sub { explore(@_, 'page', 1) };
	my @deep = (sub { small(@_, '--small', 1, '--quota', 24) },
		    sub { small(@_, '--race', 1, '--quota', 6,
				'--family', 'race') },
		    sub { small(@_, '--race', 1, '--quota', 6,
				'--family', 'race-manual') },
		    sub { small(@_, '--race', 1, '--quota', 6,
				'--family', 'race-relaxed') },
		    sub { explore(@_, 'adr', 12) },
		    sub { explore(@_, 'page', 24) });
	my @two = sub { test(@_, 'interleave', undef, 900,
			     PMHEAP_INTERLEAVE => 6) };
	my @lie = $test->('shm', @lies);
	my @backends = $test->(undef, 'backends');
	my @threads = ($test->(undef, 'threads'),
		       $m->{op} =~ $threads ? sub { tsan($_[0], @{$m->{units}}) } : ());
	my @names = map { $m->{file} =~ $_ ? @{$sharp{$_}} : () }
		sort keys %sharp;
	my @api = $test->('dax', @names, @general);
	my @calls = sub { test(@_, 'inject', undef, 600) };
	return (@backends, @api, $test->('file', 'poison', 'tx', 'truncate'),
		@lie, @adr, @threads, @calls)
		if $m->{file} =~ m{^persist.*c$|^clone};
	return (@lie, @api, $test->('shm', 'truncate'), @adr,
		$m->{file} =~ m{^tx/recover} ? @two : ())
		if $m->{op} =~ /^(?:judge|check)$/;
	return (reverse(@threads), @adr, @api, @lie, @page)
		if $m->{op} =~ $threads;
	unshift @api, $test->('file', 'lost') if $m->{file} =~ m{^tx/multi};
	return (@adr, @page, @lie, @api, $test->('shm', 'truncate'), @threads,
		@backends, @deep, @two, @calls);
}

sub class {
	return $_[0]{op} =~ /^(?:judge|check)$/ ? 2 : $_[0]{op} =~ $threads;
}

# --- one mutant ---------------------------------------------------------------

sub fate {
	my ($m, $dir) = @_;
	my $target = "$dir/lib/$m->{file}";
	my $header = $m->{file} =~ /\.h$/;
	my @list = $header ? @units : ($m->{file});
	$m->{units} = \@list;
	for ($header ? map { s{^.*?lib/}{}r } @sources : ()) {
		make_path(dirname("$dir/lib/$_"));
		copy("$lib/$_", "$dir/lib/$_");
	}
	make_path(dirname($target), "$dir/objects");
	open my $out, '>', $target or die "$target: $!\n";
	print $out Sites::changed($lib, $m);
	close $out;
	compile("$dir/lib", "$dir/objects", [], @list)
		or return 'BROKEN', Sites::slurp("$dir/objects/log");
	my @objects = map { object("$dir/objects", $_) } @list;
	my $same = !grep { !is_same("$dir/objects", $_) } @list;
	my @plan = plan($m);
	@plan = $m->{op} =~ $threads ? sub { tsan($_[0], @{$m->{units}}) } : () if $same;
	for my $try (@plan) {
		my $found = $try->($dir, \@objects);
		return 'killed', $found if $found;
	}
	return $same ? ('same code', '') : ('SURVIVED', '');
}

# In a process of its own; it leaves what it found in a file.
sub start {
	my ($m, $n) = @_;
	my $pid = fork // die "fork: $!\n";
	return $pid if $pid;
	my $dir = "$work/$n";
	make_path($dir);
	my $began = time;
	my ($fate, $how) = eval { fate($m, $dir) };
	($fate, $how) = ('BROKEN', $@) if $@;
	open my $out, '>', "$work/$n.fate" or POSIX::_exit(1);
	printf $out "%s\n%.1f\n%s", $fate, time - $began, $how;
	close $out;
	remove_tree($dir);
	POSIX::_exit(0);
}

# What fails without any change kills every mutant, and says nothing.
sub check_killers {
	my $dir = "$work/as-is";
	make_path($dir);
	for my $try (plan({ file => '', op => '' })) {
		my $found = $try->($dir, []);
		die "without any change fails $found\n" if $found;
	}
}

# --- all of them --------------------------------------------------------------

sub read_names {
	my ($path) = @_;
	my %names;
	for (grep { /\S/ && !/^#/ } split /\n/, Sites::slurp($path)) {
		my ($name, $reason) = /^(\S+)\s*(.*)/;
		$names{$name} = $reason;
	}
	return %names;
}

my @all = Sites::all($lib, "$FindBin::Bin/edits",
		     map { s{^.*?lib/}{}r } grep { !/layout\.h$/ } @sources);
my %known = map { $_->{name} => 1 } @all;
my %set = $o{set} ? read_names($o{set}) : map { $_ => 1 } keys %known;
my %reason = read_names($survivors);
my @chosen = grep { exists $set{$_->{name}} && $_->{name} =~ /$o{only}/ }
	@all;
my $bad = 0;

for (sort(keys %reason), $o{set} ? sort keys %set : ()) {
	next if $known{$_};
	print "STALE $_: there is no such mutant\n";
	$bad = 1;
}
die "no mutant is chosen\n" unless @chosen;
if ($o{list}) {
	print "$_->{name}\tlib/$_->{file}:$_->{line}: $_->{text}\n" for @chosen;
	exit $bad;
}

@workloads = grep { !/:/ } split ' ', `$build/tests/crash/explore --list`;

check_killers() if @chosen == @all;
my (%running, %count);
# What the design rests on comes first, what judges damaged pools last.
my @queue = sort { class($a) <=> class($b) } @chosen;
my ($n, $tsan_ready) = (0, 0);
$| = 1;

sub report {
	my ($m, $n) = @_;
	my ($fate, $seconds, $how) =
		split /\n/, Sites::slurp("$work/$n.fate"), 3;
	my $listed = $reason{$m->{name}};
	my $note = $how;
	if ($fate eq 'SURVIVED') {
		$fate = 'survives' if defined $listed;
		$note = $listed // "lib/$m->{file}:$m->{line}: $m->{text}";
	} elsif (defined $listed && $listed !~ /^by chance:/) {
		$note .= ': STALE in the list of survivors';
		$bad = 1;
	}
	$bad = 1 if $fate =~ /^[A-Z]/;
	# What has killed one mutant kills the next.
	@workloads = ($1, grep { $_ ne $1 } @workloads)
		if $how =~ /^explore ([^-\s]\S*)/;
	$count{$fate}++;
	printf "%-9s %s  %s [%s s]\n", $fate, $m->{name}, $note, $seconds;
}

while (@queue || %running) {
	while (@queue && keys %running < $o{jobs}) {
		my $m = shift @queue;
		prepare_tsan() if $m->{op} =~ $threads && !$tsan_ready++;
		my $pid = start($m, ++$n);
		$running{$pid} = [$m, $n];
	}
	my $pid = waitpid -1, 0;
	report(@{delete $running{$pid}}) if $running{$pid};
}

$count{$_} //= 0 for qw(killed survives SURVIVED BROKEN), 'same code';
my $real = @chosen - $count{'same code'};
printf "%d mutants: %d killed, %d survive for a reason, %d survive, %d do not " .
	"compile, %d are the same machine code\nmutation score %.1f %% (%d of %d)\n",
	scalar @chosen, @count{'killed', 'survives', 'SURVIVED', 'BROKEN',
	'same code'}, $real ? 100 * $count{killed} / $real : 100,
	$count{killed}, $real;
exit $bad;
