#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "unit.h"

START_TEST(array_product_overflow_is_refused)
{
	ck_assert_ptr_null(mem_array(SIZE_MAX / 2, 3));
	ck_assert_ptr_null(mem_aligned(SIZE_MAX / 2, 3));
}
END_TEST

START_TEST(aligned_is_aligned_and_zero)
{
	for (size_t n = 0; n < 200; n += 7) {
		unsigned char *p = mem_aligned(n, 1);

		ck_assert_uint_eq((uintptr_t)p % 64, 0);
		for (size_t i = 0; i < n; i++)
			ck_assert_uint_eq(p[i], 0);
		free(p);
	}
}
END_TEST

START_TEST(strings_keep_their_bytes)
{
	struct strs c = { 0 };

	ck_assert_int_eq(strs_add(&c, "a\0b", 3), 0);
	ck_assert_int_eq(strs_add(&c, "", 0), 0);
	ck_assert_int_eq(strs_add(&c, "xyz", 3), 0);
	ck_assert_uint_eq(c.n, 3);
	ck_assert(str_eq(strs_get(&c, 0), (struct str){ "a\0b", 3 }));
	ck_assert_uint_eq(strs_get(&c, 1).len, 0);
	ck_assert_int_lt(str_cmp(strs_get(&c, 0), strs_get(&c, 2)), 0);
	strs_free(&c);
}
END_TEST

START_TEST(place_goes_before_the_sentence)
{
	struct error e;

	ck_assert_int_eq(error_set(&e, "line %d", 3), -1);
	error_at(&e, "'%s'", "f");
	ck_assert_str_eq(e.text, "'f': line 3");
	for (int i = 0; i < 300; i++)
		error_at(&e, "'%s'", "deep");
	ck_assert_uint_lt(strlen(e.text), sizeof(e.text));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mem");
	TCase *t = tcase_create("core");

	tcase_add_test(t, array_product_overflow_is_refused);
	tcase_add_test(t, aligned_is_aligned_and_zero);
	tcase_add_test(t, strings_keep_their_bytes);
	tcase_add_test(t, place_goes_before_the_sentence);
	suite_add_tcase(s, t);
	return unit_main(s);
}
