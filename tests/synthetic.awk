# Records of two parts, a and b, whose truth is known, as JSON Lines.
#
#	awk -v kind=KIND -v n=N [-v seed=S] [-v from=I] -f synthetic.awk
#
#	xor	the class is whether the signs of a and b differ; each alone
#		says nothing, and no sum of what they say does
#	useless	a tells two classes apart, b is noise of more columns
#	drowned	a and b both show the class, but each, in every second record,
#		is drowned in noise; a column beside it says how loud that is
#	pairs	three classes; a tells the first, b the second from the others
#	numbers	the target is a product of a and b, plus each
#
# Ids are KIND and a number from I (0) on.  The chance is its own, so that the
# same numbers come from every awk.
function chance() { state = (state * 16807) % 2147483647; return state / 2147483647 }
function normal() { return sqrt(-2 * log(chance())) * cos(6.283185307179586 * chance()) }
function row(first, sd, more,   s, i) {
	s = sprintf("[%.5f", first + sd * normal())
	for (i = 0; i < more; i++) s = s sprintf(",%.5f", normal())
	return s "]"
}
function loud(y,   sd) {
	sd = chance() < 0.5 ? 0.4 : 6
	return sprintf("[%.5f,%.5f,%.5f,%.5f]", y + sd * normal(), y + sd * normal(),
	    y + sd * normal(), (sd > 1) + 0.1 * normal())
}
BEGIN {
	state = 1 + ((seed + 1) * 7919 + 104729) % 2147483645
	for (i = 0; i < 20; i++) chance()
	for (i = from + 0; i < from + n; i++) {
		y = chance() < 0.5
		if (kind == "xor") {
			x = chance() < 0.5
			a = row(2 * x - 1, 0.25, 3); b = row(x == y ? -1 : 1, 0.25, 3)
		} else if (kind == "useless") {
			a = row(2 * y - 1, 0.8, 3); b = row(0, 1, 30)
		} else if (kind == "drowned") {
			a = loud(2 * y - 1); b = loud(2 * y - 1)
		} else if (kind == "pairs") {
			y = int(3 * chance())
			a = row(y == 0 ? 1 : -1, 0.8, 3); b = row(y == 1 ? 1 : -1, 0.8, 3)
		} else if (kind == "numbers") {
			u = normal(); v = normal(); y = u * v + u + v
			a = row(u, 0.01, 2); b = row(v, 0.01, 2)
		}
		printf "{\"id\":\"%s%d\",\"%s\":%s,\"vec\":{\"a\":%s,\"b\":%s}}\n", kind, i,
		    kind == "numbers" ? "target" : "label",
		    kind == "numbers" ? sprintf("%.5f", y) : "\"" substr("xyz", y + 1, 1) "\"", a, b
	}
}
