# Sourced by tests/cli/every-tool-*.sh: a valid invocation of every command on
# tiny inputs, so that what all commands owe can be asked of each.
# shellcheck shell=sh

# rows: for each command, between bars:
#	name
#	marks	o: writes vectors, lines or a file to standard output or -o
#		m: writes only to -o    p: prints, has no -o    j: has -j
#	arguments, with its input as operands
#	arguments, with its input on standard input
#	that input
rows() {
	sed 's/ *| */|/g' <<'E2'
embed-text  | oj | --text title --id id --label label --group series items.jsonl | --text title --id id | items.jsonl
embed-text  | oj | -m sentence --text title --id id items.jsonl | -m sentence --text title --id id | items.jsonl
extract-img | oj | --file image --id id --label label --group series items.jsonl | --file image --id id | items.jsonl
img-meta    | oj | img | --files-from - | names
fuse        | o  | text.vp image.vp | - image.vp | text.vp
vec-split   | o  | --ids some.ids text.vp | --ids some.ids | text.vp
train       | mj | -q --cv off -l labels.tsv both.vp | -q --cv off -l labels.tsv | both.vp
predict     | oj | -m x.model both.vp | -m x.model | both.vp
evaluate    | oj | -q --resubstitution -l labels.tsv predictions.jsonl | -q --resubstitution -l labels.tsv | predictions.jsonl
evaluate    | oj | -q --ablate --bootstrap 20 --resubstitution -m x.model both.vp | -q --ablate --bootstrap 20 --resubstitution -m x.model | both.vp
suspect     | oj | -q --cv 2 --lambda .01 --weight text=1 --weight image=1 --class-weight none both.vp | -q --cv 2 --lambda .01 --weight text=1 --weight image=1 --class-weight none | both.vp
vec-info    | p  | text.vp | | text.vp
vec-convert | o  | -f csv text.vp | -f csv | text.vp
vec-diff    | p  | text.vp text2.vp | - text2.vp | text.vp
vec-cat     | o  | both.vp | | both.vp
vec-head    | o  | -n 3 both.vp | -n 3 | both.vp
E2
}

# tiny [EVERY]: the inputs that the rows name, in the working folder, made of
# each 14th (or EVERY-th) record of the example.  Commands that are not built
# leave theirs out.
tiny() {
	ln -sfn "$ROOT/examples/clipart/img" all
	ln -sfn "$DATA/encoders/sentence" sentence
	mkdir -p img
	awk "NR % ${1:-14} == 1" "$ROOT/examples/clipart/items.jsonl" >items.jsonl
	sed 's/.*"image": *"\([^"]*\)".*/\1/' items.jsonl >names
	while read -r name; do
		mkdir -p "$(dirname "$name")"
		cp "$ROOT/examples/clipart/$name" "$name"
	done <names
	cp "$ROOT/examples/clipart/labels.tsv" .
	sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' items.jsonl | head -5 >some.ids
	{
		embed-text -q --text title --id id --label label --group series items.jsonl >text.vp
		embed-text -q --text title --id id --dim 512 items.jsonl >text2.vp
		extract-img -q --file image --id id --label label --group series items.jsonl >image.vp
		fuse -q text.vp image.vp >both.vp
		train -q --cv off -l labels.tsv -o x.model both.vp
		predict -m x.model both.vp >predictions.jsonl
	} 2>tiny.err
	cp text.vp text2.vp
}

# each COMMAND...: run it for every command that is built, with name, marks,
# args (operands), stdin_args and stdin_file set.
each() {
	rows >rows.txt
	while IFS='|' read -r name marks args stdin_args stdin_file <&9; do
		[ -x "$BUILD/$name" ] || continue
		"$@"
	done 9<rows.txt
}

# has MARK: the row at hand has it.
has() { case $marks in *$1*) return 0 ;; *) return 1 ;; esac; }

# tool [ARG...]: the command with its operands; tool_stdin: with its standard
# input.
# shellcheck disable=SC2086,SC2120 # args are several words; "$@" may be none
tool() { "$name" $args "$@"; }
# shellcheck disable=SC2086,SC2120
tool_stdin() { "$name" $stdin_args "$@" <"$stdin_file"; }

# ends NAME WANT GOT: an exit status that may be one of several (0 or 3: all
# done, with some records in error).
ends() { case " $2 " in *" $3 "*) ok "$1" ;; *) no "$1" "exit $3, not $2: $(cat err)" ;; esac; }

# to FILE: options that send the output of the row at hand to FILE.
to() { if has p; then echo; else echo "-o $1"; fi; }
