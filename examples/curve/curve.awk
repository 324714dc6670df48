# Lines of SEED-SHARE-WHO and evaluate's JSON; a table of the mean accuracy, and
# a plot of it.
{
	split($1, key, "-")
	accuracy = $0
	sub(/.*"accuracy":/, "", accuracy)
	share = key[2] + 0
	who = key[3]
	if (!(share in n)) shares[++points] = share
	n[share]++
	if (!(who in seen)) { seen[who] = ++curves; name[curves] = who }
	sum[share, who] += accuracy
	count[share, who]++
	records = $0
	sub(/.*"records":/, "", records)
	if (share == shares[1] && who == name[1]) { tested += records; splits++ }
}
function mean(i, w) { return sum[shares[i], w] / count[shares[i], w] }
function mark(w) { return toupper(substr(w, 1, 1)) }
END {
	printf "accuracy, mean of %d splits of %d test records each\n\n%9s", splits, tested / splits, "training"
	for (c = 1; c <= curves; c++) printf "%9s", name[c]
	print ""
	low = 1
	for (i = 1; i <= points; i++) {
		printf "%7d %%", shares[i]
		for (c = 1; c <= curves; c++) {
			y = mean(i, name[c])
			printf "%9.3f", y
			if (y < low) low = y
			if (y > high) high = y
		}
		print ""
	}
	# Twenty lines from the highest to the lowest; a column for each share.
	rows = 20
	print ""
	for (r = 0; r <= rows; r++) {
		line = r % 5 ? "      |" : sprintf("%5.2f +", high - (high - low) * r / rows)
		for (i = 1; i <= points; i++) {
			cell = ""
			for (c = 1; c <= curves; c++) {
				at = int((high - mean(i, name[c])) / (high - low) * rows + 0.5)
				if (at == r) cell = cell mark(name[c])
			}
			line = line sprintf("%9s", cell)
		}
		print line
	}
	line = "      +"
	axis = "       "
	for (i = 1; i <= points; i++) { line = line "--------+"; axis = axis sprintf("%8d%%", shares[i]) }
	print line "\n" axis
	printf "\n      "
	for (c = 1; c <= curves; c++) printf " %s %s", mark(name[c]), name[c]
	print ""
}
