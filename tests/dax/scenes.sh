# SPDX-License-Identifier: BSD-3-Clause
# scenes.sh: what is done with guests; sourced by the tests after guest.sh.

# suite FS PROGRAM...: the API tests, with the backend chosen by itself.
suite()
{
	fs=$1
	shift
	new_medium "$work/suite" "$fs"
	boot suite.console "$work/suite" "job=suite fs=$fs backend=dax" \
		"arg=$(echo "$@" | tr ' ' ',')"
	finish 800
	tests=0
	for p in "$@"; do
		line=$(shown "SUITE $p ")
		case $line in
		"SUITE $p 0 "*" dax: "*" run, 0 failed"*) ;;
		*) fail "API program $p: ${line:-no result}" ;;
		esac
		line=${line#*dax: }
		tests=$((tests + ${line%% run*}))
	done
	say "$# API programs, $tests tests: passed, the dax backend was chosen"
	rm "$work/suite"
}

# facts FS PATTERN...: lines that probe must print.
facts()
{
	fs=$1
	shift
	new_medium "$work/probe" "$fs"
	boot probe.console "$work/probe" "job=probe fs=$fs"
	finish 300
	for fact in "$@" OK; do
		shown PROBE | grep -qxE "PROBE $fact" ||
			fail "probe does not say \"$fact\""
	done
	rm "$work/probe"
}

# A number from $1 to $2.
random()
{
	r=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
	echo $(($1 + r % ($2 - $1 + 1)))
}

# The last number of worker $1 in lines "$2 worker number", or 0.
last_of() { shown "$2 $1 " | tail -n 1 | awk '{ n = $3 } END { print n + 0 }'; }

# What was told before the cut, or found after it, must still be there.
compare_commits()
{
	for w in 0 1; do
		found=$(last_of $w FOUND)
		eval "told=\$told_$w"
		[ "$found" -ge "$told" ] ||
			fail "commit $told of worker $w is lost, $found is the last"
		eval "told_$w=$found"
	done
}

# The processes that stood at a point before the cut, and their pools after it.
compare_points()
{
	[ "$stood" = 0 ] || shown "POINTS CHECKED $stood " | grep -q . ||
		fail "$stood points were cut, and not all were checked"
	points=$((points + stood))
	stood=$(shown 'POINTS STAND' | awk '{ n = $3 } END { print n + 0 }')
}

compare_words()
{
	n=$(shown WORDS | sed -n 's/.* bytes_done \([0-9]*\).*/\1/p' | tail -n 1)
	[ "${n:-0}" -ge "$words_done" ] ||
		fail "pmwords had counted $words_done bytes, now ${n:-none}"
	words_done=${n:-0}
}

# await_commits N SECONDS: until the guest has made about N more.
await_commits()
{
	await '^C 0 [0-9]' "$2"
	n=$(last_of 0 FOUND)
	until [ "$(last_of 0 C)" -ge $((n + $1 / 2)) ]; do
		is_up || fail "the guest ended in the midst of work"
		[ "$(date +%s)" -lt "$end" ] || fail "no $1 commits within $2 s"
		sleep 0.1
	done
}

# after_cut: what the guest that was just cut had found and done.
after_cut()
{
	! grep -aq BROKEN "$console" || fail "the pool is not what it must be"
	compare_points
	compare_words
	before="$told_0 + $told_1"
	when="while the pool was opened"
	if shown 'LOAD CHECKED' | grep -q .; then
		compare_commits
		when="between recovery and the first commits"
	elif shown 'LOAD OPEN' | grep -q '^LOAD OPEN$'; then
		when="while the recovered pool was compared"
	else
		opening=$((opening + 1))
	fi
	for w in 0 1; do
		n=$(last_of $w C)
		[ "$n" = 0 ] || {
			when="in the midst of commits"
			eval "told_$w=$n"
		}
	done
	say "cut $cut: $when; commits told: from $before to $told_0 + $told_1"
}

# cuts FS BACKEND N: N power cuts in the midst of work, all on one medium; every
# second one as soon as the pool is being opened.
cuts()
{
	fs=$1 backend=$2 cut=1
	told_0=0 told_1=0 stood=0 points=0 words_done=0 opening=0
	new_medium "$work/medium" "$fs"
	while [ $cut -le "$3" ]; do
		boot "cut-$cut.console" "$work/medium" \
			"job=work fs=$fs backend=$backend"
		await '^LOAD OPENS' 300
		if [ $((cut % 2)) = 1 ]; then
			await_commits "$(random 200 1500)" 300
			sleep "0.$(random 10 99)"
		fi
		cut_power
		after_cut
		cut=$((cut + 1))
	done
	boot last.console "$work/medium" "job=check fs=$fs backend=$backend"
	finish 400
	compare_points
	compare_words
	compare_commits
	shown LOAD | grep -qx 'LOAD OK' || fail "the load did not go on"
	shown WORDS | grep -q " backend $backend " || fail "pmwords' backend"
	shown WORDS | grep -qx 'WORDS OK' || fail "pmwords did not end"
	say "$3 cuts on $fs: all commits that were told are there;" \
		"$points operations that were cut at a fence or system call" \
		"are whole or absent; pmwords has counted right;" \
		"$(shown 'LOAD CHECKED' | tail -n 1 | sed 's/LOAD CHECKED //')"
	rm "$work/medium"
}
