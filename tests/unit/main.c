/* Runs the suites of one test file. Each file defines `Suite *test_suite(void)`. */
#include <check.h>
#include <stdlib.h>

#include "tests/unit/unit.h"

int main(void)
{
    SRunner *runner = srunner_create(test_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
