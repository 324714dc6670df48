#include "learn/roster.h"

#include <stdlib.h>
#include <string.h>

#include "learn/split.h"

static int
by_bytes(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The labels sorted, each behind its length, as one string. */
static int
combination(struct buf *out, const struct str *labels, size_t n)
{
	struct str *sorted = mem_array(n, sizeof(*sorted));
	int bad = sorted == NULL;

	if (sorted != NULL) {
		memcpy(sorted, labels, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), by_bytes);
	}
	for (size_t i = 0; !bad && i < n; i++) {
		bad |= buf_printf(out, "%zu:", sorted[i].len);
		bad |= buf_put(out, sorted[i].s, sorted[i].len);
	}
	free(sorted);
	return bad ? -1 : 0;
}

static int
add_label(struct roster *r, size_t i, const struct str *labels, size_t n)
{
	struct buf all = { 0 };
	int rc;

	r->of_label[i] = ROSTER_NONE;
	if (n == 0)
		return 0;
	if (n == 1)
		return intern_add(&r->label, labels[0].s, labels[0].len,
			   &r->of_label[i]) < 0
			   ? -1
			   : 0;
	rc = combination(&all, labels, n);
	if (rc == 0)
		rc = intern_add(&r->label, all.data, all.len, &r->of_label[i]);
	buf_free(&all);
	return rc < 0 ? -1 : 0;
}

static int
add_group(struct roster *r, size_t i, struct str group)
{
	int rc;

	r->of_group[i] = ROSTER_NONE;
	if (group.len == 0)
		return 0;
	rc = intern_add(&r->group, group.s, group.len, &r->of_group[i]);
	if (rc < 0 || mem_grow(&r->first, &r->first_cap, r->group.names.n,
			  sizeof(*r->first)) < 0)
		return -1;
	if (rc == 1)
		r->first[r->of_group[i]] = (uint32_t)i;
	else
		split_join(r->parent, r->first[r->of_group[i]], (uint32_t)i);
	return 0;
}

int
roster_add(struct roster *r, struct str id, struct str group,
    const struct str *labels, size_t n, struct error *e)
{
	size_t i = r->id.names.n;
	uint32_t number;
	int rc;

	if (mem_grow(&r->of_group, &r->group_cap, i + 1, sizeof(*r->of_group)) <
		0 ||
	    mem_grow(&r->of_label, &r->label_cap, i + 1, sizeof(*r->of_label)) <
		0 ||
	    mem_grow(&r->parent, &r->parent_cap, i + 1, sizeof(*r->parent)) < 0)
		return error_memory(e);
	rc = intern_add(&r->id, id.s, id.len, &number);
	if (rc < 0)
		return error_memory(e);
	if (rc == 0)
		return error_set(
		    e, "id '%.*s' occurs twice", (int)id.len, id.s);
	r->parent[i] = (uint32_t)i;
	if (add_group(r, i, group) < 0 || add_label(r, i, labels, n) < 0)
		return error_memory(e);
	return 0;
}

void
roster_join(struct roster *r, uint32_t a, uint32_t b)
{
	split_join(r->parent, a, b);
}

/* What record i would be called if it were alone with its group. */
static struct str
own_name(const struct roster *r, size_t i, uint8_t *is_group)
{
	*is_group = r->of_group[i] != ROSTER_NONE;
	return *is_group ? intern_get(&r->group, r->of_group[i])
			 : intern_get(&r->id, i);
}

void
roster_names(struct roster *r, struct str *name, uint8_t *is_group)
{
	size_t n = r->id.names.n;

	for (size_t i = 0; i < n; i++)
		name[i] = own_name(r, i, &is_group[i]);
	/* The least member of a set is its root: it collects the least name,
	 * and then hands it down. */
	for (size_t i = 0; i < n; i++) {
		uint32_t root = split_find(r->parent, (uint32_t)i);
		int c = str_cmp(name[i], name[root]);

		if (c < 0 || (c == 0 && is_group[i] < is_group[root])) {
			name[root] = name[i];
			is_group[root] = is_group[i];
		}
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t root = split_find(r->parent, (uint32_t)i);

		name[i] = name[root];
		is_group[i] = is_group[root];
	}
}

/* A record's label within its unit, for counting. */
struct vote {
	uint32_t unit, label;
};

static int
by_unit(const void *pa, const void *pb)
{
	const struct vote *a = pa, *b = pb;

	if (a->unit != b->unit)
		return a->unit < b->unit ? -1 : 1;
	return a->label < b->label ? -1 : a->label > b->label;
}

/* The stratum of each unit: the label that most of its records have, the
 * first by name among equals.  of: [n] the unit of each record. */
static int
find_strata(struct roster *r, struct split_unit *u, const uint32_t *of)
{
	size_t n = r->id.names.n;
	uint32_t *order = mem_array(r->label.names.n, sizeof(*order));
	struct vote *v = mem_array(n, sizeof(*v));
	uint32_t *most = mem_array(n, sizeof(*most));
	int rc = -1;

	if (order == NULL || v == NULL || most == NULL ||
	    intern_sort(&r->label, order) < 0)
		goto done;
	for (size_t i = 0; i < n; i++) {
		if (r->of_label[i] != ROSTER_NONE)
			r->of_label[i] = order[r->of_label[i]];
		v[i] = (struct vote){ of[i], r->of_label[i] };
	}
	qsort(v, n, sizeof(*v), by_unit);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && by_unit(&v[i], &v[j]) == 0;)
			j++;
		if (v[i].label == ROSTER_NONE || j - i <= most[v[i].unit])
			continue;
		most[v[i].unit] = (uint32_t)(j - i);
		u[v[i].unit].stratum = v[i].label;
	}
	rc = 0;
done:
	free(order);
	free(v);
	free(most);
	return rc;
}

/* Number the units and count their records.  Returns how many there are. */
static size_t
number_units(struct roster *r, uint64_t seed, const struct str *name,
    const uint8_t *is_group, struct split_unit *u, struct str *unit_name,
    uint32_t *of)
{
	size_t n = r->id.names.n, units = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t root = split_find(r->parent, (uint32_t)i);

		if (root == i) {
			of[i] = (uint32_t)units;
			unit_name[units] = name[i];
			u[units++] = (struct split_unit){
				split_hash(name[i], is_group[i], seed),
				SPLIT_NO_LABEL, 0
			};
		} else {
			of[i] = of[root];
		}
		u[of[i]].records++;
	}
	return units;
}

int
roster_assign(struct roster *r, uint64_t seed, const double *share,
    size_t shares, uint32_t *to, size_t *units, struct error *e)
{
	size_t n = r->id.names.n;
	struct str *name = mem_array(n, sizeof(*name));
	struct str *unit_name = mem_array(n, sizeof(*unit_name));
	uint8_t *is_group = mem_array(n, 1);
	struct split_unit *u = mem_array(n, sizeof(*u));
	uint32_t *of = mem_array(n, sizeof(*of));
	uint32_t *unit_to = mem_array(n, sizeof(*unit_to));
	int rc = -1;

	if (name == NULL || unit_name == NULL || is_group == NULL ||
	    u == NULL || of == NULL || unit_to == NULL)
		goto done;
	roster_names(r, name, is_group);
	*units = number_units(r, seed, name, is_group, u, unit_name, of);
	if (find_strata(r, u, of) < 0 ||
	    split_assign(u, *units, unit_name, r->label.names.n, share, shares,
		unit_to) < 0)
		goto done;
	for (size_t i = 0; i < n; i++)
		to[i] = unit_to[of[i]];
	rc = 0;
done:
	free(name);
	free(unit_name);
	free(is_group);
	free(u);
	free(of);
	free(unit_to);
	return rc < 0 ? error_memory(e) : 0;
}

void
roster_free(struct roster *r)
{
	intern_free(&r->id);
	intern_free(&r->group);
	intern_free(&r->label);
	free(r->of_group);
	free(r->of_label);
	free(r->parent);
	free(r->first);
	memset(r, 0, sizeof(*r));
}
