#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "unit.h"

START_TEST(numbers_come_in_order_and_stay)
{
	struct intern t = { 0 };
	char name[16];
	uint32_t number;

	ck_assert_int_eq(intern_find(&t, "a", 1), -1);
	for (int i = 0; i < 5000; i++) {
		int n = snprintf(name, sizeof(name), "%d", i);

		ck_assert_int_eq(intern_add(&t, name, (size_t)n, &number), 1);
		ck_assert_uint_eq(number, (unsigned)i);
	}
	for (int i = 0; i < 5000; i++) {
		int n = snprintf(name, sizeof(name), "%d", i);

		ck_assert_int_eq(intern_find(&t, name, (size_t)n), i);
		ck_assert_int_eq(intern_add(&t, name, (size_t)n, &number), 0);
		ck_assert_uint_eq(number, (unsigned)i);
	}
	ck_assert_int_eq(intern_find(&t, "5000", 4), -1);
	intern_free(&t);
}
END_TEST

START_TEST(strings_may_be_empty_or_hold_nul)
{
	struct intern t = { 0 };
	uint32_t a, b, c;

	ck_assert_int_eq(intern_add(&t, "", 0, &a), 1);
	ck_assert_int_eq(intern_add(&t, "\0", 1, &b), 1);
	ck_assert_int_eq(intern_add(&t, "\0x", 2, &c), 1);
	ck_assert_int_eq(intern_find(&t, "\0", 1), (int)b);
	ck_assert_int_eq(intern_find(&t, "", 0), (int)a);
	intern_free(&t);
}
END_TEST

START_TEST(sorting_renumbers_by_bytes)
{
	static const char *const in[] = { "pear", "\xc3\xa4", "apple", "Zoo",
		"" };
	static const char *const want[] = { "", "Zoo", "apple", "pear",
		"\xc3\xa4" };
	struct intern t = { 0 };
	uint32_t number, order[5];

	for (int i = 0; i < 5; i++)
		intern_add(&t, in[i], strlen(in[i]), &number);
	ck_assert_int_eq(intern_sort(&t, order), 0);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(intern_find(&t, want[i], strlen(want[i])), i);
		ck_assert_str_eq(want[order[i]], in[i]);
	}
	intern_free(&t);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("intern");
	TCase *t = tcase_create("core");

	tcase_add_test(t, numbers_come_in_order_and_stay);
	tcase_add_test(t, strings_may_be_empty_or_hold_nul);
	tcase_add_test(t, sorting_renumbers_by_bytes);
	suite_add_tcase(s, t);
	return unit_main(s);
}
