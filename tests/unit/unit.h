#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <check.h>

/* The file's tests; called once. */
Suite *test_suite(void);

#endif
