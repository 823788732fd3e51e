# SPDX-License-Identifier: BSD-3-Clause
# man/examples.awk: writes the programs in a page's EXAMPLES to PREFIX-1.c,
# PREFIX-2.c, ... (-v prefix=PREFIX), and their names to standard output.

/^\.Sh / {
	in_examples = $2 == "EXAMPLES"
	next
}
in_examples && /^\.Bd -literal/ {
	in_block = 1
	text = ""
	is_program = 0
	next
}
/^\.Ed/ {
	if (in_block && is_program) {
		name = prefix "-" ++n ".c"
		printf "%s", text > name
		close(name)
		print name
	}
	in_block = 0
	next
}
in_block {
	if ($0 ~ /^main\(/)
		is_program = 1
	gsub(/\\&/, "")
	gsub(/\\-/, "-")
	gsub(/\\e/, "\\")
	text = text $0 "\n"
}
