# SPDX-License-Identifier: BSD-3-Clause
# The table of verbs, and what is made of it.
load common

verbs() {
	"$pmheap" --help | sed -n 's/^  \([a-z][a-z-]*\)  *[A-Z[-].*/\1/p' |
		grep -vx pmheap
}

# Verbs that print a table.
table_verbs() {
	for verb in $(verbs); do
		"$pmheap" "$verb" --help | grep -q '^Columns' && echo "$verb"
	done
}

@test "every verb has help, and the same by both ways to it" {
	[ "$(verbs | wc -l)" -ge 7 ]
	for verb in $(verbs); do
		"$pmheap" "$verb" --help >a
		"$pmheap" help "$verb" >b
		same a b
		grep -q "^Usage: pmheap $verb " a
	done
}

@test "no line of help is longer than a terminal" {
	for verb in '' $(verbs); do
		run "$pmheap" $verb --help
		[ "$(awk 'length > 80' <<<"$output")" = "" ] || {
			awk 'length > 80' <<<"$output"
			false
		}
	done
}

@test "every verb refuses an option that it has not" {
	for verb in $(verbs); do
		run "$pmheap" "$verb" --nonsense
		refused 16 "$verb: it has no option '--nonsense'"
	done
}

@test "a flag takes no value" {
	run "$pmheap" info --json=1 x
	refused 16 'takes no value'
}

@test "the synopsis of the manual page is that of the verbs" {
	"$pmheap" help --generate synopsis >want
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$src/man/pmheap.1" |
		sed '1d;$d' >page
	diff -u want page
}

@test "nothing else can be generated" {
	run "$pmheap" help --generate perl
	refused 16 "'perl' cannot be generated"
}

# complete WORDS...: what bash offers for the last.
complete_words() {
	bash -c '. "$1"; shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_pmheap
		printf "%s\n" "${COMPREPLY[@]}"' - ./pmheap.bash "$@"
}

@test "bash completes verbs, options, values and files" {
	"$pmheap" help --generate bash >pmheap.bash
	bash -n pmheap.bash
	complete_words pmheap '' >got
	for verb in $(verbs) help; do
		grep -qx -- "$verb" got
	done
	complete_words pmheap help cr >got
	grep -qx create got && ! grep -qx info got
	complete_words pmheap create --max >got
	[ "$(cat got)" = --max-size ]
	complete_words pmheap create --backend d >got
	[ "$(cat got)" = dax ]
	touch a-pool
	complete_words pmheap info a-p >got
	[ "$(cat got)" = a-pool ]
	mkdir a-place
	complete_words pmheap demo a-p >got
	[ "$(cat got)" = a-place ]
}

@test "zsh can read its completions" {
	command -v zsh || skip "zsh is not installed"
	"$pmheap" help --generate zsh >_pmheap
	zsh -n _pmheap
}

@test "fish can read its completions" {
	command -v fish || skip "fish is not installed"
	"$pmheap" help --generate fish >pmheap.fish
	fish -n pmheap.fish
}

@test "completions for zsh and fish know every verb and option" {
	"$pmheap" help --generate zsh >zsh
	"$pmheap" help --generate fish >fish
	for verb in $(verbs); do
		grep -q "^$verb)" zsh
		grep -q -- "-a $verb " fish
		for option in $("$pmheap" "$verb" --help |
			sed -n 's/^  \(-.,  *\)\{0,1\}--\([a-z-]*\).*/\2/p'); do
			sed -n "/^$verb)/,/;;/p" zsh | grep -q -- "'--$option\["
			[ "$option" = help ] ||
				grep -q "from $verb' -l $option " fish
		done
	done
}

@test "completions are built for three shells" {
	for file in pmheap _pmheap pmheap.fish; do
		[ -s "$build/tools/completion/$file" ]
	done
}
