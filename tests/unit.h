#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

/*
 * What every tests/check_*.c needs: run one suite and exit with its result.
 *
 *	int main(void) { return unit_main(my_suite()); }
 *
 * CK_TAP_LOG_FILE_NAME=- makes Check print TAP, which tests/run.sh counts.
 */
#include <check.h>

static inline int
unit_main(Suite *s)
{
	SRunner *r = srunner_create(s);
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

#endif
