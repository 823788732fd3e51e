#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# demo.sh: builds libpmheap and shows its main job surviving SIGKILL.
#
#	./demo.sh [FILE...]
#
# Installs what is missing on Debian, builds in ./build-demo, counts the words
# of the system's common licenses (and of the files given) into a persistent
# hash table, kills the counting at random moments, lets it continue, and
# compares the result with tr | sort | uniq -c. Nonzero if anything differs.
set -eu
LC_ALL=C
export LC_ALL

here=$(cd "$(dirname "$0")" && pwd)
build=$here/build-demo
pmwords=$build/examples/pmwords
packages="gcc make autoconf automake libtool pkg-config libpmem-dev
	libatomic-ops-dev libxxhash-dev libsmartcols-dev libjansson-dev
	libpopt-dev check"
kills_wanted=6		# per pool
kills_needed=3
work='' shm='' pid=''
unset PMHEAP_BACKEND PMHEAP_ASSUME_PMEM

say()
{
	printf 'demo: %s\n' "$*"
}

die()
{
	printf 'demo: error: %s\n' "$*" >&2
	exit 1
}

# Called at exit, whatever the reason.
cleanup()
{
	if [ -n "$pid" ]; then
		kill -9 "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	fi
	[ -z "$work" ] || rm -rf "$work"
	[ -z "$shm" ] || rm -rf "$shm"
}

# Runs a command with its output in the log; shows the log's end if it fails.
logged()
{
	if ! "$@" >>"$build/demo.log" 2>&1; then
		tail -n 25 "$build/demo.log" >&2
		die "$* failed; all of it is in $build/demo.log"
	fi
}

# A random number from $1 to $2.
random()
{
	n=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
	echo $(($1 + n % ($2 - $1 + 1)))
}

install_missing()
{
	missing=
	for p in $packages; do
		state=$(dpkg-query -W -f '${Status}' "$p" 2>/dev/null || :)
		case $state in
		*' installed') ;;
		*) missing="$missing $p" ;;
		esac
	done
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null ||
		die "no apt-get here; please install:$missing"
	say "installing:$missing"
	as_root=
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null ||
			die "not root and no sudo; please install:$missing"
		as_root=sudo
	fi
	$as_root apt-get update >>"$build/demo.log" 2>&1 ||
		say "apt-get update failed; trying with what apt knows"
	# shellcheck disable=SC2086
	logged $as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends $missing
}

autoreconf_here()
{
	(cd "$here" && autoreconf -i)
}

configure_here()
{
	(cd "$build" && "$here/configure" --disable-shared)
}

build_all()
{
	[ ! -f "$here/config.status" ] ||
		die "$here is configured in place; make distclean there first"
	say "building in $build"
	[ -x "$here/configure" ] || logged autoreconf_here
	[ -f "$build/Makefile" ] || logged configure_here
	logged make -C "$build" -j "$(nproc)"
	[ -x "$pmwords" ] || die "$pmwords was not built"
}

# The files to count, one on a line, each once.
list_files()
{
	for f in /usr/share/common-licenses/* "$@"; do
		[ ! -f "$f" ] || realpath -- "$f"
	done | awk '!seen[$0]++'
}

# The truth, as "count word" lines in the order of sort.
count_by_tools()
{
	# shellcheck disable=SC2018,SC2019
	for f in "$@"; do
		tr -cs 'A-Za-z' '\n' <"$f"
		echo
	done | tr 'A-Z' 'a-z' | grep . | sort | uniq -c |
		awk '{ print $1, $2 }' | sort
}

# The value of a line of pmwords --status; nothing if there is no pool yet.
status()
{
	"$pmwords" --status -p "$1" 2>/dev/null | sed -n "s/^$2 //p"
}

# Starts to count into pool $1 and kills that after a random time. 0: killed
# in the middle; 1: too early or too late.
kill_once()
{
	pool=$1
	shift
	ms=$(random 150 700)
	"$pmwords" -q -n 0 -p "$pool" -s 4G -b "$batch" \
		--pause-us "$pause_us" "$@" >/dev/null 2>"$work/stderr" &
	pid=$!
	sleep "0.$(printf %03d "$ms")"
	kill -9 "$pid" 2>/dev/null || :
	code=0
	wait "$pid" 2>/dev/null || code=$?
	pid=
	case $code in
	0 | 137) ;;
	*) die "pmwords ended with $code: $(cat "$work/stderr")" ;;
	esac
	done_bytes=$(status "$pool" bytes_done)
	[ "$code" -eq 137 ] && [ "${done_bytes:-0}" -gt 0 ] &&
		[ "$(status "$pool" state)" = counting ] || return 1
	printf '  killed after %s ms: file %s of %s, byte %s; %s of %s bytes\n' \
		"$ms" "$(($(status "$pool" files_done) + 1))" \
		"$(status "$pool" files)" "$(status "$pool" offset)" \
		"$done_bytes" "$(status "$pool" bytes)"
}

# The whole job on pool $1, called $2 in the report; the rest are the files.
job()
{
	pool=$1 name=$2
	shift 2
	say "counting into $pool, with SIGKILL on the way"
	kills=0 tries=0
	while [ "$kills" -lt "$kills_wanted" ] && [ "$tries" -lt 30 ]; do
		tries=$((tries + 1))
		if kill_once "$pool" "$@"; then
			kills=$((kills + 1))
		fi
		[ "$(status "$pool" state)" != complete ] || break
	done
	[ "$kills" -ge "$kills_needed" ] ||
		die "$name: only $kills kills in the middle of the work"
	say "continuing to the end"
	"$pmwords" -l -p "$pool" -b $((batch * 10)) "$@" >"$work/$name.out" ||
		die "$name: pmwords failed when it continued"
	sort "$work/$name.out" >"$work/$name.sorted"
	if ! cmp -s "$work/expected" "$work/$name.sorted"; then
		diff "$work/expected" "$work/$name.sorted" | head -n 20 >&2 || :
		die "$name: the counts differ from tr | sort | uniq -c"
	fi
	"$pmwords" -q --status -p "$pool" "$@" >"$work/$name.status"
	echo "kills $kills" >>"$work/$name.status"
}

# One line of the report: a title, and a status value of every pool.
line()
{
	printf '  %-18s' "$1"
	for name in file shm; do
		[ ! -f "$work/$name.status" ] ||
			printf '%12s' "$(sed -n "s/^$2 //p" \
				"$work/$name.status")"
	done
	echo
}

report()
{
	printf '\nWords counted into a persistent hash table\n\n'
	line 'backend' backend
	line 'survives loss of' survives
	line 'files' files
	line 'bytes' bytes_done
	line 'words' words
	line 'distinct words' distinct
	line 'kills survived' kills
	# job() ends the program if a count differs.
	printf '\n  all counts identical to tr | sort | uniq -c: yes\n'
	printf '\nThe 10 most frequent words\n\n'
	"$pmwords" -q -n 10 -p "$work/words.pm"
	echo
}

main()
{
	for f in "$@"; do
		[ -f "$f" ] || die "$f: not a regular file"
	done
	mkdir -p "$build"
	: >"$build/demo.log"
	install_missing
	build_all

	list=$(list_files "$@")
	[ -n "$list" ] || die "no files to count; give some as arguments"
	IFS='
'
	set -f
	# shellcheck disable=SC2086
	set -- $list
	set +f
	unset IFS

	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	work=$(mktemp -d "${TMPDIR:-/var/tmp}/pmheap-demo.XXXXXX")
	count_by_tools "$@" >"$work/expected"

	# Some 2500 transactions, slowed down to 8 seconds by a wait inside
	# each: a kill mostly finds one half done.
	lines=$(cat "$@" | wc -l)
	batch=$((lines / 2500 + 1))
	pause_us=$((8000000 / (lines / batch + 1)))
	job "$work/words.pm" file "$@"
	if [ -d /dev/shm ] && [ -w /dev/shm ]; then
		shm=$(mktemp -d /dev/shm/pmheap-demo.XXXXXX)
		job "$shm/words.pm" shm "$@"
	else
		say "no /dev/shm here: skipping the pool in memory"
	fi
	report
}

main "$@"
